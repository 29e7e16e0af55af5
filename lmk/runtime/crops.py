"""From frames and boxes to the network's input."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from lmk.geometry import (
    INPUT_SIZE,
    FloatArray,
    apply_affine,
    box_to_input,
    invert_affine,
    resize_xy,
)
from lmk.runtime.opencv import cv2

Image = npt.NDArray[np.uint8]

# Bounds a crop's memory at 50 MB; boxes of up to 8192 pixels are still sampled without gaps.
MAX_SUPERSAMPLING = 32


def cut_crops(image_bgr: Image, boxes_xywh: npt.ArrayLike) -> tuple[Image, FloatArray]:
    """Cut the square round each box out of an image and resize it to the network's input.

    image_bgr uint8 (H, W, 3); boxes (N, 4), x, y, width, height in image pixels, anywhere: beyond
    the image its edge pixels are repeated. Returns uint8 RGB crops (N, 128, 128, 3) and float32
    matrices (N, 2, 3) from input to image pixels.
    """
    input_to_image = invert_affine(box_to_input(boxes_xywh))
    crops = np.empty((len(input_to_image), INPUT_SIZE, INPUT_SIZE, 3), np.uint8)
    for crop, matrix in zip(crops, input_to_image, strict=True):
        cv2.cvtColor(_sample(image_bgr, matrix), cv2.COLOR_BGR2RGB, dst=crop)
    return crops, input_to_image


def _sample(image: Image, input_to_image: FloatArray) -> Image:
    """Sample the input's pixels bilinearly; where the image shrinks, as means of f x f samples.

    f samples a side lie at most one image pixel apart, so that no image pixel is passed over.
    """
    scale = float(input_to_image[0, 0])
    f = min(max(math.ceil(scale - 1e-3), 1), MAX_SUPERSAMPLING)
    first_input = resize_xy(np.zeros((1, 2)), 1 / f)
    offset = apply_affine(input_to_image.astype(np.float64), first_input)
    samples_to_image = np.hstack([input_to_image[:, :2] / f, offset.T])
    samples = cv2.warpAffine(
        image,
        samples_to_image,
        (INPUT_SIZE * f, INPUT_SIZE * f),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if f > 1:
        samples = cv2.resize(samples, (INPUT_SIZE, INPUT_SIZE), interpolation=cv2.INTER_AREA)
    return np.asarray(samples, np.uint8)
