"""Frames of reference, and the only code that moves coordinates between them.

    image     pixels of the photograph or video frame
    crop      pixels of the square cut out of it
    input     pixels of the network's input, 128 x 128
    heatmap   pixels of the network's output, 32 x 32, stride 4

In every frame coordinates are (x, y), and (0, 0) is the centre of the top-left pixel. An image
that is resized by a factor s therefore maps x to (x + 0.5) * s - 0.5.

A change of frame is an affine matrix (..., 2, 3) in pixels. All functions work alike on numpy
arrays and on torch tensors.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

INPUT_SIZE = 128
STRIDE = 4
HEATMAP_SIZE = INPUT_SIZE // STRIDE
SCORE_RADIUS_HEATMAP = 2.0  # a landmark's score is the softmax mass within this many pixels

FloatArray = npt.NDArray[np.float32]


def resize_xy(xy: Any, scale: float) -> Any:
    """Move points (..., 2) into the frame of the same picture resized by `scale`."""
    return (xy + 0.5) * scale - 0.5


def heatmap_to_input(xy_heatmap: Any) -> Any:
    """Move points (..., 2) from heatmap pixels to input pixels."""
    return resize_xy(xy_heatmap, STRIDE)


def input_to_heatmap(xy_input: Any) -> Any:
    """Move points (..., 2) from input pixels to heatmap pixels."""
    return resize_xy(xy_input, 1 / STRIDE)


def apply_affine(matrix: Any, xy: Any) -> Any:
    """Map points (..., K, 2) by matrices (..., 2, 3)."""
    return xy @ matrix[..., :2].swapaxes(-1, -2) + matrix[..., None, :, 2]


def invert_affine(matrix: FloatArray) -> FloatArray:
    """Invert numpy matrices (..., 2, 3)."""
    linear = np.linalg.inv(matrix[..., :2].astype(np.float64))
    offset = -linear @ matrix[..., 2:].astype(np.float64)
    inverse: FloatArray = np.concatenate([linear, offset], axis=-1).astype(np.float32)
    return inverse


def box_to_input(boxes_xywh: npt.ArrayLike) -> FloatArray:
    """Matrices (N, 2, 3) from image pixels to input pixels for boxes (N, 4).

    A box is (x, y, width, height) with x, y its left and top edge, edges counted from the outer
    edge of the first pixel: the whole of a W x H image is (0, 0, W, H). The crop is the square
    round the box's centre with the longer side, so that the aspect ratio is kept.
    """
    x, y, width, height = np.asarray(boxes_xywh, np.float32).reshape(-1, 4).T
    side = np.maximum(width, height)
    scale = INPUT_SIZE / side
    zero = np.zeros_like(scale)
    # The crop's edge at centre - side / 2 lies at -0.5 in both frames' pixel-centre coordinates.
    left, top = x + width / 2 - side / 2, y + height / 2 - side / 2
    offset_x, offset_y = ((0.5 - edge) * scale - 0.5 for edge in (left, top))
    rows = [[scale, zero, offset_x], [zero, scale, offset_y]]
    matrices: FloatArray = np.array(rows, np.float32).transpose(2, 0, 1)
    return matrices


def center_square(width: int, height: int) -> tuple[float, float, float, float]:
    """Return the largest centred square of a frame as a box (x, y, width, height)."""
    side = min(width, height)
    return ((width - side) / 2, (height - side) / 2, float(side), float(side))
