"""The declarations that a file must have to be a model that lmk exported."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lmk.artifact.catalogue import PRECISIONS, format_of
from lmk.model.framing import Framing, framing_from_json
from lmk.model.points import NO_POINTS, NamedPoints, points_from_json
from lmk.system.errors import WeightsError
from lmk.system.text import check_utf8

SCHEMA_VERSION = "1"
NUMBER = re.compile("[1-9][0-9]{0,3}")
INPUT = re.compile(r"uint8 \(B, (\d{1,4}), (\d{1,4}), 3\)")
REMEDY = "Export one with  lmk export NAME -o DIR"


@dataclass(frozen=True)
class Signature:
    """A file's inputs and outputs, name to `describe(...)`, its metadata, and its batch.

    `batch` is its fixed batch size, None for any.
    """

    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    metadata: Mapping[str, str]
    batch: int | None


def describe(dtype: str, shape: Sequence[object]) -> str:
    """Write a tensor's type as "float32 (B, 10, 2)", for fixed and free batch sizes."""
    sizes = ", ".join(["B", *map(str, shape[1:])] if shape else [])
    return f"{dtype} ({sizes})"


def fixed_batch(shapes: Sequence[Sequence[object]]) -> int | None:
    """The first size of the first input's shape if it is a number."""
    first = shapes[0][0] if shapes and shapes[0] else None
    return first if isinstance(first, int) else None


def check_signature(signature: Signature, path: Path) -> tuple[int, int]:
    """Check the contract; return the file's number of landmarks and input size.

    Raises WeightsError.
    """
    version = signature.metadata.get("schema_version", "")
    if version not in ("", SCHEMA_VERSION):
        raise WeightsError(
            f"{path} has schema_version {version!s:.20}, expected {SCHEMA_VERSION}: "
            "export it again with this version of lmk, or install the one that wrote it"
        )
    task, landmarks = (signature.metadata.get(key, "") for key in ("task", "num_landmarks"))
    if not version or task != "landmarks" or not NUMBER.fullmatch(landmarks):
        raise WeightsError(
            f"{path} is not a model that lmk exported, or is incomplete: expected the metadata "
            f"schema_version, task and num_landmarks, got {sorted(signature.metadata)[:20]}. "
            f"{REMEDY}"
        )
    if (precision := signature.metadata.get("precision", "fp32")) not in PRECISIONS:
        raise WeightsError(
            f"{path} has the precision {precision!r:.60}, expected one of {', '.join(PRECISIONS)}: "
            "export it again"
        )
    outputs = {"landmarks": f"float32 (B, {landmarks}, 2)", "scores": f"float32 (B, {landmarks})"}
    images = INPUT.fullmatch(signature.inputs.get("images", ""))
    takes = images is not None and len(signature.inputs) == 1 and images[1] == images[2]
    if not takes or not outputs.items() <= signature.outputs.items():
        raise WeightsError(
            f"{path} is not a model that lmk exported: expected input images: uint8 (B, S, S, 3) "
            f"and outputs {_list(outputs)}, got {_list(signature.inputs)} and "
            f"{_list(signature.outputs)}. {REMEDY}"
        )
    assert images is not None
    return int(landmarks), int(images[1])


def read_framing(signature: Signature, path: Path) -> Framing | None:
    """Return the framing of a file, None if it has none. Raises WeightsError."""
    text = signature.metadata.get("framing", "")
    try:
        framing = framing_from_json(text) if text else None
        count = int(signature.metadata.get("num_landmarks", "0"))
        if framing and len(framing.landmarks_input) != count:
            raise ValueError(
                f"landmarks_input has {len(framing.landmarks_input)} landmarks, expected {count}"
            )
        return framing
    except ValueError as error:
        raise WeightsError(
            f"{path} has a framing that this version of lmk does not read ({error}): export it "
            "again"
        ) from error


def read_points(signature: Signature, path: Path) -> NamedPoints:
    """Return the named points of a file, maybe none. Raises WeightsError."""
    text = signature.metadata.get("points", "")
    try:
        points = points_from_json(text) if text else NO_POINTS
    except ValueError as error:
        raise WeightsError(
            f"{path} has named points that this version of lmk does not read ({error}): export it "
            "again"
        ) from error
    expected = f"float32 (B, {len(points)}, 2)" if points else None
    if (found := signature.outputs.get("points")) != expected:
        raise WeightsError(
            f"{path} has the names of {len(points)} points, but its output points is "
            f"{found or 'missing'}: export it again"
        )
    return points


def unreadable(path: Path, reason: Exception) -> WeightsError:
    """Build the error for a file that the runtime cannot load, with its last line."""
    check_utf8(path)
    said = [line.strip() for line in str(reason).splitlines() if line.strip()]
    detail = said[-1] if said else type(reason).__name__
    known = format_of(path)
    kind = f"{known.title} file" if known else "model file"
    return WeightsError(f"{path} is not a valid {kind} ({detail}): copy or export it again")


def _list(tensors: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {kind}" for name, kind in tensors.items())
