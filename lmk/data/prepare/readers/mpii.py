"""MPII Human Pose: people in everyday scenes, 16 joints and a box of the head.

Read as its README documents: mpii_human_pose_v1_u12_1.mat with the struct RELEASE, its img_train
and annolist; a person is an annorect with annopoints.point (x, y, id), objpos and scale, a 200th of
its height in pixels, and the head's corners x1, y1, x2, y2. Points count pixels from 1, as MATLAB
does. Only training images are annotated; those that valid_images.txt beside it lists, if it exists,
are val.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lmk.data.prepare.record import Annotations, Record, Square, centred_square
from lmk.data.prepare.source import Source

JOINTS = (
    "right_ankle",
    "right_knee",
    "right_hip",
    "left_hip",
    "left_knee",
    "left_ankle",
    "pelvis",
    "thorax",
    "neck",
    "head_top",
    "right_wrist",
    "right_elbow",
    "right_shoulder",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
)
BONES = (
    *((0, 1), (1, 2), (2, 6), (3, 6), (3, 4), (4, 5), (6, 7), (7, 8), (8, 9)),
    *((10, 11), (11, 12), (12, 7), (13, 7), (13, 14), (14, 15)),
)
FILES = ("mpii_human_pose_v1_u12_1.mat", "mpii_human_pose_v1_u12_2/mpii_human_pose_v1_u12_1.mat")
VALIDATION_LIST = "valid_images.txt"


def read(source: Source) -> Annotations:
    """Read the annotated people of the training images, each a record of its own."""
    folder = source.find("images")
    release = source.mat(source.find(*FILES), "RELEASE")["RELEASE"]
    held_out, note = _validation_images(source)
    records, skipped = [], []
    for image, is_train in zip(release["annolist"], np.ravel(release["img_train"]), strict=True):
        name = str(image["image"]["name"])
        split = "val" if name in held_out else "train"
        for person in _structs(image.get("annorect")) if is_train else ():
            record = _record(folder / name, split, person)
            if record is None:
                skipped.append(f"images/{name}: a person without joints, place or scale")
            else:
                records.append(record)
    return Annotations("person", JOINTS, records, skipped, BONES, note=note)


def _validation_images(source: Source) -> tuple[set[str], str]:
    file = source.root / VALIDATION_LIST
    if not file.exists():
        return set(), f"no val: {VALIDATION_LIST}, a list of held-out images, does not exist"
    return set(source.names(file)), f"val has the images of {VALIDATION_LIST}"


def _record(image: Path, split: str, person: dict[str, Any]) -> Record | None:
    points = _structs(person.get("annopoints"))
    joints = list(_structs(points[0].get("point"))) if points else []
    square = _square(person)
    if not joints or square is None:
        return None
    xy_image, labelled = np.zeros((16, 2), np.float32), np.zeros(16, np.bool_)
    for joint in joints:
        xy_image[int(joint["id"])] = joint["x"] - 1, joint["y"] - 1
        labelled[int(joint["id"])] = True
    return Record(image, (split,), xy_image, labelled, square, _head_box(person))


def _square(person: dict[str, Any]) -> Square | None:
    """Place the square as the stacked hourglass does (Newell et al., 2016).

    Its side is 1.25 times the person's height, its centre 15 scales below objpos, so that feet lie
    in it.
    """
    place, scale = _structs(person.get("objpos")), person.get("scale")
    if not place or scale is None or np.size(scale) != 1:
        return None
    center = [place[0]["x"] - 1, place[0]["y"] - 1 + 15 * float(scale)]
    return centred_square(np.array(center, np.float32), 1.25 * 200 * float(scale))


def _head_box(person: dict[str, Any]) -> Any:
    corners = [person.get(key) for key in ("x1", "y1", "x2", "y2")]
    if any(corner is None or np.size(corner) != 1 for corner in corners):
        return None
    return np.array(corners, np.float32) - 1


def _structs(value: Any) -> list[dict[str, Any]]:
    """List the structs of a MATLAB field, which has none, one or an array of them."""
    return [entry for entry in np.ravel(np.asarray(value, object)) if isinstance(entry, dict)]
