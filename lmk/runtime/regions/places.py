"""Where in a frame to look: a region turns a frame into boxes."""

from __future__ import annotations

from collections.abc import Callable

from lmk.geometry import FloatArray, center_square
from lmk.runtime.crops import Image
from lmk.runtime.landmarker import check_boxes

Region = Callable[[Image], FloatArray]
"""uint8 BGR (H, W, 3) to boxes float32 (N, 4), x, y, width, height in image pixels."""


def center(image_bgr: Image) -> FloatArray:
    """Look at the largest centred square of every frame."""
    height, width = image_bgr.shape[:2]
    return check_boxes(center_square(width, height))


def fixed(box_xywh: tuple[float, float, float, float]) -> Region:
    """Look at the same box (x, y, width, height in pixels) in every frame. Raises UsageError."""
    boxes = check_boxes(box_xywh)
    return lambda _: boxes
