"""Make the region that the text of --region describes."""

from __future__ import annotations

from pathlib import Path

from lmk.inference.regions.base import Finder
from lmk.inference.regions.cascade import CASCADES, Cascade
from lmk.inference.regions.onnx_detector import OnnxDetector
from lmk.inference.regions.places import center, fixed
from lmk.system.errors import UsageError

WORDS = "center, box:X,Y,W,H, cascade:face, cascade:cat or onnx:FILE[#CLASS]"


def open_finder(text: str) -> Finder:
    """Make a finder of `center`, `box:X,Y,W,H`, `cascade:face|cat` or `onnx:FILE[#CLASS]`.

    Raises UsageError, WeightsError, UnavailableError.
    """
    kind, _, rest = text.partition(":")
    if text == "center":
        return Finder(center, exact=True)
    if kind == "box":
        return Finder(fixed(_numbers(rest)), exact=True)
    if kind == "cascade" and rest in CASCADES:
        return Finder(Cascade(rest), exact=False)
    if kind == "onnx" and rest:
        path, _, only = rest.partition("#")
        if only and not only.isdecimal():
            raise UsageError(f"expected onnx:FILE#CLASS with the number of the class, got {text}")
        detector = OnnxDetector(Path(path), int(only) if only else None)
        return Finder(detector, exact=False)
    raise UsageError(f"unknown region {text!r}: expected {WORDS}, or track: before one of these")


def _numbers(text: str) -> tuple[float, ...]:
    try:
        x, y, width, height = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"expected box:X,Y,W,H in pixels, got box:{text}") from error
    return x, y, width, height
