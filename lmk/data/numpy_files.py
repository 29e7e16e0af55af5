"""Read untrusted NumPy files of which shapes and types are known before."""

from __future__ import annotations

import math
import sys
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from lmk.arrays import AnyArray
from lmk.data.read_file import check_regular
from lmk.system.errors import DataError

MAX_EXTRA = 1 << 20  # bytes of headers and of the archive's list of members


class Known(NamedTuple):
    """Shape and type of an array."""

    shape: tuple[int, ...]
    dtype: type[np.generic]

    @property
    def size(self) -> int:
        """Number of its bytes."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize

    def __str__(self) -> str:
        return f"{np.dtype(self.dtype)} {self.shape}"


def find_npy(file: Path, known: Known) -> int:
    """Find where an array begins in a .npy file, which must have exactly this array.

    Raises DataError for any other file.
    """
    check_regular(file, sys.maxsize)
    try:
        size = file.stat().st_size
        with file.open("rb") as stream:
            return _begin(stream, size, known)
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{file} {error}: pack the set again") from error


def read_npz(file: Path, known: Mapping[str, Known]) -> dict[str, AnyArray]:
    """Read a .npz file, which must have exactly these arrays. Raises DataError for any other.

    Nothing is decompressed beyond the size that is known.
    """
    check_regular(file, sum(array.size for array in known.values()) + MAX_EXTRA)
    try:
        with zipfile.ZipFile(file) as archive:
            names = sorted(archive.namelist())
            if names != sorted(f"{name}.npy" for name in known):
                raise ValueError(f"has {', '.join(names)[:80]}")
            return {name: _read_member(archive, f"{name}.npy", known[name]) for name in known}
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror or error}") from error
    except Exception as error:  # a broken archive makes zipfile raise almost anything
        raise DataError(
            f"{file} does not match its index: {error!s:.300}. Pack the set again"
        ) from error


def _read_member(archive: zipfile.ZipFile, name: str, known: Known) -> AnyArray:
    size = archive.getinfo(name).file_size
    if size > known.size + MAX_EXTRA:
        raise ValueError(f"{name} has {size:,} bytes, expected {known.size:,} of {known}")
    content = archive.read(name)
    try:
        offset = _begin(BytesIO(content), len(content), known)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from error
    array: AnyArray = np.frombuffer(content, known.dtype, offset=offset).copy()
    if known.dtype == np.bool_ and array.view(np.uint8).max(initial=0) > 1:
        raise ValueError(f"{name} has flags that are neither 0 nor 1")
    return array.reshape(known.shape)


def _begin(stream: IO[bytes], size: int, known: Known) -> int:
    """Offset of the array in a .npy file of `size` bytes. Raises ValueError for another array."""
    try:
        version = np.lib.format.read_magic(stream)
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    except Exception as error:  # the header is a Python expression, which may be anything
        raise ValueError("is not a NumPy file of version 1.0") from error
    if version != (1, 0) or fortran or dtype != known.dtype or shape != known.shape:
        raise ValueError(f"is {dtype} {shape}, expected {known} in C order")
    offset = stream.tell()
    if size != offset + known.size:
        raise ValueError(f"is {size} bytes, expected {offset + known.size} of {known}")
    return offset
