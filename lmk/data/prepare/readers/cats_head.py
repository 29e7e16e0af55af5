"""Cats Head: photographs of cats with nine points of the head.

Read as the set documents: CAT_00 ... CAT_06, beside each picture NAME.jpg a file NAME.jpg.cat with
the number of points, always 9, and their x, y: eyes, mouth, and three points an ear.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lmk.arrays import FloatArray
from lmk.data.prepare.record import Annotations, Record, loose_square
from lmk.data.prepare.source import Source
from lmk.data.read_file import read_text
from lmk.system.errors import DataError

# Ears are annotated from the image's left to its right, outer to inner and inner to outer.
KEYPOINTS = (
    "left_eye",
    "right_eye",
    "mouth",
    "left_ear_outer",
    "left_ear_tip",
    "left_ear_inner",
    "right_ear_inner",
    "right_ear_tip",
    "right_ear_outer",
)
# Four folders train and three test. The paper does not say which: the first four hold about its
# 6,250 images.
SPLITS = {f"CAT_{number:02}": "train" if number < 4 else "test" for number in range(7)}
CROP_FACTOR = 1.5


def read(source: Source) -> Annotations:
    """Read the seven folders."""
    records, skipped = [], []
    for name, split in SPLITS.items():
        folder = source.find(name, f"CAT_DATASET_01/{name}", f"CAT_DATASET_02/{name}")
        for image in sorted(folder.glob("*.jpg")):
            xy_image = _read_points(image.with_name(f"{image.name}.cat"))
            if xy_image is None:
                skipped.append(f"{name}/{image.name}: no 9 points in a .cat file beside it")
                continue
            square = loose_square(xy_image, CROP_FACTOR)
            records.append(Record(image, (split,), xy_image, np.ones(9, np.bool_), square))
    return Annotations("cat_head", KEYPOINTS, records, skipped)


def _read_points(file: Path) -> FloatArray | None:
    """Read a .cat file; None where it is missing or not of nine points, as a few of the set are."""
    try:
        numbers = np.array(read_text(file).split(), np.float32)
    except (DataError, ValueError):
        return None
    if len(numbers) != 19 or numbers[0] != 9 or not np.isfinite(numbers).all():
        return None
    return numbers[1:].reshape(9, 2)
