"""Spread: have landmarks collapsed onto one another, or onto fixed places?

Forward, backward and consistency errors can all be low for landmarks that carry no shape; these two
figures are then low as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmk.system.errors import DataError


@dataclass(frozen=True)
class Spread:
    """Both in the pixels of the landmarks.

    nearest_px: distance of a landmark to its nearest neighbour in the same image, mean over
    landmarks and images. motion_px: root mean square distance of a landmark from its own mean place
    over images, mean over landmarks.
    """

    nearest_px: float
    motion_px: float


def spread(xy_input: npt.NDArray[np.floating]) -> Spread:
    """Measure the spread of landmarks (N, K, 2), K at least 2. Raises DataError."""
    if xy_input.ndim != 3 or not len(xy_input) or xy_input.shape[1] < 2:
        raise DataError(f"expected (images, at least 2 landmarks, 2), got {xy_input.shape}")
    xy = xy_input.astype(np.float64)
    distance = np.linalg.norm(xy[:, :, None] - xy[:, None], axis=-1)
    distance[:, np.eye(xy.shape[1], dtype=bool)] = np.inf
    motion = np.sqrt(xy.var(axis=0).sum(axis=-1))
    return Spread(float(distance.min(axis=-1).mean()), float(motion.mean()))
