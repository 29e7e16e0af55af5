"""The One Euro filter of Casiez, Roussel and Vogel (CHI 2012).

A low-pass whose cutoff rises with speed: landmarks at rest are still, moving ones do not lag.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lmk.arrays import FloatArray, Indices
from lmk.video.filters.base import Smoothing, carried

SPEED_CUTOFF_HZ = 1.0  # of the speed's own low-pass, as in the paper


class OneEuro:
    """See `Filter`."""

    def __init__(self, options: Smoothing) -> None:
        self._options = options
        self._time_s = -math.inf
        self._place = self._speed = np.empty((0, 1, 1), np.float32)

    def follow(self, rows: Indices, xy_image: FloatArray) -> None:
        """See `Filter.follow`."""
        self._place = carried(self._place, rows, xy_image)
        self._speed = carried(self._speed, rows, np.zeros_like(xy_image))

    def __call__(self, time_s: float, xy_image: FloatArray, side_px: FloatArray) -> FloatArray:
        """See `Filter`."""
        step_s = time_s - self._time_s
        if step_s <= 0:
            return self._place
        self._time_s = time_s
        way = xy_image - self._place
        self._speed = self._speed + _share(SPEED_CUTOFF_HZ, step_s) * (way / step_s - self._speed)
        sides_per_second = np.hypot(self._speed[..., :1], self._speed[..., 1:]) / side_px
        cutoff_hz = self._options.cutoff_hz + self._options.per_speed * sides_per_second
        self._place = self._place + _share(cutoff_hz, step_s) * way
        return self._place


def _share(cutoff_hz: Any, step_s: float) -> Any:
    """Share of the new value in a first-order low-pass."""
    return 1 / (1 + 1 / (2 * math.pi * step_s * cutoff_hz))
