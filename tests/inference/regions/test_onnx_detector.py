from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from lmk.inference.regions.onnx_detector import OnnxDetector, _letterbox
from lmk.inference.regions.open import open_finder
from lmk.system.errors import WeightsError

# In pixels of the 96 x 64 input: two boxes that overlap, one of another class, one that is unsure.
BOXES_XYWH = np.array([[10, 20, 30, 20], [12, 20, 30, 20], [60, 8, 16, 40], [2, 2, 9, 9.0]])
SCORES, CLASSES = np.array([0.9, 0.8, 0.7, 0.2]), np.array([0, 0, 2, 0])


def save_detector(
    path: Path,
    output: np.ndarray,
    input_type: int = TensorProto.FLOAT,
    input_shape: Sequence[int | str] = (1, 3, 64, 96),
) -> Path:
    """An ONNX file that gives the same output whatever it sees."""
    nodes = [
        helper.make_node("Cast", ["seen"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["floats"], ["sum"], keepdims=0),
        helper.make_node("Mul", ["sum", "zero"], ["nothing"]),
        helper.make_node("Add", ["boxes", "nothing"], ["out"]),
    ]
    graph = helper.make_graph(
        nodes,
        "detector",
        [helper.make_tensor_value_info("seen", input_type, list(input_shape))],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, list(output.shape))],
        [
            numpy_helper.from_array(output.astype(np.float32), "boxes"),
            numpy_helper.from_array(np.float32(0), "zero"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(path))
    return path


def final() -> np.ndarray:
    corners = np.concatenate([BOXES_XYWH[:, :2], BOXES_XYWH[:, :2] + BOXES_XYWH[:, 2:]], axis=1)
    return np.concatenate([corners, SCORES[:, None], CLASSES[:, None]], axis=1)[None]


def centred() -> np.ndarray:
    return np.concatenate([BOXES_XYWH[:, :2] + BOXES_XYWH[:, 2:] / 2, BOXES_XYWH[:, 2:]], axis=1)


def scores_per_class(scores: np.ndarray) -> np.ndarray:
    return np.where(np.arange(3) == CLASSES[:, None], scores[:, None], 0.01)


def per_class() -> np.ndarray:
    rows = np.concatenate([centred(), scores_per_class(SCORES)], axis=1)
    return np.repeat(rows, 5, axis=0).T[None]  # more boxes than numbers a box


def with_objectness() -> np.ndarray:
    rows = np.concatenate(
        [centred(), np.full((4, 1), 0.95), scores_per_class(SCORES / 0.95)], axis=1
    )
    return np.repeat(rows, 5, axis=0)[None]


@pytest.mark.parametrize("layout", [final, per_class, with_objectness])
def test_every_layout_gives_the_boxes_of_the_frame(tmp_path: Path, layout) -> None:
    path = save_detector(tmp_path / "boxes.onnx", layout())
    # A frame of 200 x 64 shrinks to 96 x 31 in the input's top left: by 0.48.
    frame = np.zeros((64, 200, 3), np.uint8)
    found = OnnxDetector(path)(frame)
    expected = np.stack([BOXES_XYWH[0], BOXES_XYWH[2]]) / 0.48
    np.testing.assert_allclose(found[np.argsort(found[:, 0])], expected, rtol=1e-5)
    only = open_finder(f"onnx:{path}#2")
    assert not only.exact
    np.testing.assert_allclose(only.find(frame), expected[1:], rtol=1e-5)


def test_a_frame_goes_in_as_rgb_from_0_to_1_with_a_grey_border() -> None:
    frame = np.zeros((64, 200, 3), np.uint8)
    frame[:, :100] = (0, 51, 255)
    seen, scale = _letterbox(frame, (64, 96))
    assert scale == pytest.approx(0.48)
    assert seen.shape == (1, 3, 64, 96)
    np.testing.assert_allclose(seen[0, :, 15, 20], [1, 0.2, 0], atol=1e-6)
    np.testing.assert_allclose(seen[0, :, 40, 20], [114 / 255] * 3, atol=1e-6)
    large, scale = _letterbox(cv2.resize(frame, (50, 16)), (64, 96))
    assert (scale, large.shape) == (pytest.approx(1.92), (1, 3, 64, 96))


def with_keypoints() -> np.ndarray:
    """As of a face detector: one score, then points in pixels."""
    points = np.linspace(3, 90, 15)[None].repeat(4, 0)
    rows = np.concatenate([centred(), SCORES[:, None], points], axis=1)
    return np.repeat(rows, 8, axis=0).T[None]


def without_scores() -> np.ndarray:
    return np.concatenate([centred(), SCORES[:, None]], axis=1).repeat(5, axis=0)[None]


@pytest.mark.parametrize("layout", [with_keypoints, without_scores])
def test_boxes_with_keypoints_or_without_classes_are_refused(tmp_path: Path, layout) -> None:
    detector = OnnxDetector(save_detector(tmp_path / "pose.onnx", layout()))
    with pytest.raises(WeightsError, match="scores of 0 to 1 behind the box"):
        detector(np.zeros((64, 200, 3), np.uint8))


def test_files_that_are_no_detectors_are_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"no")
    with pytest.raises(WeightsError, match="can load"):
        OnnxDetector(tmp_path / "broken.onnx")
    path = save_detector(tmp_path / "bytes.onnx", final(), TensorProto.UINT8)
    with pytest.raises(WeightsError, match="one float32 input"):
        OnnxDetector(path)
    OnnxDetector(save_detector(tmp_path / "open.onnx", final(), input_shape=("N", 3, "H", "W")))
    for shape in ((1, 64, 96, 3), (4, 3, 64, 96)):
        path = save_detector(tmp_path / "other.onnx", final(), input_shape=shape)
        with pytest.raises(WeightsError, match=r"one float32 input \(1, 3, H, W\)"):
            OnnxDetector(path)
    path = save_detector(tmp_path / "flat.onnx", np.zeros((1, 7)))
    with pytest.raises(WeightsError, match=r"expected an output \(1, N, 6\)"):
        OnnxDetector(path)(np.zeros((20, 20, 3), np.uint8))
