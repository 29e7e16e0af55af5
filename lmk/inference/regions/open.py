"""Make the region that the text of --region describes."""

from __future__ import annotations

from pathlib import Path

from lmk.inference.regions.base import Detector, Finder
from lmk.inference.regions.cascade import CASCADES, Cascade
from lmk.inference.regions.landmarks import DEFAULT, Finding, LandmarkSearch
from lmk.inference.regions.onnx_detector import OnnxDetector
from lmk.inference.regions.places import center, fixed
from lmk.system.errors import UsageError

WORDS = "center, landmarks, box:X,Y,W,H, cascade:face, cascade:cat or onnx:FILE[#CLASS]"


def open_finder(text: str, finding: Finding = DEFAULT) -> Finder:
    """Make a finder of one of WORDS; `finding` is for landmarks.

    Raises UsageError, WeightsError, UnavailableError.
    """
    kind, _, rest = text.partition(":")
    if text == "center":
        return Detector(center, exact=True)
    if text == "landmarks":
        return LandmarkSearch(finding)
    if kind == "box":
        return Detector(fixed(_numbers(rest)), exact=True)
    if kind == "cascade" and rest in CASCADES:
        return Detector(Cascade(rest), exact=False)
    if kind == "onnx" and rest:
        return Detector(_detector(rest), exact=False)
    raise UsageError(f"unknown region {text!r}: expected {WORDS}, or track: before one of these")


def _detector(text: str) -> OnnxDetector:
    """That of FILE or FILE#CLASS; the name of a file may hold # as well."""
    path, mark, only = text.rpartition("#")
    if not mark or Path(text).is_file():
        return OnnxDetector(Path(text))
    return OnnxDetector(Path(path), only)


def _numbers(text: str) -> tuple[float, ...]:
    try:
        x, y, width, height = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"expected box:X,Y,W,H in pixels, got box:{text}") from error
    return x, y, width, height
