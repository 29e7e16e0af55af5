"""Boxes: those that a caller gives, and their overlap.

A box is x, y, width, height in image pixels, and inside lmk always with an angle as the fifth
number: degrees, from x towards y, by which it is turned about its centre.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lmk.arrays import FloatArray, Indices
from lmk.system.errors import UsageError

FARTHEST_PX = 1e7
SAME = 0.3  # overlap from which two boxes are one object

Boxes = npt.ArrayLike
"""(4,) or (N, 4), x, y, width, height in image pixels, or (5,) or (N, 5) with an angle."""


def check_boxes(boxes_xywh: Boxes) -> FloatArray:
    """Return boxes as float32 (N, 5).

    Raises UsageError for invalid boxes and those without area.
    """
    try:
        checked = np.asarray(boxes_xywh, np.float32)
    except (TypeError, ValueError) as error:
        raise UsageError(f"expected boxes of numbers, shape (N, 4): {error}") from error
    checked = checked[None] if checked.ndim == 1 else checked
    if checked.ndim != 2 or checked.shape[1] not in (4, 5):
        raise UsageError(
            f"expected boxes of shape (4,) or (N, 4), or with an angle (5,) or (N, 5), got "
            f"{np.shape(boxes_xywh)}"
        )
    # False for NaN, too.
    bad = ~((np.abs(checked) <= FARTHEST_PX).all(1) & (checked[:, 2:4] > 0).all(1))
    if bad.any():
        found = checked[bad][0].tolist()
        raise UsageError(
            f"expected x, y, width > 0, height > 0, all finite and at most {FARTHEST_PX:,.0f} px, "
            f"got {found}"
        )
    return checked if checked.shape[1] == 5 else upright(checked)


def upright(boxes_xywh: FloatArray) -> FloatArray:
    """Give boxes (N, 4) the angle 0, (N, 5)."""
    return np.pad(boxes_xywh, ((0, 0), (0, 1)))


def overlap(box_xywh: FloatArray, others_xywh: FloatArray) -> FloatArray:
    """Intersection over union of boxes (..., 4 or 5) with others, which broadcast.

    Angles are left out: what is asked is whether two boxes are round the same object.
    """
    start, other_start = box_xywh[..., :2], others_xywh[..., :2]
    size, other_size = box_xywh[..., 2:4], others_xywh[..., 2:4]
    most = np.minimum(start + size, other_start + other_size)
    shared = np.maximum(most - np.maximum(start, other_start), 0).prod(-1)
    union = size.prod(-1) + other_size.prod(-1) - shared
    return np.asarray(shared / np.maximum(union, 1e-9), np.float32)


def apart(
    boxes_xywh: FloatArray, order: Indices, share: float, count: int | None = None
) -> list[int]:
    """Take rows of boxes (N, 4 or 5) in an order, at most `count`.

    A row is left out whose box overlaps one that was taken by more than a share.
    """
    free, kept = np.ones(len(boxes_xywh), bool), list[int]()
    for row in order.tolist():
        if len(kept) == count:
            break
        if free[row]:
            kept.append(row)
            free &= overlap(boxes_xywh[row], boxes_xywh) <= share
    return kept
