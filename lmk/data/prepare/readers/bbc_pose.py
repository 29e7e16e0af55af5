"""BBC-Pose: signers on television, seven joints of the upper body.

Read as the README of its code documents, by way of public readers: bbcpose.mat holds a struct array
`bbcpose` with type (train, val or test), train_frames and train_joints (2 x 7 x N), test_frames and
test_joints for each video; frame n of video v is v/n.jpg. The first 20 videos are BBC-Pose, the
others its extension. Points count pixels from 1, as MATLAB does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lmk.data.prepare.record import Annotations, Record, loose_square
from lmk.data.prepare.source import Source
from lmk.system.errors import DataError

JOINTS = (
    "head",
    "right_wrist",
    "left_wrist",
    "right_elbow",
    "left_elbow",
    "right_shoulder",
    "left_shoulder",
)
BONES = ((1, 3), (3, 5), (2, 4), (4, 6), (5, 6))
CROP_FACTOR = 1.5
NUM_VIDEOS = 20
CODE_FOLDERS = ("bbcpose_extbbcpose_code_1.0", "code")


def read(source: Source) -> Annotations:
    """Read training frames of the training videos, and the hand-annotated ones of the others."""
    names = [f"{folder}/bbcpose.mat" for folder in CODE_FOLDERS]
    file = source.find("bbcpose.mat", *names)
    videos = source.mat(file, "bbcpose")["bbcpose"]
    records, skipped = [], []
    for number, video in enumerate(videos[:NUM_VIDEOS], 1):
        split = str(video["type"])
        for frame, xy_image in _frames(video, "train" if split == "train" else "test"):
            image = source.root / str(number) / f"{frame}.jpg"
            labelled = np.isfinite(xy_image).all(axis=1) & (xy_image > 0).all(axis=1)
            if not labelled.any():
                skipped.append(f"{number}/{image.name}: no joint is annotated")
                continue
            square = loose_square(xy_image[labelled], CROP_FACTOR)
            records.append(Record(image, (split,), xy_image, labelled, square))
    return Annotations("person", JOINTS, records, skipped, BONES)


def _frames(video: dict[str, Any], kind: str) -> list[tuple[int, Any]]:
    """List a video's frame numbers with their joints (7, 2), counted from 0."""
    numbers = np.atleast_1d(video[f"{kind}_frames"]).astype(int)
    joints = np.asarray(video[f"{kind}_joints"], np.float32)
    if joints.shape != (2, 7, len(numbers)):
        raise DataError(
            f"{kind}_joints of {video.get('videoName')} is {joints.shape}, "
            f"expected (2, 7, {len(numbers)}), two coordinates of seven joints per frame"
        )
    return list(zip(numbers.tolist(), joints.transpose(2, 1, 0) - 1, strict=True))
