"""Weights on disk: safetensors files, read strictly, and the identity of their content."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt

from lmk.arrays import Arrays
from lmk.model.points import PREFIX
from lmk.system.errors import WeightsError, missing_extra
from lmk.system.files import replacing
from lmk.system.reading import MB, check_regular, read_bytes, reason_of

MOST_BYTES = 512 * MB  # twenty times an hourglass
TENSOR_NAME = re.compile(r"[A-Za-z0-9_.]{1,200}")


def save_weights(
    path: Path,
    arrays: Mapping[str, npt.NDArray[np.generic]],
    metadata: dict[str, str] | None = None,
) -> None:
    """Write matrices and kernels as float16, vectors (biases, batch norms) and points as float32.

    Batch norm variances exceed float16's range, and both need little space. `metadata` goes into
    the file's header. The file appears completely or not at all. Raises OutputError.
    """
    numpy_io = _safetensors()
    stored = {
        name: np.ascontiguousarray(value, _stored_type(name, value))
        for name, value in arrays.items()
    }
    with replacing(path) as temporary:
        temporary.write_bytes(numpy_io.save(stored, metadata))


def _stored_type(name: str, value: npt.NDArray[np.generic]) -> npt.DTypeLike:
    return np.float32 if value.ndim < 2 or name.startswith(PREFIX) else np.float16


def load_weights(path: Path) -> Arrays:
    """Read a safetensors file as float32 arrays.

    Raises WeightsError if it is missing, broken or larger than 512 MB, and for NaN.
    """
    numpy_io = _safetensors()
    with _reading(path):
        stored = numpy_io.load(read_bytes(path, MOST_BYTES))
        arrays = {name: value.astype(np.float32) for name, value in stored.items()}
    check_names(arrays, path)
    for name, value in arrays.items():
        if not np.isfinite(value).all():
            raise WeightsError(f"{path}: {name} has NaN or infinite values: copy it again")
        if name.endswith("running_var") and value.size and value.min() < 0:
            raise WeightsError(f"{path}: {name} has a negative variance: copy it again")
    return arrays


def load_metadata(path: Path) -> dict[str, str]:
    """Read the metadata in a safetensors file's header. Raises WeightsError as `load_weights`."""
    numpy_io = _safetensors()
    with _reading(path):
        check_regular(path, MOST_BYTES)
        with numpy_io.safe_open(str(path), "numpy") as file:
            return file.metadata() or {}


def add_metadata(path: Path, more: Mapping[str, str]) -> None:
    """Add to the metadata of a safetensors file; its tensors stay as they are stored.

    Entries of the same name are replaced. Raises WeightsError as `load_weights`, and OutputError.
    """
    numpy_io, metadata = _safetensors(), load_metadata(path)
    with _reading(path):
        stored = numpy_io.load(read_bytes(path, MOST_BYTES))
    with replacing(path) as temporary:
        temporary.write_bytes(numpy_io.save(stored, metadata | dict(more)))


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise WeightsError(f"{path} does not exist") from error
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {reason_of(error)}") from error
    except Exception as error:  # safetensors has no public error type for every kind of damage
        raise WeightsError(
            f"{path} is not a complete safetensors file ({type(error).__name__}): copy it again"
        ) from error


def check_keys(
    arrays: Mapping[str, npt.NDArray[np.generic]],
    expected: Mapping[str, tuple[int, ...]],
    source: str | os.PathLike[str],
) -> None:
    """Compare names and shapes; one WeightsError lists all that differ."""
    missing = sorted(expected.keys() - arrays.keys())
    unexpected = sorted(arrays.keys() - expected.keys())
    misshapen = [
        f"{name} is {arrays[name].shape}, expected {shape}"
        for name, shape in sorted(expected.items())
        if name in arrays and tuple(arrays[name].shape) != tuple(shape)
    ]
    problems = {"missing": missing, "unexpected": unexpected, "wrong shape": misshapen}
    found = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in problems.items() if names)
    if found:
        raise WeightsError(f"weights do not match {source}: {found}")


def check_names(arrays: Mapping[str, object], source: str | os.PathLike[str]) -> None:
    """Raise WeightsError unless the names are those of layers."""
    for name in arrays:
        if not TENSOR_NAME.fullmatch(name):
            raise WeightsError(
                f"{source}: {name[:60]!r} is not a tensor's name: expected 1 to 200 letters, "
                "digits, '.' and '_'"
            )


def content_sha256(arrays: Mapping[str, npt.NDArray[np.generic]]) -> str:
    """Hash names, shapes and float32 values, for any order and precision of the file.

    No two contents are hashed as the same bytes: a name has no bracket, so that it ends where its
    shape begins, and the shape says how many values follow. Raises WeightsError for other names.
    """
    check_names(arrays, "weights")
    digest = hashlib.sha256()
    for name in sorted(arrays):
        value = np.ascontiguousarray(arrays[name], "<f4")
        digest.update(f"{name}{value.shape}".encode())
        digest.update(value.tobytes())
    return digest.hexdigest()


def _safetensors() -> ModuleType:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise missing_extra("safetensors", "run") from error
    return safetensors.numpy
