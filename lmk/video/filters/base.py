"""The interface of the filters, and their options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lmk.arrays import AnyArray, FloatArray, Indices


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
    """Smooths the landmarks of several objects over time."""

    def follow(self, rows: Indices, xy_image: FloatArray) -> None:
        """Say which objects the next calls have; see `carried`. New ones start at xy_image."""

    def __call__(self, time_s: float, xy_image: FloatArray, side_px: FloatArray) -> FloatArray:
        """Smooth the landmarks (N, K, 2) of one frame, image pixels.

        side_px: sides (N, 1, 1) of the objects' crops, so that speeds do not depend on their size.
        Times may repeat; a time before the last one counts as repeated.
        """


def carried(values: AnyArray, rows: Indices, new: AnyArray) -> AnyArray:
    """The values (N, ...) of objects that were in these rows (N,) before; of -1, those of `new`."""
    known, kept = rows >= 0, np.array(new)
    kept[known] = values[rows[known]]
    return kept
