"""Places that are known before any frame is seen."""

from __future__ import annotations

from lmk.geometry import FloatArray, center_square
from lmk.runtime.boxes import Boxes, check_boxes
from lmk.runtime.crops import Image
from lmk.runtime.regions.base import Find


def center(image_bgr: Image) -> FloatArray:
    """Look at the largest centred square of every frame."""
    height, width = image_bgr.shape[:2]
    return check_boxes(center_square(width, height))


def fixed(boxes_xywh: Boxes) -> Find:
    """Look at the same boxes (4,) or (N, 4) in every frame. Raises UsageError."""
    boxes = check_boxes(boxes_xywh)
    return lambda _: boxes
