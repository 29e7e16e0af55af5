"""The example picture of a site, for visitors without a camera."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lmk.arrays import FloatArray, Image
from lmk.data.decode import read_image
from lmk.data.photograph import PHOTOGRAPH
from lmk.inference.landmarker import Landmarker
from lmk.system.errors import DataError
from lmk.system.files import writing
from lmk.system.opencv import cv2

LARGEST_PX = 1280  # of a side
ROOM = 2.2  # sides of the picture that is cut out, by those of what is found in it
ASPECT = 4 / 3
QUALITY = 88
SURE = 0.995  # confidence; a model of cats finds one in a face with 0.992


def write_example(model: Path, picture: Path | None, path: Path) -> bool:
    """Write a picture, cut to what the model finds in it, as JPEG; return whether there is one.

    picture: None for the photograph of the demo, a face, which is left out unless a model surely
    finds something in it.
    For a model that looks into the centre only, a given picture is taken whole. Raises DataError
    for a given picture in which nothing is found, or that cannot be read, and OutputError.
    """
    landmarker = Landmarker(str(model), "onnxruntime", region="landmarks")
    framing = landmarker.backend.framing
    finds = framing is not None and framing.find_scores is not None
    if picture is None and not finds:
        return False
    image_bgr = np.ascontiguousarray(read_image(picture or PHOTOGRAPH)[:, :, ::-1])
    least = SURE if picture is None else 0.0
    cut = _found(image_bgr, landmarker, least) if finds else image_bgr
    if cut is None and picture is None:
        return False
    if cut is None:
        raise DataError(
            f"nothing is found in {picture}: choose a --picture with an object of the model's "
            "category that is whole and not small"
        )
    scale = min(1.0, LARGEST_PX / max(cut.shape))
    cut = cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".jpg", cut, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    with writing(path):
        path.write_bytes(encoded.tobytes())
    return True


def _found(image_bgr: Image, landmarker: Landmarker, least: float) -> Image | None:
    """The part of an image with objects of at least such confidence; None without any."""
    found = landmarker(image_bgr)
    boxes = found.boxes[found.confidence >= least]
    return _cut(image_bgr, boxes) if len(boxes) else None


def _cut(image_bgr: Image, boxes: FloatArray) -> Image:
    """The part of an image round boxes (N, 4), in the shape of a camera's picture where it fits."""
    start, stop = boxes[:, :2].min(0), (boxes[:, :2] + boxes[:, 2:]).max(0)
    height = ROOM * max(stop[1] - start[1], (stop[0] - start[0]) / ASPECT)
    size = np.array([ASPECT * height, height])
    image_size = np.array(image_bgr.shape[1::-1])
    size = np.minimum(size, image_size)
    corner = np.clip((start + stop - size) / 2, 0, image_size - size)
    (left, top), (right, bottom) = corner.astype(int), (corner + size).astype(int)
    return np.ascontiguousarray(image_bgr[top:bottom, left:right])
