"""Leeds Sports Pose: people at sports, 14 joints.

Read as its README documents: images/im0001.jpg ... and joints.mat, whose `joints` is 3 x 14 x 2000:
x, y and a flag. All joints have places; the flag marks hidden ones and is not used. Points count
pixels from 1, as MATLAB does. By the set's protocol the first 1,000 images train.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lmk.arrays import Flags, FloatArray
from lmk.data.prepare.record import Annotations, Record, loose_square
from lmk.data.prepare.source import Source

JOINTS = (
    "right_ankle",
    "right_knee",
    "right_hip",
    "left_hip",
    "left_knee",
    "left_ankle",
    "right_wrist",
    "right_elbow",
    "right_shoulder",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "neck",
    "head_top",
)
BONES = (
    (0, 1),
    (1, 2),
    (2, 3),
    (3, 4),
    (4, 5),
    (6, 7),
    (7, 8),
    (8, 9),
    (9, 10),
    (10, 11),
    (12, 13),
)
CROP_FACTOR = 1.5  # the joints' box ends at ankles and wrists, not at feet and hands
NUM_TRAIN = 1000


def read(source: Source) -> Annotations:
    """Read all people, in the order of joints.mat."""
    folder = source.find("images")
    joints = source.points(source.find("joints.mat"), "joints", (3, 14, -1)).transpose(2, 1, 0)
    records = [
        person(
            folder / f"im{number:04}.jpg",
            "train" if number <= NUM_TRAIN else "test",
            points[:, :2] - 1,
            np.ones(14, np.bool_),
        )
        for number, points in enumerate(joints, 1)
    ]
    return Annotations("person", JOINTS, records, skeleton=BONES)


def person(image: Path, split: str, xy_image: FloatArray, labelled: Flags) -> Record:
    """Place a person's square by the labelled joints, at least one."""
    square = loose_square(xy_image[labelled], CROP_FACTOR)
    return Record(image, (split,), xy_image, labelled, square)
