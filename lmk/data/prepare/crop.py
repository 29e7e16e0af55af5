"""Crop a square of a picture and resize it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lmk.arrays import FloatArray
from lmk.data.prepare.record import Square
from lmk.geometry import square_to_crop
from lmk.system.errors import DataError

# Not in the threads that cut: loading it changes the environment, which other threads read.
from lmk.system.opencv import cv2

if TYPE_CHECKING:
    Image = npt.NDArray[np.uint8]

MIN_SIDE_PX = 16
MIN_SHARE_INSIDE = 0.05  # a square with less of the picture in it comes from a wrong annotation


def whole_square(width: int, height: int) -> Square:
    """Return the smallest square around an image, with the image in its middle."""
    side = max(width, height)
    return Square(-((side - width) // 2), -((side - height) // 2), side)


def cut_square(
    image: Image, square: Square, size: int, white_border: bool
) -> tuple[Image, FloatArray]:
    """Crop a square from an image uint8 (H, W, 3) and resize it to (size, size, 3).

    Pixels beyond the image repeat its edge pixels, or are white. Returns the crop and the float32
    matrix (2, 3) from image to crop pixels. Raises DataError when the square is too small or lies
    almost completely beyond the image.
    """
    left, top, side = square
    height, width = image.shape[:2]
    inside = image[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)]
    if side < MIN_SIDE_PX:
        raise DataError(f"the object is {side} px large, expected at least {MIN_SIDE_PX}")
    if inside.shape[0] * inside.shape[1] < MIN_SHARE_INSIDE * side**2:
        raise DataError(
            f"the square of {side} px at {left}, {top} lies beyond the image of {width} x {height}"
        )
    border = cv2.BORDER_CONSTANT if white_border else cv2.BORDER_REPLICATE
    below, right = max(top + side - height, 0), max(left + side - width, 0)
    padded = cv2.copyMakeBorder(
        inside, max(-top, 0), below, max(-left, 0), right, border, value=(255, 255, 255)
    )
    method = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    crop = padded if side == size else cv2.resize(padded, (size, size), interpolation=method)
    return crop, square_to_crop(left, top, side, size)
