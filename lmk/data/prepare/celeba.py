"""CelebA, its faces cut out by their five points, split by the lists of MAFL.

Read as documented by the set: list_landmarks_align_celeba.txt (or list_landmarks_celeba.txt) with
the number of images, a heading, and in a line the file's name and x, y of five points. MAFL's
training.txt and testing.txt name 19,000 and 1,000 of the same images. As in the paper all but the
1,000 train; CelebA's own partition and its boxes are not used.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lmk.data.prepare.faces import FIVE_POINTS, face
from lmk.data.prepare.record import Annotations, Record
from lmk.data.prepare.source import Source
from lmk.errors import DataError

ALIGNED, IN_THE_WILD = "align_celeba", "celeba"
HEADING_LINES = 2


def read(source: Source) -> Annotations:
    """Read the landmarks; the splits are train, mafl-train (a part of it) and test."""
    kind, folder = _image_folder(source)
    name = f"list_landmarks_{kind}.txt"
    rows = source.lines(source.find(name, f"Anno/{name}"), 1)[HEADING_LINES:]
    train, test = (_mafl(source, f"{split}ing.txt") for split in ("train", "test"))
    absent = (train | test) - {row[0] for row in rows}
    # A name spelled otherwise would leave a test face in the training set.
    if absent:
        raise DataError(
            f"{name} lacks {len(absent)} images of the MAFL lists, such as {min(absent)}: "
            "expected the names of CelebA's own list"
        )
    records = [_record(folder, row, train, test) for row in rows]
    note = f"{folder.name}; train leaves out the {len(test)} test faces of MAFL"
    return Annotations("face", FIVE_POINTS, records, note=note)


def _record(folder: Path, row: list[str], train: set[str], test: set[str]) -> Record:
    name = row[0]
    if len(row) != 11:
        raise DataError(f"the landmarks of {name} are {len(row) - 1} numbers, expected 10")
    xy_image = np.array(row[1:], np.float32).reshape(5, 2)
    splits = ("test",) if name in test else ("train", "mafl-train")[: 1 + (name in train)]
    return face(folder / name, splits, xy_image)


def _image_folder(source: Source) -> tuple[str, Path]:
    """Choose the aligned images if they are there, as the authors of the paper do."""
    for kind in (ALIGNED, IN_THE_WILD):
        for name in (f"img_{kind}", f"Img/img_{kind}", f"Img/img_{kind}_hq"):
            if (source.root / name).is_dir():
                return kind, source.root / name
    return ALIGNED, source.find("img_align_celeba", "Img/img_align_celeba", "img_celeba")


def _mafl(source: Source, name: str) -> set[str]:
    file = source.find(f"MAFL/{name}", name)
    return {row[0] for row in source.lines(file, 1)}
