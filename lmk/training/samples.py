"""The sample picture of a training: one column per photograph, one row per stage."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from lmk.arrays import FloatArray, Image
from lmk.drawing.sheet import tile

COLUMNS = 8
SCALE = 2  # of the input's pixels, for dots to be told apart


def to_image(images: Tensor) -> Image:
    """Turn images (B, 3, H, W) in [0, 1] into uint8 RGB (B, H, W, 3)."""
    scaled = (images.detach().float().clamp(0, 1) * 255).round()
    return scaled.permute(0, 2, 3, 1).byte().cpu().numpy()


def sheet(rows: list[tuple[Image, FloatArray | None]]) -> Image:
    """Lay out rows of images, uint8 RGB (N, H, W, 3), with landmarks (N, K, 2) or without.

    Landmarks are in pixels of these images. Returns uint8 RGB, with images SCALE times as large.
    """
    return np.vstack(
        [
            np.hstack(
                [_tile(image, None if xy is None else xy[i]) for i, image in enumerate(images)]
            )
            for images, xy in ((images[:COLUMNS], xy) for images, xy in rows)
        ]
    )


def _tile(image: Image, xy: FloatArray | None) -> Image:
    points = np.zeros((0, 2), np.float32) if xy is None else xy
    return tile(np.ascontiguousarray(image[..., ::-1]), points, SCALE * len(image))[..., ::-1]
