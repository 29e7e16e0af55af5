"""What every place for results offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from lmk.geometry import FloatArray
from lmk.runtime.crops import Image
from lmk.runtime.sources import Frame

REMEDY = "Free space or choose another place"


@dataclass(frozen=True, eq=False)
class Result:
    """What was found in a frame.

    boxes (N, 4), x, y, width, height; xy (N, K, 2), both in image pixels; scores (N, K).
    drawn_bgr: uint8 BGR (H, W, 3), the frame with its landmarks, or the frame itself when no sink
    draws.
    """

    frame: Frame
    boxes: FloatArray
    xy: FloatArray
    scores: FloatArray
    drawn_bgr: Image


class Sink(Protocol):
    """Takes results in order; `draws` says that it needs the frame with its landmarks."""

    draws: bool

    def write(self, result: Result) -> None:
        """Take one more result. Raises OutputError."""
