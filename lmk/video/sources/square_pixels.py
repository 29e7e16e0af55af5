"""The size of frames in square pixels."""

from __future__ import annotations

import math

from lmk.data.decode import MAX_PIXELS
from lmk.system.opencv import cv2

MAX_ASPECT = 4.0  # of pixels: those of DVDs and cameras are from 0.5 to 2


def square_size(capture: cv2.VideoCapture, size_wh: tuple[int, int]) -> tuple[int, int]:
    """Return the size in square pixels of the frames of a capture, which are `size_wh`.

    The side along the longer side of the stored pixels grows, to an even number. An aspect that no
    recorder writes is taken for an error, and the pixels for square.
    """
    wide, high = capture.get(cv2.CAP_PROP_SAR_NUM), capture.get(cv2.CAP_PROP_SAR_DEN)
    aspect = wide / high if wide > 0 and high > 0 else 1.0
    if round(capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 180:  # OpenCV has turned the frames
        aspect = 1 / aspect
    width, height = size_wh
    if aspect > 1:
        width = 2 * round(width * aspect / 2)
    elif aspect < 1:
        height = 2 * round(height / aspect / 2)
    believed = 1 / MAX_ASPECT <= aspect <= MAX_ASPECT and width * height <= MAX_PIXELS
    return (width, height) if believed and not math.isclose(aspect, 1) else size_wh
