"""What the face sets share: the names of their points, and the margin of a crop.

Left and right are those of the image: in an upright face the left eye has the smaller x. The sets
number their points in this way.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lmk.arrays import FloatArray
from lmk.data.prepare.record import Record, Square, loose_square

CROP_FACTOR = 2.6  # times the box of five points: the eyes lie about a third of the crop apart

FIVE_POINTS = ("left_eye", "right_eye", "nose", "left_mouth_corner", "right_mouth_corner")

# The 68 points of iBUG, counted from 0: those on the face's axis, and the mirrored pairs.
_AXIS = {
    8: "chin",
    27: "nose_bridge_1",
    28: "nose_bridge_2",
    29: "nose_bridge_3",
    30: "nose_tip",
    33: "nose_base",
    51: "upper_lip",
    57: "lower_lip",
    62: "inner_upper_lip",
    66: "inner_lower_lip",
}
_PAIRS = {
    "jaw": [(index, 16 - index) for index in range(8)],
    "brow": [(17 + index, 26 - index) for index in range(5)],
    "nostril": [(31, 35), (32, 34)],
    "eye": [(36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)],
    "mouth": [(48, 54), (49, 53), (50, 52), (58, 56), (59, 55)],
    "inner_mouth": [(60, 64), (61, 63), (67, 65)],
}


def _name_68_points() -> tuple[str, ...]:
    names = dict(_AXIS)
    for part, pairs in _PAIRS.items():
        for number, (left, right) in enumerate(pairs, 1):
            names[left], names[right] = f"left_{part}_{number}", f"right_{part}_{number}"
    return tuple(names[index] for index in range(68))


SIXTY_EIGHT_POINTS = _name_68_points()


def face(image: Path, splits: tuple[str, ...], xy_image: FloatArray) -> Record:
    """Make the record of a face by its 5 or 68 points (K, 2) in image pixels, all labelled."""
    labelled = np.ones(len(xy_image), np.bool_)
    return Record(image, splits, xy_image, labelled, face_square(xy_image))


def face_square(xy_image: FloatArray) -> Square:
    """Place the square of a face, with margin, by its 5 or 68 points (K, 2), image pixels."""
    if len(xy_image) == len(SIXTY_EIGHT_POINTS):
        eyes = xy_image[36:42].mean(axis=0), xy_image[42:48].mean(axis=0)
        xy_image = np.stack([*eyes, xy_image[30], xy_image[48], xy_image[54]])
    return loose_square(xy_image, CROP_FACTOR)
