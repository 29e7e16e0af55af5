"""Landmarks that do not tremble, and that stay for a moment when they are lost.

The One Euro filter of Casiez, Roussel and Vogel (CHI 2012): a low-pass whose cutoff rises with
speed, so that what rests is still and what moves does not lag.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lmk.arrays import FloatArray

SPEED_CUTOFF_HZ = 1.0  # of the speed's own low-pass, as in the paper


@dataclass(frozen=True)
class Smoothing:
    """How much landmarks are smoothed.

    cutoff_hz: of a landmark at rest; lower is steadier. per_speed: how much a speed of one crop's
    side a second adds to it; higher lags less. low_score: a landmark below it is held in its last
    place in the crop, and fades out in `fade_s`.
    """

    cutoff_hz: float = 1.5
    per_speed: float = 15.0
    low_score: float = 0.3
    fade_s: float = 0.5


class Smoother:
    """Smooths the landmarks of one object over time."""

    def __init__(self, options: Smoothing) -> None:
        self._options = options
        self._last: tuple[float, FloatArray, FloatArray] | None = None  # time, place, speed
        self._in_crop: FloatArray | None = None
        self._seen_s: FloatArray | None = None

    def __call__(
        self, time_s: float, xy_image: FloatArray, scores: FloatArray, box_xywh: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Smooth one frame's landmarks.

        xy_image (K, 2), scores (K,), box (4,) the crop. Returns landmarks (K, 2) in image pixels
        and their opacity (K,): 1 where seen, falling to 0 where held. Times may repeat, and ones
        that run backwards count as repeated.
        """
        corner, side = box_xywh[:2], float(box_xywh[2:].max())
        in_crop = (xy_image - corner) / side
        seen = scores >= self._options.low_score
        if self._in_crop is None or self._seen_s is None:
            self._in_crop, self._seen_s = in_crop, np.full(len(scores), -np.inf)
        self._in_crop = np.where(seen[:, None], in_crop, self._in_crop)
        self._seen_s = np.where(seen, time_s, self._seen_s)
        lost_s = np.maximum(time_s - self._seen_s, 0)
        opacity = np.clip(1 - lost_s / self._options.fade_s, 0, 1)
        smooth = self._low_pass(time_s, corner + side * self._in_crop, side)
        return smooth.astype(np.float32), opacity.astype(np.float32)

    def _low_pass(self, time_s: float, xy_image: FloatArray, side: float) -> FloatArray:
        if self._last is None:
            self._last = time_s, xy_image, np.zeros_like(xy_image)
            return xy_image
        before_s, before, speed = self._last
        step_s = time_s - before_s
        if step_s <= 0:
            return before
        new_speed = (xy_image - before) / step_s
        speed = speed + _share(SPEED_CUTOFF_HZ, step_s) * (new_speed - speed)
        sides_a_second = np.linalg.norm(speed, axis=1, keepdims=True) / side
        cutoff_hz = self._options.cutoff_hz + self._options.per_speed * sides_a_second
        place: FloatArray = before + _share(cutoff_hz, step_s) * (xy_image - before)
        self._last = time_s, place, speed
        return place


def _share(cutoff_hz: Any, step_s: float) -> Any:
    """Share of the new value in a first-order low-pass."""
    return 1 / (1 + 1 / (2 * math.pi * cutoff_hz * step_s))
