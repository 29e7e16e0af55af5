"""The One Euro filter of Casiez, Roussel and Vogel (CHI 2012).

A low-pass whose cutoff rises with speed: landmarks at rest are still, moving ones do not lag.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lmk.arrays import FloatArray
from lmk.video.filters.base import Smoothing

SPEED_CUTOFF_HZ = 1.0  # of the speed's own low-pass, as in the paper


class OneEuro:
    """See `Filter`."""

    def __init__(self, options: Smoothing) -> None:
        self._options = options
        self._last: tuple[float, FloatArray, FloatArray] | None = None  # time, place, speed

    def __call__(self, time_s: float, xy_image: FloatArray, side_px: float) -> FloatArray:
        """See `Filter`."""
        if self._last is None:
            self._last = time_s, xy_image, np.zeros_like(xy_image)
            return xy_image
        before_s, before, speed = self._last
        step_s = time_s - before_s
        if step_s <= 0:
            return before
        new_speed = (xy_image - before) / step_s
        speed = speed + _share(SPEED_CUTOFF_HZ, step_s) * (new_speed - speed)
        sides_per_second = np.linalg.norm(speed, axis=1, keepdims=True) / side_px
        cutoff_hz = self._options.cutoff_hz + self._options.per_speed * sides_per_second
        place: FloatArray = before + _share(cutoff_hz, step_s) * (xy_image - before)
        self._last = time_s, place, speed
        return place


def _share(cutoff_hz: Any, step_s: float) -> Any:
    """Share of the new value in a first-order low-pass."""
    return 1 / (1 + 1 / (2 * math.pi * cutoff_hz * step_s))
