"""Detect objects with any detector in an ONNX file that has one of three common layouts.

Input: one float32 tensor (1, 3, H, W), RGB in [0, 1], the frame resized into it with grey borders.
Output, the first one, by its shape, boxes in pixels of that input:

    (1, N, 6), N <= 1000    x1, y1, x2, y2, score, class; final, as of end-to-end YOLOs (10, 26)
    (1, 4 + C, N)           centre x, centre y, width, height, C class scores (YOLO 8 to 12)
    (1, N, 5 + C)           the same with an objectness before the classes' (YOLO 5 to 7)
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from lmk.arrays import FloatArray, Image
from lmk.system.errors import UsageError, WeightsError, missing_extra
from lmk.system.opencv import cv2

DEFAULT_SIDE = 640  # of a file that leaves its input's size open
SCORE, OVERLAP = 0.4, 0.5
BORDER_GREY = 114
MOST_FINAL = 1000
HIGHEST_SCORE = 1.01  # half precision may round above 1
LAYOUTS = "(1, N, 6), (1, 4 + C, N) or (1, N, 5 + C)"


class OnnxDetector:
    """A detector in ONNX Runtime, on the CPU; with `only`, the boxes of that class only.

    Raises UsageError, WeightsError, and UnavailableError without ONNX Runtime.
    """

    def __init__(self, path: Path, only: int | None = None) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise missing_extra("onnxruntime", "run") from error
        if not path.is_file():
            raise UsageError(f"--region onnx:{path}: the file does not exist")
        options = onnxruntime.SessionOptions()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its errors share no base of their own
            raise WeightsError(f"{path} is not an ONNX file that ONNX Runtime can load") from error
        self._path, self._only = path, only
        self._input, self._size_hw = self._read_input()

    def __call__(self, image_bgr: Image) -> FloatArray:
        """See `Find`."""
        inputs, scale = _letterbox(image_bgr, self._size_hw)
        output = np.asarray(self._session.run(None, {self._input: inputs})[0], np.float32)
        boxes_xywh, scores, classes = _read_output(output, self._path)
        wanted = scores >= SCORE
        if self._only is not None:
            wanted &= classes == self._only
        boxes_xywh, scores = boxes_xywh[wanted], scores[wanted]
        kept = cv2.dnn.NMSBoxes(boxes_xywh.tolist(), scores.tolist(), SCORE, OVERLAP)
        found: FloatArray = boxes_xywh[np.asarray(kept, int).reshape(-1)] / np.float32(scale)
        return found

    def _read_input(self) -> tuple[str, tuple[int, int]]:
        inputs = self._session.get_inputs()
        shape = inputs[0].shape
        fits = len(inputs) == 1 and inputs[0].type == "tensor(float)" and len(shape) == 4
        if not (fits and _takes(shape[0], 1) and _takes(shape[1], 3)):
            raise WeightsError(
                f"{self._path} is no detector that lmk can run: expected one float32 input "
                f"(1, 3, H, W), got {[(value.type, value.shape) for value in inputs]}"
            )
        height, width = (size if isinstance(size, int) else DEFAULT_SIDE for size in shape[2:])
        return inputs[0].name, (height, width)


def _takes(size: int | str | None, wanted: int) -> bool:
    """Whether a dimension can have this size; the name of a free one is a text or None."""
    return not isinstance(size, int) or size == wanted


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


def _read_output(
    output: FloatArray, path: Path
) -> tuple[FloatArray, FloatArray, npt.NDArray[np.intp]]:
    """Boxes (N, 4), x, y, width, height in input pixels, their scores (N,) and classes (N,)."""
    final = output.ndim == 3 and output.shape[2] == 6 and output.shape[1] <= MOST_FINAL
    if not final and (output.ndim != 3 or min(output.shape[1:]) < 5):
        raise WeightsError(
            f"{path} is no detector that lmk can run: expected an output {LAYOUTS}, got "
            f"{output.shape}"
        )
    rows = output[0]
    if final:
        corners = rows[:, :4]
        boxes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
        return boxes, rows[:, 4], rows[:, 5].astype(np.intp)
    if len(rows) < rows.shape[1]:
        rows = rows.T
        per_class = rows[:, 4:]
    else:
        per_class = rows[:, 4:5] * rows[:, 5:]
    if per_class.size == 0 or per_class.max() > HIGHEST_SCORE:
        raise WeightsError(
            f"{path} is no detector that lmk can run: expected an output {LAYOUTS} with scores of "
            f"0 to 1 behind the box, and no keypoints or masks, got {output.shape}"
        )
    boxes = np.concatenate([rows[:, :2] - rows[:, 2:4] / 2, rows[:, 2:4]], axis=1)
    return boxes, per_class.max(1), per_class.argmax(1)
