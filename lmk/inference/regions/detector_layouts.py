"""The layouts that the table of a detector's boxes may have.

    final            (N, 6)        x1, y1, x2, y2, score, class: YOLO 10 and 26, or any with NMS
    queries          (N, 4 + C)    centre, size, C class scores, in shares: RT-DETR of Ultralytics
    per_class        (4 + C, N)    centre, size, C class scores: YOLO 8 to 12
    with_objectness  (N, 5 + C)    centre, size, objectness, C class scores: YOLO 5 to 7

Each function returns the sure boxes in the unit of the table, or None where the metadata, the shape
or a value speaks against its layout. Without class names in the metadata, N of the last two must be
the number of cells that a YOLO head has for this input: once in `per_class`, and three times in
`with_objectness`, or once with an objectness of 1 (YOLO 6).
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmk.arrays import FloatArray
from lmk.inference.regions.detector_metadata import Declared

SCORE = 0.4
HIGHEST_SCORE = 1.01  # half precision may round above 1
MOST_BOXES = 1000  # of final and queries
STRIDES = (4, 8, 16, 32, 64, 128)


@dataclass(frozen=True)
class Boxes:
    """The sure boxes of a frame.

    corners: (N, 4) x1, y1, x2, y2. scores, classes: (N,). count: of the classes, if known.
    """

    corners: FloatArray
    scores: FloatArray
    classes: npt.NDArray[np.intp]
    count: int | None


def final(table: FloatArray, declared: Declared) -> Boxes | None:
    """Read corners, a score and the number of a class."""
    if table.shape[1] != 6 or len(table) > MOST_BOXES or declared.final is False:
        return None
    if not (are_scores(table[:, 4]) and are_whole(table[:, 5])):
        return None
    corners, scores, classes = np.split(table[table[:, 4] >= SCORE], (4, 5), axis=1)
    ordered = (corners[:, :2] <= corners[:, 2:]).all()
    numbered = (classes >= 0).all() and (classes < (declared.classes or np.inf)).all()
    if not (ordered and numbered):
        return None
    return Boxes(corners, scores[:, 0], classes[:, 0].astype(np.intp), declared.classes)


def queries(table: FloatArray, declared: Declared) -> Boxes | None:
    """Read rows of centre, size and scores; the sure boxes are in shares of the input."""
    rows, columns = table.shape
    if declared.classes is None:
        fits = 5 <= columns <= rows <= MOST_BOXES
    else:
        fits = columns == 4 + declared.classes
    if not fits or declared.final is True or not are_scores(table[:, 4:]):
        return None
    boxes = _centred(table[:, :4], table[:, 4:])
    if not are_scores(table[table[:, 4:].max(1) >= SCORE, :4]):
        return None
    told = declared.final is False or (declared.classes is not None and columns != 6)
    return None if boxes is not None and not told and _may_be_final(table, boxes) else boxes


def _may_be_final(table: FloatArray, boxes: Boxes) -> bool:
    """Whether the columns may as well be x1, y1, x2, y2, a score and a class, in any order.

    Classes are whole numbers in all rows; what a network computes is not.
    """
    if not len(boxes.scores):
        return False
    whole = (table == np.round(table)).all(0)
    ordered = (table[:, :2] <= table[:, 2:4]).all()
    numbered = whole[4:6].any() or table.shape[1] == 5
    return bool(whole[:4].any() or (ordered and numbered))


def per_class(table: FloatArray, declared: Declared, cells: Set[int]) -> Boxes | None:
    """Read columns of centre, size and scores."""
    rows, columns = table.shape
    if declared.classes is None:
        fits = rows >= 5 and columns in cells
    else:
        fits = rows == 4 + declared.classes
    if not fits or declared.final is True or not are_scores(table[4:]):
        return None
    return _centred(table[:4].T, table[4:].T)


def with_objectness(table: FloatArray, declared: Declared, cells: Set[int]) -> Boxes | None:
    """Read rows of centre, size, objectness and scores."""
    rows, columns = table.shape
    of_head = rows in cells or (rows % 3 == 0 and rows // 3 in cells)
    if declared.classes is None:
        fits = columns >= 6 and of_head
    else:  # six columns may also be corners, a score and a class
        fits = columns == 5 + declared.classes and (columns > 6 or of_head)
    if not fits or declared.final is True or not are_scores(table[:, 4:]):
        return None
    if rows in cells and not (table[:, 4] == 1).all():
        return None
    return _centred(table[:, :4], table[:, 4:5] * table[:, 5:])


def _centred(boxes: FloatArray, scores: FloatArray) -> Boxes | None:
    """The sure ones of boxes (N, 4) by centre and size, with scores (N, C)."""
    best = scores.max(1)
    sure = best >= SCORE
    centres, sizes = boxes[sure, :2], boxes[sure, 2:]
    if (sizes < 0).any():
        return None
    corners = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)
    return Boxes(corners, best[sure], scores[sure].argmax(1), scores.shape[1])


def are_scores(values: FloatArray) -> bool:
    """Whether all are from 0 to 1."""
    return bool((values >= 0).all() and (values <= HIGHEST_SCORE).all())


def are_whole(values: FloatArray) -> bool:
    """Whether all are whole numbers."""
    return bool((values == np.round(values)).all())


def cells_of_heads(size_hw: tuple[int, int]) -> frozenset[int]:
    """The numbers of cells of heads with neighbouring strides, of which the first is at most 16."""
    levels = [-(-size_hw[0] // stride) * -(-size_hw[1] // stride) for stride in STRIDES]
    return frozenset(
        sum(levels[first:end]) for first in range(3) for end in range(first + 2, len(levels) + 1)
    )
