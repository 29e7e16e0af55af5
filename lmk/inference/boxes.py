"""Boxes, x, y, width, height in image pixels: those that a caller gives, and their overlap."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lmk.arrays import FloatArray, Indices
from lmk.system.errors import UsageError

SAME = 0.3  # overlap from which two boxes are one object

Boxes = npt.ArrayLike
"""(4,) or (N, 4), x, y, width, height in image pixels."""


def check_boxes(boxes_xywh: Boxes) -> FloatArray:
    """Return boxes as float32 (N, 4).

    Raises UsageError for invalid boxes and those without area.
    """
    try:
        checked = np.asarray(boxes_xywh, np.float32)
    except (TypeError, ValueError) as error:
        raise UsageError(f"expected boxes of numbers, shape (N, 4): {error}") from error
    checked = checked[None] if checked.shape == (4,) else checked
    if checked.ndim != 2 or checked.shape[1] != 4:
        raise UsageError(f"expected boxes of shape (4,) or (N, 4), got {checked.shape}")
    bad = ~(np.isfinite(checked).all(1) & (checked[:, 2:] > 0).all(1))
    if bad.any():
        found = checked[bad][0].tolist()
        raise UsageError(f"expected x, y, width > 0, height > 0, all finite, got {found}")
    return checked


def overlap(box_xywh: FloatArray, others_xywh: FloatArray) -> FloatArray:
    """Intersection over union of boxes (..., 4) with others (..., 4), which broadcast."""
    start, other_start = box_xywh[..., :2], others_xywh[..., :2]
    size, other_size = box_xywh[..., 2:], others_xywh[..., 2:]
    most = np.minimum(start + size, other_start + other_size)
    shared = np.maximum(most - np.maximum(start, other_start), 0).prod(-1)
    union = size.prod(-1) + other_size.prod(-1) - shared
    return np.asarray(shared / np.maximum(union, 1e-9), np.float32)


def apart(
    boxes_xywh: FloatArray, order: Indices, share: float, count: int | None = None
) -> list[int]:
    """Take rows of boxes (N, 4) in an order, at most `count`.

    A row is left out whose box overlaps one that was taken by more than a share.
    """
    rows: list[int] = order.tolist()
    if len(rows) < 2:
        return rows[:count]
    doubles = (overlap(boxes_xywh[:, None], boxes_xywh) > share).tolist()
    kept: list[int] = []
    for row in rows:
        if len(kept) == count:
            break
        if not any(doubles[row][earlier] for earlier in kept):
            kept.append(row)
    return kept
