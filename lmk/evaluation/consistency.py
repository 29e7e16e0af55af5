"""Consistency: do landmarks turn with the picture?

For a random similarity transform A the distance between landmarks(A(picture)) and
A(landmarks(picture)). A turns the input about its centre and shrinks it so that the turned square
fits the input again: no point inside the input ever leaves it. What A uncovers in the corners
repeats the edge. Landmarks that never move have an error too, but collapsed ones may have none:
read it together with the spread.

Source: Sanchez and Tzimiropoulos, NeurIPS 2019, section 4.2; angles from N(0, 15 degrees) as in
the authors' public code, which also turns the first picture of each pair at random.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from lmk.errors import DataError
from lmk.geometry import INPUT_SIZE, apply_affine

DEGREES = 15.0

Images = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Detect = Callable[[Images], Floats]


@dataclass(frozen=True)
class Consistency:
    """Distances in input pixels, float32 (N, K): one row an image, one column a landmark."""

    distance_px: Floats

    @property
    def per_point(self) -> Floats:
        """Mean over images, float32 (K,), in the order of the landmarks."""
        return np.asarray(self.distance_px.mean(axis=0), np.float32)

    @property
    def average(self) -> float:
        """Mean over images and landmarks."""
        return float(self.distance_px.mean())


def consistency(detect: Detect, images: Images, seed: int = 0, batch: int = 64) -> Consistency:
    """Compare landmarks of turned images with turned landmarks, one random turn an image.

    images uint8 RGB (N, 128, 128, 3); detect maps a batch of them to float32 (B, K, 2) in input
    pixels and sees each image once as it is and once turned. Raises DataError.
    """
    if images.ndim != 4 or images.shape[1:] != (INPUT_SIZE, INPUT_SIZE, 3) or not len(images):
        raise DataError(f"expected images (N, {INPUT_SIZE}, {INPUT_SIZE}, 3), got {images.shape}")
    matrices = random_turns(len(images), seed)
    distances = []
    for first in range(0, len(images), batch):
        part = images[first : first + batch]
        turns = matrices[first : first + batch]
        turned_xy = apply_affine(turns, detect(part))
        distances.append(np.linalg.norm(detect(turn_images(part, turns)) - turned_xy, axis=-1))
    return Consistency(np.concatenate(distances).astype(np.float32))


def random_turns(count: int, seed: int) -> Floats:
    """Draw matrices (N, 2, 3) from input pixels to the turned input's pixels.

    The square canvas that holds the turned input is |cos| + |sin| times as wide and is resized
    back to the input's width. Matrix i depends on seed and i alone.
    """
    angle = np.radians(np.random.default_rng(seed).normal(0, DEGREES, count))
    scale = 1 / (np.abs(np.cos(angle)) + np.abs(np.sin(angle)))
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    linear = np.array([[cos, -sin], [sin, cos]]).transpose(2, 0, 1)
    center = (INPUT_SIZE - 1) / 2
    offset = center - center * linear.sum(axis=2, keepdims=True)
    return np.concatenate([linear, offset], axis=2).astype(np.float32)


def turn_images(images: Images, matrices: Floats) -> Images:
    """Warp images (B, H, W, 3) by matrices (B, 2, 3), bilinear, edges replicated."""
    turned = np.empty_like(images)
    for image, matrix, out in zip(images, matrices, turned, strict=True):
        out[:] = cv2.warpAffine(
            image,
            matrix,
            (images.shape[2], images.shape[1]),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
    return turned
