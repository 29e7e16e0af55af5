from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from lmk.inference.regions import onnx_detector
from lmk.inference.regions.onnx_detector import OnnxDetector, _letterbox
from lmk.inference.regions.open import open_finder
from lmk.system.errors import UsageError, WeightsError

# In pixels of the 96 x 64 input: two boxes that overlap, one of another class, one without area.
BOXES_XYWH = np.array([[10, 20, 30, 20], [12, 20, 30, 20], [60, 8, 16, 40], [2, 2, 0, 9.0]])
SCORES, CLASSES = np.array([0.9, 0.8, 0.7, 0.6]), np.array([0, 0, 2, 0])
NAMES = {"task": "detect", "names": "{0: 'cat', 1: 'dog', 2: 'fox'}"}
# A frame of 200 x 64 shrinks to 96 x 31 in the input's top left: by 0.48.
FRAME, SCALE = np.zeros((64, 200, 3), np.uint8), 0.48


def final() -> np.ndarray:
    corners = np.concatenate([BOXES_XYWH[:, :2], BOXES_XYWH[:, :2] + BOXES_XYWH[:, 2:]], axis=1)
    rows = np.concatenate([corners, SCORES[:, None], CLASSES[:, None]], axis=1)
    return rows[None].astype(np.float32)


def per_class() -> np.ndarray:
    """As of YOLO 8: the input has 8 * 12 + 4 * 6 + 2 * 3 cells."""
    table = np.zeros((1, 7, 126), np.float32)
    table[0, :2, :4] = (BOXES_XYWH[:, :2] + BOXES_XYWH[:, 2:] / 2).T
    table[0, 2:4, :4] = BOXES_XYWH[:, 2:].T
    table[0, 4 + CLASSES, np.arange(4)] = SCORES
    return table


def save_detector(
    path: Path,
    outputs: Mapping[str, np.ndarray],
    input_type: int = TensorProto.FLOAT,
    input_shape: Sequence[int | str] = (1, 3, 64, 96),
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """An ONNX file that gives the same outputs whatever it sees."""
    graph = helper.make_graph(
        [helper.make_node("Identity", [f"{name}_"], [name]) for name in outputs],
        "detector",
        [helper.make_tensor_value_info("seen", input_type, list(input_shape))],
        [
            helper.make_tensor_value_info(
                name, helper.np_dtype_to_tensor_dtype(output.dtype), list(output.shape)
            )
            for name, output in outputs.items()
        ],
        [numpy_helper.from_array(output, f"{name}_") for name, output in outputs.items()],
    )
    return save(graph, path, metadata)


def save(graph: onnx.GraphProto, path: Path, metadata: Mapping[str, str] | None = None) -> Path:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, dict(metadata or {}))
    onnx.save(model, str(path))
    return path


@pytest.mark.parametrize("metadata", [None, NAMES])
@pytest.mark.parametrize("layout", [final, per_class])
def test_boxes_are_those_of_the_frame_once_each(tmp_path: Path, layout, metadata) -> None:
    path = save_detector(tmp_path / "boxes.onnx", {"out": layout()}, metadata=metadata)
    found = OnnxDetector(path)(FRAME)
    expected = np.stack([BOXES_XYWH[0], BOXES_XYWH[2]]) / SCALE
    np.testing.assert_allclose(found[np.argsort(found[:, 0])], expected, rtol=1e-5)
    only = open_finder(f"onnx:{path}#{'fox' if metadata else 2}")
    assert not only.exact
    np.testing.assert_allclose(only.find(FRAME), expected[1:], rtol=1e-5)


@pytest.mark.parametrize("far", [1e5, 1e20, 1e30])
def test_boxes_far_outside_the_input_are_refused(tmp_path: Path, far: float) -> None:
    rows = final()
    rows[0, 0, :4] = -far, -far, far, far
    path = save_detector(tmp_path / "boxes.onnx", {"out": rows}, metadata=NAMES)
    with pytest.raises(WeightsError, match=r"boxes\.onnx.*far outside"):
        OnnxDetector(path)(FRAME)


def test_half_precision_is_read(tmp_path: Path) -> None:
    path = save_detector(
        tmp_path / "half.onnx", {"out": per_class().astype(np.float16)}, TensorProto.FLOAT16
    )
    found = OnnxDetector(path)(FRAME)
    np.testing.assert_allclose(found[0], BOXES_XYWH[0] / SCALE, rtol=1e-3)


def test_a_detector_that_takes_the_size_gets_that_of_its_input(tmp_path: Path) -> None:
    """As of RT-DETR: the outputs are shares times `orig_target_sizes`."""
    shares = final()[..., :4] / 96
    inputs = [("images", TensorProto.FLOAT, ["N", 3, 96, 96])]
    inputs.append(("orig_target_sizes", TensorProto.INT64, ["N", 2]))
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["orig_target_sizes"], ["sizes"], to=TensorProto.FLOAT),
            helper.make_node("Concat", ["sizes", "sizes"], ["whole"], axis=1),
            helper.make_node("Mul", ["shares", "whole"], ["boxes"]),
            helper.make_node("Identity", ["scores_"], ["scores"]),
            helper.make_node("Identity", ["labels_"], ["labels"]),
        ],
        "detector",
        [helper.make_tensor_value_info(*value) for value in inputs],
        [
            helper.make_tensor_value_info("labels", TensorProto.INT64, [1, 4]),
            helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [1, 4, 4]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 4]),
        ],
        [
            numpy_helper.from_array(shares, "shares"),
            numpy_helper.from_array(SCORES[None].astype(np.float32), "scores_"),
            numpy_helper.from_array(CLASSES[None], "labels_"),
        ],
    )
    path = save(graph, tmp_path / "rtdetr.onnx")
    np.testing.assert_allclose(OnnxDetector(path, "2")(FRAME), BOXES_XYWH[2:3] / SCALE, rtol=1e-5)
    graph.input[0].CopyFrom(helper.make_tensor_value_info("images", 1, [1, 3, 64, 96]))
    with pytest.raises(WeightsError, match="expected a square input beside orig_target_sizes"):
        OnnxDetector(save(graph, path))


def test_an_open_size_is_that_of_the_metadata(tmp_path: Path) -> None:
    path = save_detector(
        tmp_path / "open.onnx",
        {"out": final()},
        input_shape=("N", 3, "H", "W"),
        metadata={"imgsz": "[64, 96]"},
    )
    np.testing.assert_allclose(OnnxDetector(path, "2")(FRAME), BOXES_XYWH[2:3] / SCALE, rtol=1e-5)
    path = save_detector(path, {"out": final()}, input_shape=("N", 3, "H", "W"))
    np.testing.assert_allclose(OnnxDetector(path, "2")(FRAME), BOXES_XYWH[2:3] / 3.2, rtol=1e-5)


def test_a_frame_goes_in_as_rgb_from_0_to_1_with_a_grey_border() -> None:
    frame = FRAME.copy()
    frame[:, :100] = (0, 51, 255)
    seen, scale = _letterbox(frame, (64, 96))
    assert scale == pytest.approx(0.48)
    assert seen.shape == (1, 3, 64, 96)
    np.testing.assert_allclose(seen[0, :, 15, 20], [1, 0.2, 0], atol=1e-6)
    np.testing.assert_allclose(seen[0, :, 40, 20], [114 / 255] * 3, atol=1e-6)
    large, scale = _letterbox(cv2.resize(frame, (50, 16)), (64, 96))
    assert (scale, large.shape) == (pytest.approx(1.92), (1, 3, 64, 96))


def test_threads_get_the_boxes_of_their_own_frames(tmp_path: Path) -> None:
    detector = OnnxDetector(save_detector(tmp_path / "boxes.onnx", {"out": per_class()}), "2")
    frames = [np.zeros((64, width, 3), np.uint8) for width in (96, 192, 384, 768)] * 8
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(detector, frames))
    for frame, boxes in zip(frames, found, strict=True):
        np.testing.assert_allclose(boxes[0], BOXES_XYWH[2] * frame.shape[1] / 96, rtol=1e-5)


def test_a_class_that_the_detector_lacks_is_an_error(tmp_path: Path) -> None:
    path = save_detector(tmp_path / "named.onnx", {"out": per_class()}, metadata=NAMES)
    for text in ("3", "wolf", ""):
        with pytest.raises(UsageError, match="0 'cat', 1 'dog', 2 'fox'"):
            open_finder(f"onnx:{path}#{text}")
    detector = OnnxDetector(save_detector(path, {"out": per_class()}), "3")
    with pytest.raises(UsageError, match="#3: expected a class of the detector, 0 to 2"):
        detector(FRAME)


def test_the_name_of_a_file_may_hold_a_number_sign(tmp_path: Path) -> None:
    path = save_detector(tmp_path / "a#1.onnx", {"out": final()})
    assert len(open_finder(f"onnx:{path}").find(FRAME)) == 2
    assert len(open_finder(f"onnx:{path}#2").find(FRAME)) == 1


def test_the_task_of_the_metadata_is_believed_before_the_shape(tmp_path: Path) -> None:
    path = save_detector(tmp_path / "s.onnx", {"out": final()}, metadata={"task": "segment"})
    with pytest.raises(WeightsError, match="it is a segmentation model"):
        OnnxDetector(path)


@pytest.mark.parametrize(
    ("input_type", "input_shape", "words"),
    [
        (TensorProto.UINT8, (1, 3, 64, 96), r"one float32 or float16 input \(1, 3, H, W\)"),
        (TensorProto.FLOAT, (1, 64, 96, 3), r"got \[\('seen', 'tensor\(float\)', \[1, 64, 96, 3\]"),
        (TensorProto.FLOAT, (4, 3, 64, 96), "one float32 or float16 input"),
        (TensorProto.FLOAT, (1, 3, 64), "one float32 or float16 input"),
        (TensorProto.FLOAT, (1, 3, 64, 10**6), "1 to 4096 px, got 64 x 1000000"),
    ],
)
def test_inputs_of_other_networks_are_refused(tmp_path: Path, input_type, input_shape, words):
    path = save_detector(tmp_path / "other.onnx", {"out": final()}, input_type, input_shape)
    with pytest.raises(WeightsError, match=words):
        OnnxDetector(path)


def test_a_second_input_is_refused(tmp_path: Path) -> None:
    path = save_detector(tmp_path / "two.onnx", {"out": final()})
    model = onnx.load(str(path))
    model.graph.input.append(helper.make_tensor_value_info("im_shape", TensorProto.FLOAT, [1, 2]))
    onnx.save(model, str(path))
    with pytest.raises(WeightsError, match="'im_shape'"):
        OnnxDetector(path)


def test_a_network_that_fails_on_its_input_is_refused(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("Reshape", ["seen", "shape"], ["out"])],
        "detector",
        [helper.make_tensor_value_info("seen", TensorProto.FLOAT, ["N", 3, "H", "W"])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 300, 6])],
        [numpy_helper.from_array(np.array([1, 300, 6]), "shape")],
    )
    detector = OnnxDetector(save(graph, tmp_path / "fails.onnx"))
    with pytest.raises(WeightsError, match=r"cannot run it on an input \(1, 3, 640, 640\)"):
        detector(FRAME)


def test_only_a_regular_file_of_limited_size_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"no")
    with pytest.raises(WeightsError, match="can load"):
        OnnxDetector(tmp_path / "broken.onnx")
    os.mkfifo(tmp_path / "pipe")
    for name in ("missing", "pipe", "."):
        with pytest.raises(UsageError, match="does not exist, or is not a regular file"):
            OnnxDetector(tmp_path / name)
    monkeypatch.setattr(onnx_detector, "MOST_BYTES", 1)
    with pytest.raises(WeightsError, match="larger than 1 GiB"):
        OnnxDetector(tmp_path / "broken.onnx")


def test_weights_outside_the_folder_of_the_file_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "outside.bin").write_bytes(final().tobytes())
    (tmp_path / "inside").mkdir()
    path = save_detector(tmp_path / "inside" / "file.onnx", {"out": final()})
    model = onnx.load(str(path))
    weights = model.graph.initializer[0]
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    place = weights.external_data.add()
    place.key, place.value = "location", "../outside.bin"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(WeightsError, match="other files must be in the same folder"):
        OnnxDetector(path)
