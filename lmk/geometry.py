"""Frames of reference, and the only code that converts coordinates between them.

    image     pixels of the photograph or video frame
    crop      pixels of a square part of it
    input     pixels of the network's square input, whose size its architecture declares
    heatmap   pixels of the network's output, one for every stride x stride input pixels

In every frame coordinates are (x, y), and (0, 0) is the centre of the top-left pixel. Resizing an
image by a factor s therefore maps x to (x + 0.5) * s - 0.5. A change of frame is an affine matrix
(..., 2, 3) in pixels. All functions accept numpy arrays and torch tensors.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from lmk.arrays import FloatArray

CROP_SIDE = 1.0  # side of a crop, in longer sides of its box
SCORE_RADIUS_HEATMAP = 2.0  # a landmark's score is the softmax mass within this many pixels


def resize_xy(xy: Any, scale: float) -> Any:
    """Move points (..., 2) into the frame of the same picture resized by `scale`."""
    return (xy + 0.5) * scale - 0.5


def heatmap_to_input(xy_heatmap: Any, stride: int) -> Any:
    """Move points (..., 2) from heatmap pixels to input pixels."""
    return resize_xy(xy_heatmap, stride)


def input_to_heatmap(xy_input: Any, stride: int) -> Any:
    """Move points (..., 2) from input pixels to heatmap pixels."""
    return resize_xy(xy_input, 1 / stride)


def apply_affine(matrix: Any, xy: Any) -> Any:
    """Map points (..., K, 2) by matrices (..., 2, 3)."""
    return xy @ matrix[..., :2].swapaxes(-1, -2) + matrix[..., None, :, 2]


def invert_affine(matrix: Any) -> Any:
    """Invert matrices (..., 2, 3); those of numpy in float64, and rounded to their own type."""
    library = _library_of(matrix)
    exact = matrix.astype(np.float64) if library is np else matrix
    linear = library.linalg.inv(exact[..., :2])
    inverse = library.concatenate([linear, -linear @ exact[..., 2:]], axis=-1)
    return inverse.astype(matrix.dtype) if library is np else inverse


def compose_affine(outer: Any, inner: Any) -> Any:
    """The matrix (..., 2, 3) of first `inner`, then `outer`."""
    linear = outer[..., :2] @ inner[..., :2]
    offset = outer[..., :2] @ inner[..., 2:] + outer[..., 2:]
    return _library_of(outer).concatenate([linear, offset], axis=-1)


def turn_about(xy_from: Any, xy_to: Any, angle: Any, scale: Any, mirror: Any = 1) -> Any:
    """Similarity matrices (N, 2, 3) that move xy_from (N, 2) or (2,) to xy_to.

    angle (N,) in radians, from x towards y; scale (N,); mirror (N,) or 1, -1 to mirror x first.
    """
    library = _library_of(angle)
    cos, sin = scale * library.cos(angle), scale * library.sin(angle)
    rows = [cos * mirror, -sin, sin * mirror, cos]
    linear = library.stack(rows, axis=-1).reshape(-1, 2, 2)
    offset = xy_to - (linear * xy_from[..., None, :]).sum(-1)
    return library.concatenate([linear, offset[..., None]], axis=-1)


def square_to_crop(left: Any, top: Any, side: Any, size: int) -> FloatArray:
    """Matrices (..., 2, 3) from image pixels to those of a square crop of `size`.

    The square's left and top edge are counted from the outer edge of the image's first pixel.
    """
    scale = size / np.asarray(side, np.float64)
    zero = np.zeros_like(scale)
    # The crop's edge at left, top lies at -0.5 in both frames' pixel-centre coordinates.
    offset_x, offset_y = ((0.5 - np.asarray(edge)) * scale - 0.5 for edge in (left, top))
    matrix = np.array([[scale, zero, offset_x], [zero, scale, offset_y]], np.float32)
    return np.asarray(np.moveaxis(matrix, (0, 1), (-2, -1)), np.float32)


def crops_of_boxes(boxes_xywh: npt.ArrayLike) -> FloatArray:
    """The crop rule: the squares (N, 4) that a network sees of boxes (N, 4) or (4,).

    A box is (x, y, width, height) with x, y its left and top edge, edges counted from the outer
    edge of the first pixel: a complete W x H image is (0, 0, W, H). The crop has the box's centre
    and `CROP_SIDE` times its longer side, so that the aspect ratio is kept. Boxes with an angle
    (N, 5) give crops with the same.
    """
    return _squares_around(boxes_xywh, CROP_SIDE)


def boxes_of_crops(crops_xywh: npt.ArrayLike) -> FloatArray:
    """The inverse of the crop rule: square boxes (N, 4) that have the crops (N, 4) or (4,)."""
    return _squares_around(crops_xywh, 1 / CROP_SIDE)


def input_to_image_of(boxes_xywh: npt.ArrayLike, input_size: int) -> FloatArray:
    """Matrices (N, 2, 3) from input to image pixels for boxes (N, 4) or (N, 5), by the crop rule.

    A fifth column is the angle in degrees, from x towards y, by which a crop is turned about its
    centre.
    """
    crops = crops_of_boxes(boxes_xywh)
    scale = crops[:, 2:4] / np.float32(input_size)
    matrices = np.zeros((len(crops), 2, 3), np.float32)
    matrices[:, (0, 1), (0, 1)] = scale
    matrices[:, :, 2] = crops[:, :2] + resize_xy(np.float32(0), scale)
    if crops.shape[1] == 4:
        return matrices
    centre = crops[:, :2] + crops[:, 2:4] / 2 - 0.5
    turn = turn_about(centre, centre, np.deg2rad(crops[:, 4]), np.ones_like(crops[:, 4]))
    return np.asarray(compose_affine(turn, matrices), np.float32)


def sideways_to_upright(width: float, height: float, orientation: int) -> FloatArray:
    """Matrix (2, 3) from pixels of a picture as stored, width x height, to those of it upright.

    orientation: EXIF's number of a picture whose width is the upright height, 5 to 8.
    """
    x_from_y = (0, -1, height - 1) if orientation in (6, 7) else (0, 1, 0)
    y_from_x = (-1, 0, width - 1) if orientation in (7, 8) else (1, 0, 0)
    return np.array([x_from_y, y_from_x], np.float32)


def center_square(width: float, height: float) -> tuple[float, float, float, float]:
    """Return the largest centred square of a frame as a box (x, y, width, height)."""
    side = min(width, height)
    return ((width - side) / 2, (height - side) / 2, float(side), float(side))


def _squares_around(boxes_xywh: npt.ArrayLike, scale: float) -> FloatArray:
    boxes: FloatArray = np.atleast_2d(np.asarray(boxes_xywh, np.float32))
    size_wh, squares = boxes[:, 2:4], boxes.copy()
    squares[:, 2:4] = scale * size_wh.max(1, keepdims=True)
    squares[:, :2] += (size_wh - squares[:, 2:4]) / 2
    return np.asarray(squares, np.float32)


def _library_of(array: Any) -> Any:
    """numpy, or torch if the argument is a tensor."""
    return np if isinstance(array, np.ndarray | np.generic) else sys.modules["torch"]
