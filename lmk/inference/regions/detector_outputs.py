"""Read the boxes in the outputs of a detector, or refuse them.

One output is a table (1, A, B) in a layout of `detector_layouts`; labels (1, N), boxes (1, N, 4)
and scores (1, N), as of RT-DETR and D-FINE, are one in the layout final. A table is read if one
layout is possible and no other one.

Boxes are in pixels of the input or in shares of it. The sure boxes of a frame tell it: shares if no
coordinate is above 1.5, pixels if one is at least 4, and otherwise they are refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lmk.arrays import FloatArray
from lmk.inference.regions.detector_layouts import (
    Boxes,
    are_scores,
    are_whole,
    cells_of_heads,
    final,
    per_class,
    queries,
    with_objectness,
)
from lmk.inference.regions.detector_metadata import Declared

HIGHEST_SHARE, LEAST_PIXELS = 1.5, 4.0
EXPECTED = (
    "expected one output (1, N, 6), (1, N, 4 + C), (1, 4 + C, N) or (1, N, 5 + C) of boxes and "
    "scores of 0 to 1, or labels, boxes and scores"
)
OTHERS = {
    "pred_boxes": "DETR, whose scaling of the input is not in the file",
    "dets": "RF-DETR, whose scaling of the input is not in the file",
    "detection_boxes": "the object detection of TensorFlow",
}

Outputs = Mapping[str, npt.NDArray[Any]]


def read_boxes(outputs: Outputs, declared: Declared, size_hw: tuple[int, int]) -> Boxes:
    """Read the sure boxes, in pixels of an input of this size, of the outputs by their names.

    Raises WeightsError.
    """
    cells = cells_of_heads(size_hw)
    if set(outputs) == {"labels", "boxes", "scores"}:
        table = _join(outputs, declared)
        possible = [final(table, declared)]
    else:
        table = _only_table(outputs, declared)
        possible = [
            final(table, declared),
            queries(table, declared),
            per_class(table, declared, cells),
            with_objectness(table, declared, cells),
        ]
    readings = [reading for reading in possible if reading is not None]
    if not readings:
        raise _refusal(outputs, declared, _resembled(table, declared, cells))
    if len(readings) > 1 and any(len(reading.scores) for reading in readings):
        raise _refusal(outputs, declared, ", which may have several of these layouts")
    return _in_pixels(readings[0], declared, size_hw)


def _join(outputs: Outputs, declared: Declared) -> FloatArray:
    boxes, scores, labels = (outputs[name] for name in ("boxes", "scores", "labels"))
    if not (scores.ndim == 2 and len(scores) == 1 and labels.shape == scores.shape) or (
        boxes.shape != (*scores.shape, 4)
    ):
        raise _refusal(outputs, declared)
    numbers = labels.astype(np.float32) if labels.dtype.kind in "iu" else labels
    parts = (boxes, scores[..., None], numbers[..., None])
    return np.concatenate([_floats(part, declared)[0] for part in parts], axis=1)


def _only_table(outputs: Outputs, declared: Declared) -> FloatArray:
    """The table (A, B) of the only output; YOLO 5 may give the maps of its heads besides."""
    tables = [output for output in outputs.values() if output.ndim != 5]
    if len(tables) != 1 or tables[0].ndim != 3 or len(tables[0]) != 1:
        other = next((f", as of {OTHERS[name]}" for name in outputs if name in OTHERS), "")
        raise _refusal(outputs, declared, other)
    table: FloatArray = _floats(tables[0], declared)[0]
    return table


def _floats(values: npt.NDArray[Any], declared: Declared) -> FloatArray:
    if values.dtype.kind != "f":
        raise declared.refusal(f"expected boxes and scores as floats, got {values.dtype}")
    with np.errstate(over="ignore"):
        floats = values.astype(np.float32, copy=False)
    if not np.isfinite(floats).all():
        raise declared.refusal("its output holds NaN or infinite numbers")
    return floats


def _in_pixels(boxes: Boxes, declared: Declared, size_hw: tuple[int, int]) -> Boxes:
    largest = float(np.abs(boxes.corners).max(initial=0))
    if largest >= LEAST_PIXELS:
        return boxes
    if largest > HIGHEST_SHARE:
        raise declared.refusal(
            f"expected boxes in pixels, or in shares up to {HIGHEST_SHARE}, got coordinates up to "
            f"{largest:.2f}"
        )
    height, width = size_hw
    return replace(boxes, corners=boxes.corners * np.array([width, height] * 2, np.float32))


def _refusal(outputs: Outputs, declared: Declared, remark: str = "") -> Exception:
    got = ", ".join(f"{name!r:.60} {output.shape}" for name, output in outputs.items())
    return declared.refusal(f"{EXPECTED}, got {got}{remark}")


def _resembled(table: FloatArray, declared: Declared, cells: Set[int]) -> str:
    """What a refused table contradicts, or is probably of."""
    rows, columns = table.shape
    if rows in cells:
        return ", as of YOLOX, which takes another input"
    if declared.classes is not None:
        once = {True: ", each object once", False: ", objects more than once", None: ""}
        return f", but its metadata says {declared.classes} classes{once[declared.final]}"
    if columns > 6 and are_scores(table[:, 4]) and are_whole(table[:, 5]):
        return ", as of final boxes with masks, keypoints or angles"
    if columns in cells:
        return ", as of boxes with masks, keypoints or angles"
    return ""
