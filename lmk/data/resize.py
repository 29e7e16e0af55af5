"""Resize square crops, and choose some of them."""

from __future__ import annotations

import numpy as np

from lmk.arrays import Images
from lmk.data.packed import Crops
from lmk.system.opencv import cv2


def resize_crops(crops: Crops, size: int) -> Images:
    """Resize square crops (N, S, S, 3) to (N, size, size, 3), such as a network's input."""
    images = np.asarray(crops)
    if images.shape[1] == size:
        return images
    method = cv2.INTER_AREA if images.shape[1] > size else cv2.INTER_LINEAR
    return np.stack([cv2.resize(image, (size, size), interpolation=method) for image in images])


def spread_crops(crops: Crops, count: int) -> Images:
    """Take up to `count` crops, evenly spread over the set."""
    step = max(len(crops) // count, 1)
    return np.asarray(crops[::step][:count])
