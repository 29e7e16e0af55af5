"""From frames and boxes to the network's input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

import numpy as np
import numpy.typing as npt

from lmk.arrays import DoubleArray, FloatArray, Image, Images
from lmk.geometry import apply_affine, input_to_image_of, resize_xy
from lmk.system.opencv import cv2

# About as near to the crops of training (Pillow's) as samples of every pixel are, in a third of the
# time: so far apart they still touch every pixel, and blocks are small beside an input pixel.
SAMPLES_APART = 1.25
BLOCKS_A_PIXEL = 3
MAX_BLOCK, MAX_SAMPLES = 32, 8  # bound the memory at some megabytes
WARP_SIDE = 32766  # OpenCV's warps take no larger images


def cut_crops(
    image_bgr: Image, boxes_xywh: npt.ArrayLike, input_size: int
) -> tuple[Images, FloatArray]:
    """Crop the square around each box from an image and resize it to the network's input.

    image_bgr uint8 (H, W, 3); boxes (N, 4), x, y, width, height in image pixels, or (N, 5) with the
    angle by which each is turned about its centre, degrees, from x towards y. A box may lie
    anywhere: beyond the image its edge pixels are repeated. Returns uint8 RGB crops (N, S, S, 3), S
    the input size, and float32 matrices (N, 2, 3) from input to image pixels.
    """
    return cut_batch([(image_bgr, boxes_xywh)], input_size)


def cut_batch(
    pairs: Sequence[tuple[Image, npt.ArrayLike]], input_size: int
) -> tuple[Images, FloatArray]:
    """The crops of several images, each paired with its own boxes, image by image in one batch."""
    matrices = [input_to_image_of(boxes_xywh, input_size) for _, boxes_xywh in pairs]
    images = [image for (image, _), own in zip(pairs, matrices, strict=True) for _ in own]
    input_to_image = np.concatenate(matrices)
    crops = np.empty((len(images), input_size, input_size, 3), np.uint8)
    for crop, image, matrix in zip(crops, images, input_to_image, strict=True):
        cv2.cvtColor(_sample(image, matrix, input_size), cv2.COLOR_BGR2RGB, dst=crop)
    return crops, input_to_image


def _sample(image: Image, input_to_image: FloatArray, input_size: int) -> Image:
    """Sample the input's pixels bilinearly; where the image shrinks, as means of f x f samples.

    Where it shrinks a lot, the samples are taken from means of blocks of pixels, which are fast.
    """
    scale = float(np.hypot(*input_to_image[:, 0]))
    block = min(max(int(scale / BLOCKS_A_PIXEL), 1), MAX_BLOCK)
    to_samples = input_to_image.astype(np.float64)
    if block > 1 or max(image.shape) > WARP_SIDE:
        image, to_samples = _reduce(image, to_samples, input_size, block)
    f = min(math.ceil(scale / block / SAMPLES_APART), MAX_SAMPLES)
    to_samples[:, 2] += to_samples[:, :2].sum(1) * resize_xy(0, 1 / f)  # the first sample's centre
    to_samples[:, :2] /= f
    samples = cv2.warpAffine(
        image,
        to_samples,
        (input_size * f, input_size * f),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if f > 1:
        samples = cv2.resize(samples, (input_size, input_size), interpolation=cv2.INTER_AREA)
    return np.asarray(samples, np.uint8)


def _reduce(
    image: Image, input_to_image: DoubleArray, input_size: int, block: int
) -> tuple[Image, DoubleArray]:
    """Means of the blocks of pixels that a crop needs, and the matrix from input to blocks.

    Where the crop reaches beyond the image one more block of its edge pixels stands for all there.
    """
    size_wh = np.array(image.shape[1::-1])
    corners = np.array(list(product((-1.0, input_size), repeat=2)))
    edges = apply_affine(input_to_image, corners)
    start = np.clip(np.floor(edges.min(0)).astype(int) - block, -block, size_wh - 1)
    stop = np.ceil(edges.max(0)).astype(int) + block
    stop = np.clip(stop, np.maximum(start, 0) + 1, size_wh + block)
    count = -(-(stop - start) // block)
    stop = start + count * block
    (left, top), (right, bottom) = np.maximum(-start, 0), np.maximum(stop - size_wh, 0)
    (x0, y0), (x1, y1) = np.maximum(start, 0), np.minimum(stop, size_wh)
    part = image[y0:y1, x0:x1]
    if left or top or right or bottom:
        part = cv2.copyMakeBorder(part, top, bottom, left, right, cv2.BORDER_REPLICATE)
    means = cv2.resize(part, count.tolist(), interpolation=cv2.INTER_AREA)
    to_blocks = input_to_image / block
    to_blocks[:, 2] = resize_xy(input_to_image[:, 2] - start, 1 / block)
    return means, to_blocks
