"""Landmarks of objects in images: the Python interface of the runtime."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmk.errors import DataError, UsageError, WeightsError
from lmk.geometry import FloatArray, apply_affine, center_square
from lmk.runtime.backends.base import Backend
from lmk.runtime.backends.select import open_backend
from lmk.runtime.crops import Image, cut_crops

Boxes = npt.ArrayLike


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Landmarks of N objects.

    xy: float32 (N, K, 2), (x, y) in image pixels, (0, 0) the centre of the top-left pixel.
    score: float32 (N, K) in [0, 1]: how sure the network is of each point.
    image_index: (N,), which of the given images each row belongs to; 0 for a single image.
    """

    xy: FloatArray
    score: FloatArray
    image_index: npt.NDArray[np.intp]


class Landmarker:
    """A model that is ready to run.

    `model` is the name of a shipped model, a model or run folder, a .adapter file, or an exported
    file; `runtime` "auto", "onnxruntime", "openvino", "tensorrt", "tensorrt-rtx" or "torch";
    `device` "cpu" or "cuda", by default the cpu but for engines.
    `landmarker.backend.description` says what was chosen. Raises WeightsError, UsageError, and
    UnavailableError when the runtime or device is not on this machine.
    """

    def __init__(
        self, model: str | os.PathLike[str], runtime: str = "auto", device: str | None = None
    ) -> None:
        self.backend = open_backend(os.fspath(model), runtime, device)

    @property
    def num_landmarks(self) -> int:
        """K, the number of landmarks of an object."""
        return self.backend.num_landmarks

    def __call__(
        self, images: Image | Sequence[Image], boxes: Boxes | Sequence[Boxes | None] | None = None
    ) -> Landmarks:
        """Find the landmarks of every box, all boxes in one batch.

        images: one uint8 BGR image (H, W, 3), or a list of such, each of its own size.
        boxes: for one image (4,) or (N, 4), x, y, width, height in image pixels; for a list of
        images a list of such, one entry an image. Without boxes, or where an entry is None, the
        largest centred square of the image. A box may reach beyond the image.

        The rows of the result are the boxes in order, image by image; an image with several boxes
        has as many rows, one with boxes of shape (0, 4) none. Raises DataError for an image and
        UsageError for boxes that cannot be used.
        """
        pairs = _pair(images, boxes)
        cuts = [cut_crops(image, boxes_xywh) for image, boxes_xywh in pairs]
        crops, input_to_image = (np.concatenate(parts) for parts in zip(*cuts, strict=True))
        xy, score = locate(self.backend, crops, input_to_image)
        counts = [len(crops) for crops, _ in cuts]
        return Landmarks(xy, score, np.repeat(np.arange(len(cuts)), counts))


def locate(
    backend: Backend, crops: Image, input_to_image: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Run the network on crops and return its landmarks in the image.

    crops uint8 RGB (N, 128, 128, 3); input_to_image (N, 2, 3). Returns xy float32 (N, K, 2) in
    image pixels and scores float32 (N, K). Raises WeightsError when the network gives NaN.
    """
    if not len(crops):
        shape = (0, backend.num_landmarks)
        return np.empty((*shape, 2), np.float32), np.empty(shape, np.float32)
    xy_input, scores = backend.infer(crops)
    if not np.isfinite(xy_input).all():
        raise WeightsError(
            f"the model gave landmarks that are no numbers on {backend.description}: "
            "its weights are broken. Export it again and let it verify"
        )
    return apply_affine(input_to_image, xy_input), scores


def check_boxes(boxes_xywh: Boxes) -> FloatArray:
    """Return boxes as float32 (N, 4). Raises UsageError when they are no boxes or have no area."""
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


def _pair(images: object, boxes: object) -> list[tuple[Image, FloatArray]]:
    """Check the arguments of a call and put each image with its boxes (N, 4)."""
    if isinstance(images, np.ndarray):
        images, boxes = [images], [boxes]
    elif not isinstance(images, list | tuple) or not images:
        raise DataError(f"expected an image or a list of at least one, got {type(images).__name__}")
    elif boxes is None:
        boxes = [None] * len(images)
    elif not isinstance(boxes, list | tuple) or len(boxes) != len(images):
        raise UsageError(f"expected a list of {len(images)} boxes, one entry an image")
    return [_pair_one(_check_image(i), b) for i, b in zip(images, boxes, strict=True)]


def _pair_one(image: Image, boxes: Boxes | None) -> tuple[Image, FloatArray]:
    height, width = image.shape[:2]
    return image, check_boxes(center_square(width, height) if boxes is None else boxes)


def _check_image(image: object) -> Image:
    if not isinstance(image, np.ndarray):
        raise DataError(f"expected an image as a numpy array, got {type(image).__name__}")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise DataError(
            f"expected a uint8 BGR image (H, W, 3) that is not empty, got {image.dtype} "
            f"{image.shape}: convert it, a grey one with cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)"
        )
    return image
