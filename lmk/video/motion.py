"""Predict where an object is in the next frame."""

from __future__ import annotations

import math

import numpy as np

from lmk.arrays import FloatArray

# In sides of the object's box. Between two frames of a camera a fast object changes its speed by
# some sides per second, and a box from landmarks varies by a hundredth of its side.
ACCELERATION = 100.0  # spectral density, sides^2 / s^3
PLACE_NOISE = 0.01
FIRST_SPEED = 5.0  # sides / s
HORIZON_S = 0.25  # after a longer gap between frames, the last speed says nothing
FARTHEST = 0.5  # a prediction lies at most so many sides from the last place


class Motion:
    """The last box of an object, and its velocity: the mean of those between its boxes.

    The weights of the mean are those of a Kalman filter whose state is the velocity, with random
    acceleration. box: (5,), x, y, width, height in image pixels, and the angle in degrees.
    """

    def __init__(self, box: FloatArray, time_s: float) -> None:
        self.box, self._time_s = box, time_s
        self._velocity = np.zeros(2, np.float32)  # of the centre, px / s
        self._variance = FIRST_SPEED**2  # of the velocity, sides^2 / s^2

    def predict(self, time_s: float) -> FloatArray:
        """The box (5,) at a later time, with the size and the angle of the last one."""
        gap_s = time_s - self._time_s
        move = self._velocity * (gap_s if gap_s <= HORIZON_S else 0)
        farthest = FARTHEST * self.box[2:4].max()
        move *= min(1, farthest / max(math.hypot(*move), 1e-6))
        return np.concatenate([self.box[:2] + move, self.box[2:]]).astype(np.float32)

    def observe(self, box: FloatArray, time_s: float) -> None:
        """Take the box (5,) that was found at a time: the first one corrects that of the start."""
        gap_s = time_s - self._time_s
        if gap_s > 0:
            seen = (_centre(box) - _centre(self.box)) / gap_s
            variance = self._variance + ACCELERATION * gap_s
            gain = variance / (variance + 2 * (PLACE_NOISE / gap_s) ** 2)
            self._velocity += gain * (seen - self._velocity)
            self._variance = variance * (1 - gain)
        self.box, self._time_s = box, time_s


def _centre(box: FloatArray) -> FloatArray:
    return np.asarray(box[:2] + box[2:4] / 2, np.float32)
