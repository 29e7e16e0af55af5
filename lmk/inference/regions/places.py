"""Regions at fixed places of the frame."""

from __future__ import annotations

from lmk.arrays import FloatArray, Image
from lmk.geometry import boxes_of_crops, center_square
from lmk.inference.boxes import Boxes, check_boxes
from lmk.inference.regions.base import Find
from lmk.system.errors import UsageError


def center(image_bgr: Image) -> FloatArray:
    """The box whose crop is the largest centred square of a frame."""
    height, width = image_bgr.shape[:2]
    return boxes_of_crops(center_square(width, height))


def fixed(boxes_xywh: Boxes) -> Find:
    """The same boxes in every frame.

    Raises UsageError, also for a frame that does not overlap one of them.
    """
    boxes = check_boxes(boxes_xywh)

    def find(image_bgr: Image) -> FloatArray:
        height, width = image_bgr.shape[:2]
        ends = boxes[:, :2] + boxes[:, 2:4]
        outside = (boxes[:, :2] >= (width, height)).any(1) | (ends <= 0).any(1)
        if outside.any():
            box = ",".join(f"{value:g}" for value in boxes[outside][0, :4])
            raise UsageError(
                f"box:{box} lies outside a frame of {width} x {height} pixels: give X,Y of its top "
                "left corner and its size W,H in pixels of the frame"
            )
        return boxes

    return find
