"""Detect objects with a detector in an ONNX file, on the CPU.

Input: one float32 or float16 tensor (1, 3, H, W), RGB in [0, 1], the frame resized into its top
left with grey borders; RT-DETR and D-FINE take its size besides, `orig_target_sizes`, int64 (1, 2).
Outputs: see `detector_outputs`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lmk.arrays import FloatArray, Image
from lmk.inference.regions.detector_layouts import SCORE
from lmk.inference.regions.detector_metadata import Declared, read_metadata
from lmk.inference.regions.detector_outputs import Outputs, read_boxes
from lmk.system.errors import UsageError, WeightsError, missing_extra
from lmk.system.opencv import cv2
from lmk.system.runtime_packages import import_onnxruntime
from lmk.system.text import check_utf8

MOST_BYTES = 1 << 30
MOST_SIDE = 4096
DEFAULT_SIDE = 640  # of a file that leaves the size of its input open
OVERLAP, MOST_OBJECTS = 0.5, 1000
BORDER_GREY = 114
DTYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
FARTHEST = 100  # sides of the input in which boxes may lie
SIZES = "orig_target_sizes"


class OnnxDetector:
    """A detector in ONNX Runtime; with `only`, a class by its number or name, the boxes of that.

    Several threads may call it at once. Raises UsageError, WeightsError, and UnavailableError
    without ONNX Runtime.
    """

    def __init__(self, path: Path, only: str | None = None) -> None:
        self._session = _open_session(path)
        self._declared = read_metadata(path, self._session.get_modelmeta().custom_metadata_map)
        self._only = None if only is None else self._declared.class_number(only)
        self._size_hw = _input_size(self._session, self._declared)

    def __call__(self, image_bgr: Image) -> FloatArray:
        """See `Find`."""
        inputs, scale = _letterbox(image_bgr, self._size_hw)
        boxes = read_boxes(self._run(inputs), self._declared, self._size_hw)
        low, high = boxes.corners[:, :2], boxes.corners[:, 2:]
        boxes_xywh = np.concatenate([low, high - low], axis=1)
        wanted = (boxes_xywh[:, 2:] > 0).all(1)
        if self._only is not None:
            if boxes.count is not None and self._only >= boxes.count:
                raise UsageError(
                    f"--region onnx:{self._declared.path}#{self._only}: expected a class of the "
                    f"detector, 0 to {boxes.count - 1}"
                )
            wanted &= boxes.classes == self._only
        boxes_xywh, scores = boxes_xywh[wanted], boxes.scores[wanted]
        if (np.abs(boxes_xywh) > FARTHEST * max(self._size_hw)).any():
            raise self._declared.refusal("boxes are far outside its input")
        kept = cv2.dnn.NMSBoxes(
            boxes_xywh.tolist(), scores.tolist(), SCORE, OVERLAP, top_k=MOST_OBJECTS
        )
        found: FloatArray = boxes_xywh[np.asarray(kept, int).reshape(-1)] / np.float32(scale)
        return found

    def _run(self, inputs: FloatArray) -> Outputs:
        feeds: dict[str, Any] = {}
        for value in self._session.get_inputs():
            if value.name == SIZES:
                feeds[SIZES] = np.array([self._size_hw[::-1]], np.int64)
            else:
                feeds[value.name] = inputs.astype(DTYPES[value.type])
        names = [output.name for output in self._session.get_outputs()]
        try:
            outputs = self._session.run(names, feeds)
        except Exception as error:  # see _open_session
            raise self._declared.refusal(
                f"ONNX Runtime cannot run it on an input {inputs.shape}"
            ) from error
        return dict(zip(names, outputs, strict=True))


def _open_session(path: Path) -> Any:
    try:
        onnxruntime = import_onnxruntime()
    except ImportError as error:
        raise missing_extra("onnxruntime", "run") from error
    if not path.is_file():
        raise UsageError(f"--region onnx:{path}: the file does not exist, or is not a regular file")
    if path.stat().st_size > MOST_BYTES:
        raise WeightsError(f"{path} is larger than 1 GiB: expected the ONNX file of a detector")
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors share no base of their own
        check_utf8(path)
        raise WeightsError(
            f"{path} is not an ONNX file that ONNX Runtime can load. Its other files must be in "
            "the same folder"
        ) from error


def _input_size(session: Any, declared: Declared) -> tuple[int, int]:
    """The height and width of the input; raises WeightsError for inputs that lmk cannot give."""
    inputs = session.get_inputs()
    images = [value for value in inputs if value.name != SIZES]
    sizes = [value.type for value in inputs if value.name == SIZES]
    shape = images[0].shape if len(images) == 1 and images[0].type in DTYPES else ()
    if sizes not in ([], ["tensor(int64)"]) or not _takes(shape, (1, 3, None, None)):
        raise declared.refusal(
            "expected one float32 or float16 input (1, 3, H, W), and at most an int64 "
            f"{SIZES} besides, got {[(value.name, value.type, value.shape) for value in inputs]}"
        )
    others = [value.type for value in session.get_outputs() if not value.type.startswith("tensor(")]
    if others:
        raise declared.refusal(f"expected outputs that are tensors, got {others}")
    default = declared.size_hw or (DEFAULT_SIDE, DEFAULT_SIDE)
    height, width = (
        size if isinstance(size, int) else usual
        for size, usual in zip(shape[2:], default, strict=True)
    )
    if not (0 < height <= MOST_SIDE and 0 < width <= MOST_SIDE):
        raise declared.refusal(f"expected an input of 1 to {MOST_SIDE} px, got {height} x {width}")
    if sizes and height != width:
        raise declared.refusal(
            f"expected a square input beside {SIZES}, whose order is not in the file, got "
            f"{height} x {width}"
        )
    return height, width


def _takes(shape: Sequence[int | str | None], wanted: Sequence[int | None]) -> bool:
    """Whether an input can have these sizes; the name of a free one is a text or None."""
    return len(shape) == len(wanted) and all(
        not isinstance(size, int) or want is None or size == want
        for size, want in zip(shape, wanted, strict=True)
    )


def _letterbox(image_bgr: Image, size_hw: tuple[int, int]) -> tuple[FloatArray, float]:
    """Resize a frame into the top left of (1, 3, H, W); return it and the scale."""
    height, width = image_bgr.shape[:2]
    scale = min(size_hw[0] / height, size_hw[1] / width)
    inside_wh = max(round(width * scale), 1), max(round(height * scale), 1)
    padded = np.full((*size_hw, 3), BORDER_GREY, np.uint8)
    padded[: inside_wh[1], : inside_wh[0]] = cv2.resize(
        image_bgr, inside_wh, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    )
    return cv2.dnn.blobFromImage(padded, 1 / 255, swapRB=True), scale
