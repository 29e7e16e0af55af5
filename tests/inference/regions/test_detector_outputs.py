from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lmk.inference.regions.detector_metadata import Declared
from lmk.inference.regions.detector_outputs import read_boxes
from lmk.system.errors import WeightsError

SIZE_HW = (64, 96)
CELLS = 8 * 12 + 4 * 6 + 2 * 3  # of strides 8, 16 and 32
# Two sure boxes and one that is not, in pixels.
CORNERS = np.array([[10, 20, 40, 40], [60, 8, 76, 48], [2, 2, 11, 11.0]])
SCORES, CLASSES = np.array([0.9, 0.7, 0.2]), np.array([0, 2, 0])
SHARE = np.array([96, 64, 96, 64])
NONE = Declared(Path("detector.onnx"))
THREE = replace(NONE, names=("cat", "dog", "fox"))


def among_zeros(rows: np.ndarray, count: int) -> np.ndarray:
    """The rows at places of a table (1, count, B)."""
    table = np.zeros((1, count, rows.shape[1]), np.float32)
    table[0, 2 : 2 + 2 * len(rows) : 2] = rows
    return table


def centred(corners: np.ndarray = CORNERS) -> np.ndarray:
    low, high = corners[:, :2], corners[:, 2:]
    return np.concatenate([(low + high) / 2, high - low], axis=1)


def per_class(scores: np.ndarray = SCORES, count: int = 3) -> np.ndarray:
    return np.where(np.arange(count) == CLASSES[:, None], scores[:, None], 0.01)


def columns(*parts: np.ndarray) -> np.ndarray:
    return np.concatenate([part.reshape(3, -1) for part in parts], axis=1)


def final(corners: np.ndarray = CORNERS) -> np.ndarray:
    return among_zeros(columns(corners, SCORES, CLASSES), 300)


def queries(count: int = 3) -> np.ndarray:
    return among_zeros(columns(centred() / SHARE, per_class(count=count)), 300)


def yolo8(count: int = CELLS) -> np.ndarray:
    return among_zeros(columns(centred(), per_class()), count).transpose(0, 2, 1)


def yolo5(count: int = 3 * CELLS) -> np.ndarray:
    parts = centred(), np.full(3, 0.95), per_class(SCORES / 0.95)
    return among_zeros(columns(*parts), count)


def yolo6() -> np.ndarray:
    table = among_zeros(columns(centred(), np.ones(3), per_class()), CELLS)
    table[..., 4] = 1
    return table


@pytest.mark.parametrize(
    ("table", "declared"),
    [
        (final(), NONE),
        (final(), replace(THREE, final=True)),
        (final().astype(np.float16), THREE),
        (final(CORNERS / SHARE), NONE),
        (queries(), NONE),
        (queries(), replace(THREE, final=False)),
        (yolo8(), NONE),
        (yolo8(), replace(THREE, final=False)),
        (yolo8(20), THREE),
        (yolo8(384 + CELLS), NONE),
        (yolo8(CELLS + 2), NONE),
        (yolo5(), NONE),
        (yolo5(3 * (24 + 6)), NONE),
        (yolo5(20), THREE),
        (yolo6(), NONE),
    ],
)
def test_every_layout_gives_its_sure_boxes_in_pixels(table, declared) -> None:
    boxes = read_boxes({"out": table}, declared, SIZE_HW)
    atol = 0.05 if table.dtype == np.float16 else 1e-4
    np.testing.assert_allclose(boxes.corners, CORNERS[:2], atol=atol)
    np.testing.assert_allclose(boxes.scores, SCORES[:2], atol=1e-3)
    np.testing.assert_array_equal(boxes.classes, CLASSES[:2])


@pytest.mark.parametrize("final_known", [None, False])
def test_two_classes_of_queries_are_no_score_and_class(final_known: bool | None) -> None:
    table = queries(2)
    table[0, 4, 5] = 0.7
    declared = replace(NONE, names=("cat", "dog"), final=final_known)
    for known in (declared, replace(declared, names=None)):
        boxes = read_boxes({"out": table}, known, SIZE_HW)
        np.testing.assert_allclose(boxes.corners, CORNERS[:2], atol=1e-4)
        np.testing.assert_array_equal(boxes.classes, [0, 1])


def test_labels_boxes_and_scores_are_read_by_their_names() -> None:
    outputs = {
        "scores": SCORES[None].astype(np.float32),
        "labels": CLASSES[None].astype(np.int64),
        "boxes": CORNERS[None].astype(np.float32),
    }
    boxes = read_boxes(outputs, NONE, SIZE_HW)
    np.testing.assert_allclose(boxes.corners, CORNERS[:2])
    np.testing.assert_array_equal(boxes.classes, CLASSES[:2])
    with pytest.raises(WeightsError, match="'labels'"):
        read_boxes({**outputs, "labels": outputs["labels"][:, :2]}, NONE, SIZE_HW)


def test_maps_of_the_heads_beside_a_table_say_nothing() -> None:
    outputs = {"350": np.ones((1, 3, 8, 12, 8), np.float32), "output": yolo5()}
    assert len(read_boxes(outputs, NONE, SIZE_HW).scores) == 2


MASKS = np.linspace(-0.9, 0.9, 3 * 32)
KEYPOINTS = np.linspace(3, 90, 3 * 15)
ANGLES = np.array([-0.3, 0.2, 1.2])


@pytest.mark.parametrize(
    ("rows", "count", "words"),
    [
        (columns(CORNERS, SCORES, CLASSES, MASKS), 300, "final boxes with masks"),
        (columns(CORNERS, SCORES, CLASSES, KEYPOINTS), 300, "final boxes with masks"),
        (columns(centred(), SCORES, CLASSES, ANGLES), 300, "final boxes with masks"),
        (
            columns(centred(), per_class(), MASKS),
            -CELLS,
            "of boxes with masks",
        ),
        (columns(centred(), SCORES, KEYPOINTS), -CELLS, "of boxes with masks"),
        (
            columns(centred(), per_class(), ANGLES),
            -CELLS,
            "of boxes with masks",
        ),
        (columns(centred(), SCORES, per_class()), CELLS, "YOLOX"),
        (columns(centred(), np.ones(3), per_class()), 3 * CELLS + 1, r"\(1, 379, 8\)$"),
        (columns(centred(CORNERS[:, [2, 3, 0, 1]]), per_class()), -CELLS, "of boxes with masks"),
        (columns(centred() + 0.3, per_class()), 300, r"\(1, 300, 7\)$"),
        (columns(CLASSES / 2, SCORES, CORNERS / SHARE), 300, r"\(1, 300, 6\)$"),
        (columns(centred(), per_class()), -20, r"got 'out' \(1, 7, 20\)$"),
        (columns(centred(), SCORES), 20, r"got 'out' \(1, 20, 5\)$"),
        (columns(centred(), SCORES, CLASSES), 300, r"\(1, 300, 6\)$"),
        (columns(CORNERS, SCORES, CLASSES + 0.5), 300, r"\(1, 300, 6\)$"),
        (columns(CORNERS, SCORES * 2, CLASSES), 300, r"\(1, 300, 6\)$"),
        (columns(CORNERS, CLASSES, SCORES), 300, r"\(1, 300, 6\)$"),
        (columns(CORNERS / SHARE, CLASSES / 2, SCORES), 300, r"\(1, 300, 6\)$"),
        (columns(CORNERS / SHARE, SCORES), 300, r"\(1, 300, 5\)$"),
        (columns(CORNERS / SHARE, SCORES, CLASSES / 2, KEYPOINTS / 96), 300, r"300, 21\)"),
        (columns(CORNERS / 30, SCORES, CLASSES), 300, "coordinates up to 2.53"),
    ],
)
def test_tables_of_other_models_are_refused(rows: np.ndarray, count: int, words: str) -> None:
    table = among_zeros(rows, abs(count))
    table = table if count > 0 else table.transpose(0, 2, 1)
    with pytest.raises(WeightsError, match=words):
        read_boxes({"out": table}, NONE, SIZE_HW)


@pytest.mark.parametrize(
    ("table", "declared"),
    [
        (yolo8(), replace(THREE, names=("cat", "dog"))),
        (yolo5(), replace(THREE, names=("cat",) * 80)),
        (final(), replace(THREE, names=("cat",))),
        (final(), replace(THREE, final=False)),
        (yolo8(), replace(THREE, final=True)),
    ],
)
def test_metadata_that_contradicts_the_output_is_an_error(table, declared) -> None:
    with pytest.raises(WeightsError, match=f"its metadata says {declared.classes} classes"):
        read_boxes({"out": table}, declared, SIZE_HW)


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ({"output0": (1, 39, CELLS), "output1": (1, 32, 16, 24)}, r"'output1' \(1, 32, 16, 24\)"),
        ({"logits": (1, 100, 92), "pred_boxes": (1, 100, 4)}, "as of DETR, whose scaling"),
        ({"dets": (1, 300, 4), "labels": (1, 300, 91)}, "as of RF-DETR"),
        ({"detection_boxes": (1, 100, 4), "num_detections": (1,)}, "as of the object detection of"),
        ({"boxes": (1, 300, 4), "scores": (1, 300)}, "or labels, boxes and scores"),
        ({"boxes": (9, 4), "scores": (9,), "labels": (9,)}, "or labels, boxes and scores"),
        ({"a": (1, 300, 6), "b": (1, 300, 6)}, r"'a' \(1, 300, 6\), 'b' \(1, 300, 6\)"),
        ({"probabilities": (1, 1000)}, r"'probabilities' \(1, 1000\)"),
        ({"out": (2, 300, 6)}, r"'out' \(2, 300, 6\)"),
        ({"out": ()}, r"'out' \(\)"),
    ],
)
def test_other_outputs_are_refused_with_their_names(shapes, words: str) -> None:
    outputs = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    with pytest.raises(WeightsError, match=words):
        read_boxes(outputs, NONE, SIZE_HW)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_numbers_that_are_not_finite_are_refused(value: float) -> None:
    table = final().astype(np.float64)
    table[0, 299, 0] = value
    with pytest.raises(WeightsError, match="NaN or infinite"):
        read_boxes({"out": table}, NONE, SIZE_HW)


def test_boxes_of_integers_are_refused() -> None:
    with pytest.raises(WeightsError, match="as floats, got int64"):
        read_boxes({"out": np.zeros((1, 300, 6), np.int64)}, NONE, SIZE_HW)


@pytest.mark.parametrize("shape", [(0, 6), (300, 6), (300, 7), (7, CELLS), (3 * CELLS, 8)])
def test_a_frame_without_sure_boxes_has_none(shape: tuple[int, int]) -> None:
    assert read_boxes({"out": np.zeros((1, *shape), np.float32)}, NONE, SIZE_HW).scores.size == 0


def test_a_table_with_two_possible_layouts_is_refused_unless_it_is_empty() -> None:
    # An input of 160 x 128 has 3 * (10 * 8 + 5 * 4) = 300 boxes of a YOLO 5 with two strides.
    rows = np.array([[10, 20, 40, 40, 0.9, 1]], np.float32)
    with pytest.raises(WeightsError, match="several of these layouts"):
        read_boxes({"out": among_zeros(rows, 300)}, NONE, (160, 128))
    empty = np.zeros((1, 300, 6), np.float32)
    assert read_boxes({"out": empty}, NONE, (160, 128)).scores.size == 0


def test_one_named_class_in_final_boxes_is_no_objectness() -> None:
    """As of YOLO 10 and 26 for faces, without the word end2end."""
    rows = np.zeros((1, 300, 6), np.float32)
    rows[0, :2] = [[10, 20, 40, 40, 0.9, 0], [60, 8, 76, 48, 0.2, 0]]
    found = read_boxes({"out": rows}, replace(NONE, names=("face",)), SIZE_HW)
    np.testing.assert_allclose(found.corners, [[10, 20, 40, 40]])
