"""The picture of a moment in a training: one column a photograph, one row a stage."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from torch import Tensor

from lmk.runtime.draw import draw_landmarks

COLUMNS = 8
SCALE = 2  # of the input's pixels, for dots to be told apart

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


def to_image(images: Tensor) -> Image:
    """Turn images (B, 3, H, W) in [0, 1] into uint8 RGB (B, H, W, 3)."""
    scaled = (images.detach().float().clamp(0, 1) * 255).round()
    return scaled.permute(0, 2, 3, 1).byte().cpu().numpy()


def sheet(rows: list[tuple[Image, Floats | None]]) -> Image:
    """Lay out rows of images, uint8 RGB (N, H, W, 3), with landmarks (N, K, 2) or without.

    Landmarks are pixels of these images. Returns uint8 RGB, each image SCALE times as large.
    """
    return np.vstack(
        [
            np.hstack(
                [_tile(image, None if xy is None else xy[i]) for i, image in enumerate(images)]
            )
            for images, xy in ((images[:COLUMNS], xy) for images, xy in rows)
        ]
    )


def _tile(image: Image, xy: Floats | None) -> Image:
    large = image.repeat(SCALE, axis=0).repeat(SCALE, axis=1)
    if xy is None:
        return large
    xy_large = (xy[None] + 0.5) * SCALE - 0.5
    box = np.array([[0, 0, large.shape[1], large.shape[0]]], np.float32)
    scores = np.ones(xy_large.shape[:2], np.float32)
    bgr = draw_landmarks(np.ascontiguousarray(large[..., ::-1]), xy_large, scores, box)
    return bgr[..., ::-1]
