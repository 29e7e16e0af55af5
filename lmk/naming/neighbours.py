"""What is expected before any picture is seen: a point moves with the landmarks near it.

The motion of a point is interpolated from those of the landmarks by a smooth kernel of their
distance (Matern, of smoothness 3/2): kriging, as in Rasmussen and Williams, Gaussian Processes for
Machine Learning, chapter 2.
"""

from __future__ import annotations

import numpy as np

from lmk.arrays import DoubleArray

NUGGET = 0.01  # of a landmark's motion that its neighbours do not share
ROUNDS = 3  # the place of a point and the shares depend on each other


def neighbour_shares(shape: DoubleArray, x: DoubleArray, y: DoubleArray) -> DoubleArray:
    """How much of each landmark's motion each point takes, (P, K).

    shape (K, 2): the mean landmarks; x (R, K, 2): deviations of the landmarks from them; y (R, P,
    2): the points, NaN where they are not annotated; all in one frame.
    """
    apart = np.linalg.norm(shape[:, None] - shape, axis=2)
    nearest = np.where(np.eye(len(shape), dtype=bool), np.inf, apart).min(1)
    length = max(float(nearest.mean()), 1e-3)
    inverse = np.linalg.inv(_kernel(apart / length) + NUGGET * np.eye(len(shape)))
    known = np.isfinite(y[..., :1])
    shares = np.zeros((y.shape[1], len(shape)))
    for _ in range(ROUNDS):
        left = np.where(known, y - shares @ x, 0)
        places = left.sum(0) / np.maximum(known.sum(0), 1)
        away = np.linalg.norm(places[:, None] - shape, axis=2)
        shares = _kernel(away / length) @ inverse
    return shares


def _kernel(distance: DoubleArray) -> DoubleArray:
    return np.asarray((1 + distance) * np.exp(-distance))
