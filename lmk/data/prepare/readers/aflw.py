"""AFLW as released for unsupervised landmark work: faces already cropped, five points each.

Read as the public code of Jakab et al. (NeurIPS 2018) reads release 2: aflw_train_images.txt and
aflw_train_keypoints.mat, whose `gt` is N x 5 x 2 in the order y, x; the same for test; pictures in
output/. It is the partition of the paper. Points are assumed to count from 0, as there; the release
does not specify it.
"""

from __future__ import annotations

from lmk.data.prepare.faces import FIVE_POINTS, face
from lmk.data.prepare.record import Annotations
from lmk.data.prepare.source import Source
from lmk.system.errors import DataError


def read(source: Source) -> Annotations:
    """Read both partitions."""
    folder = source.find("output")
    records = []
    for split in ("train", "test"):
        names = source.names(source.find(f"aflw_{split}_images.txt"))
        file = source.find(f"aflw_{split}_keypoints.mat")
        points = source.points(file, "gt", (-1, 5, 2))[:, :, ::-1]
        if len(points) != len(names):
            raise DataError(f"{file} has {len(points)} faces, its list of images {len(names)}")
        records += [
            face(folder / name, (split,), xy_image)
            for name, xy_image in zip(names, points, strict=True)
        ]
    return Annotations("face", FIVE_POINTS, records)
