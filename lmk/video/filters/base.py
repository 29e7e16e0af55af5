"""The interface of the filters, and their options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from lmk.arrays import FloatArray


@dataclass(frozen=True)
class Smoothing:
    """How much landmarks are smoothed.

    cutoff_hz: of a landmark at rest; lower is smoother. per_speed: increase of the cutoff with
    speed, Hz per crop side per second; higher lags less. low_score: a landmark with a lower score
    keeps its last place in the crop, and fades out in `fade_s`. filter: a name in
    `filters/catalogue.py`.
    """

    cutoff_hz: float = 1.5
    per_speed: float = 15.0
    low_score: float = 0.3
    fade_s: float = 0.5
    filter: str = "one-euro"


class Filter(Protocol):
    """Smooths the landmarks of one object over time."""

    def __call__(self, time_s: float, xy_image: FloatArray, side_px: float) -> FloatArray:
        """Smooth the landmarks (K, 2) of one frame, image pixels.

        side_px: side of the object's crop, so that speeds do not depend on its size. Times may
        repeat; a time before the last one counts as repeated.
        """
