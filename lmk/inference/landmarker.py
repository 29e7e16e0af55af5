"""Find the landmarks of objects in images: the Python interface for inference."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
import numpy.typing as npt

from lmk.arrays import FloatArray, Image
from lmk.inference.backends.select import open_backend
from lmk.inference.boxes import Boxes, check_boxes
from lmk.inference.regions.base import Finder
from lmk.inference.regions.choose import choose_region
from lmk.inference.regions.landmarks import DEFAULT, Finding
from lmk.inference.rounds import Search, in_rounds
from lmk.model.framing import confidence_of
from lmk.system.errors import DataError, UsageError
from lmk.system.signing import read_public_key


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Landmarks of N objects.

    xy: float32 (N, K, 2), (x, y) in image pixels, (0, 0) the centre of the top-left pixel.
    score: float32 (N, K) in [0, 1]: share of the heatmap close to the landmark.
    boxes: float32 (N, 4), x, y, width, height in image pixels: where each object was searched for.
    angles: float32 (N,), degrees, from x towards y, by which each box is turned about its centre.
    confidence: float32 (N,) in [0, 1]: the share of pictures without an object in which all others
    have a lower mean score; NaN where the model was not measured for it.
    points: float32 (N, P, 2), the places of the model's named points in image pixels, in the order
    of `Landmarker.point_names`; P is 0 for a model without. One point of all objects is
    found.points[:, landmarker.point_names.index("left_pupil")].
    image_index: (N,), which of the given images each row belongs to; 0 for a single image.
    """

    xy: FloatArray
    score: FloatArray
    boxes: FloatArray
    angles: FloatArray
    confidence: FloatArray
    points: FloatArray
    image_index: npt.NDArray[np.intp]


class Landmarker:
    """A model that is ready to run.

    model: the name of a shipped model, a model or run folder, a .adapter file, or an exported file.
    runtime: "auto" or one that `lmk run --help` lists, such as "onnxruntime". device: "cpu" or
    "cuda", by default the CPU, and the GPU for engines. region: where objects are searched for when
    no boxes are given, as in `lmk run --region`, such as "center", "landmarks" or "onnx:FILE";
    by default the detector that the model names, else "landmarks" if the model was measured for it,
    or else the centred square. finding: what "landmarks" searches for, such as smaller objects.
    require_signature: a public key, NAME.pub; the model must be an adapter file or an exported file
    that it signed (`lmk adapter sign`). threads: of the runtime on the CPU, by default its choice.
    `landmarker.backend.description` describes what was chosen. Raises WeightsError, UsageError, and
    UnavailableError when the runtime, device or detector is not on this machine.

    Any number of threads may call it at the same time; on a GPU they take turns. Pickle and copy
    open the same model again. Calls in a process that was forked later raise UsageError on PyTorch
    and on a GPU.
    """

    def __init__(
        self,
        model: str | os.PathLike[str],
        runtime: str = "auto",
        device: str | None = None,
        region: str = "",
        finding: Finding = DEFAULT,
        require_signature: str | os.PathLike[str] | None = None,
        threads: int | None = None,
    ) -> None:
        key = None if require_signature is None else os.fspath(require_signature)
        self._arguments = (os.fspath(model), runtime, device, region, finding, key, threads)
        signed_by = None if key is None else read_public_key(key)
        self.backend = open_backend(*self._arguments[:3], threads, signed_by=signed_by)
        self._opened: Finder | None = None
        self._opening = Lock()
        if region or finding != DEFAULT:
            self._finder  # noqa: B018, so that an unusable region is an error at once

    def __reduce__(self) -> tuple[type[Landmarker], tuple[object, ...]]:
        return type(self), self._arguments

    @property
    def _finder(self) -> Finder:
        """Opened once, when needed: callers that give boxes do not need OpenCV's cascades."""
        with self._opening:
            if self._opened is None:
                _, _, _, region, finding, *_ = self._arguments
                self._opened = choose_region(region, self.backend.framing, True, finding)[0]
            return self._opened

    @property
    def num_landmarks(self) -> int:
        """K, the number of landmarks per object."""
        return self.backend.num_landmarks

    @property
    def point_names(self) -> tuple[str, ...]:
        """The names of the model's points, maybe none."""
        return self.backend.points.names

    def __call__(
        self, images: Image | Sequence[Image], boxes: Boxes | Sequence[Boxes | None] | None = None
    ) -> Landmarks:
        """Find the landmarks of every box, all boxes in one batch.

        images: one uint8 BGR image (H, W, 3), or a list of such, each of its own size.
        boxes: for one image (4,) or (N, 4), x, y, width, height in image pixels, or (5,) or (N, 5)
        with an angle in degrees, as in the result; for a list of images a list of such, one entry
        per image. Without boxes, or where an entry is None, the region finds them. A box may extend
        beyond the image.

        The result has one row per box, in order, image by image. An image with boxes of shape (0,
        4), or without any detected object, has no rows. Raises DataError for an image and
        UsageError for boxes that cannot be used.
        """
        pairs = _pair(images, boxes)
        searches = [(image, self._search(image, given)) for image, given in pairs]
        found = in_rounds(self.backend, searches)
        boxes, xy, score, points = (np.concatenate(parts) for parts in zip(*found, strict=True))
        image_index = np.repeat(np.arange(len(found)), [len(each[0]) for each in found])
        confidence = confidence_of(score, self.backend.framing)
        return Landmarks(xy, score, boxes[:, :4], boxes[:, 4], confidence, points, image_index)

    def _search(
        self, image: Image, given: Boxes | None
    ) -> Search[tuple[FloatArray, FloatArray, FloatArray, FloatArray]]:
        """The boxes of an image, and the landmarks, scores and points found in them."""
        if given is not None:
            boxes = check_boxes(given)
        else:
            boxes = yield from self._finder.search(image, self.backend.framing)
        found = yield boxes
        return boxes, *found


def _pair(images: object, boxes: object) -> list[tuple[Image, Boxes | None]]:
    """Check the images of a call and pair each with its boxes."""
    if isinstance(images, np.ndarray):
        images, boxes = [images], [boxes]
    elif not isinstance(images, list | tuple) or not images:
        raise DataError(
            f"expected an image or a list of at least one image, got {type(images).__name__}"
        )
    elif boxes is None:
        boxes = [None] * len(images)
    elif not isinstance(boxes, list | tuple) or len(boxes) != len(images):
        raise UsageError(f"expected a list of {len(images)} boxes, one entry per image")
    return [(_check_image(image), given) for image, given in zip(images, boxes, strict=True)]


def _check_image(image: object) -> Image:
    if not isinstance(image, np.ndarray):
        raise DataError(f"expected an image as a numpy array, got {type(image).__name__}")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise DataError(
            f"expected a non-empty uint8 BGR image (H, W, 3), got {image.dtype} {image.shape}: "
            "convert it; for a grey image use cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)"
        )
    return image
