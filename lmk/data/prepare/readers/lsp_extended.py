"""Leeds Sports Pose Extended: 10,000 training images, up to 14 joints each.

Read as its README documents: images/im00001.jpg ... and joints.mat, whose `joints` is
14 x 3 x 10000: x, y and 1 where the joint was annotated. Points count pixels from 1, as MATLAB
does.
"""

from __future__ import annotations

from lmk.data.prepare.readers.lsp import BONES, JOINTS, person
from lmk.data.prepare.record import Annotations
from lmk.data.prepare.source import Source


def read(source: Source) -> Annotations:
    """Read all people; those without a joint are skipped."""
    folder = source.find("images")
    joints = source.points(source.find("joints.mat"), "joints", (14, 3, -1)).transpose(2, 0, 1)
    records, skipped = [], []
    for number, points in enumerate(joints, 1):
        image, labelled = folder / f"im{number:05}.jpg", points[:, 2] > 0
        if labelled.any():
            records.append(person(image, "train", points[:, :2] - 1, labelled))
        else:
            skipped.append(f"images/{image.name}: no joint is annotated")
    return Annotations("person", JOINTS, records, skipped, BONES)
