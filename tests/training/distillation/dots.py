"""A category without photographs: a red, a green and a blue dot, and a teacher that finds them."""

from __future__ import annotations

import numpy as np

from lmk.inference.backends.base import Inferred, inferred
from lmk.model.points import NO_POINTS

SIDE, INPUT = 90, 64


class Dots:
    """Finds the centres of mass of the dots; the green and the blue one from left to right.

    So it numbers them in a mirrored crop in the other order, as networks number eyes.
    """

    name, framing, transfers, num_landmarks, input_size = "dots", None, None, 3, INPUT
    points = NO_POINTS
    description = "dots"
    off = 0.0

    def infer(self, images: np.ndarray) -> Inferred:
        y, x = np.mgrid[:INPUT, :INPUT]
        mass = np.maximum(images.astype(np.float64) - 128, 0)
        xy = np.stack([(mass * g[..., None]).sum((1, 2)) / mass.sum((1, 2)) for g in (x, y)], -1)
        order = xy[:, 1:, 0].argsort(1)
        xy[:, 1:] = np.take_along_axis(xy[:, 1:], order[..., None], 1)
        self.off = -self.off  # of alternating sign from call to call
        return inferred((xy + self.off).astype(np.float32), np.ones(xy.shape[:2], np.float32))

    def layers(self) -> dict[str, int]:
        return {}


def dots(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Crops with a red dot near the middle, a green one left and a blue one right of it."""
    random = np.random.default_rng(0)
    crops = np.zeros((count, SIDE, SIDE, 3), np.uint8)
    xy = np.array([[45, 30], [25, 55], [65, 58]]) + random.integers(-3, 4, (count, 3, 2))
    for crop, points in zip(crops, xy, strict=True):
        for channel, (x, y) in enumerate(points):
            crop[y - 3 : y + 4, x - 3 : x + 4, channel] = 255
    return crops, xy.astype(np.float32)
