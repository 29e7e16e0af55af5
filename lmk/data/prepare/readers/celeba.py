"""CelebA, with faces cropped by their five points, split by the lists of MAFL.

Read as documented by the set: list_landmarks_align_celeba.txt (or list_landmarks_celeba.txt) with
the number of images, a heading, and in a line the file's name and x, y of five points. MAFL's
training.txt and testing.txt name 19,000 and 1,000 of the same images. As in the paper all but the
1,000 train; CelebA's own partition and its boxes are not used.
"""

from __future__ import annotations

from pathlib import Path

from lmk.data.prepare.faces import FIVE_POINTS, face
from lmk.data.prepare.record import Annotations
from lmk.data.prepare.source import Source
from lmk.system.errors import DataError

ALIGNED, IN_THE_WILD = "align_celeba", "celeba"
HEADING_LINES = 2


def read(source: Source) -> Annotations:
    """Read the landmarks; the splits are train, mafl-train (a part of it) and test."""
    kind, folder = _image_folder(source)
    name = f"list_landmarks_{kind}.txt"
    rows = source.rows(source.find(name, f"Anno/{name}"), 10, HEADING_LINES)
    train, test = (_mafl(source, f"{split}ing.txt") for split in ("train", "test"))
    absent = (train | test) - {image for image, _ in rows}
    # A name spelled otherwise would leave a test face in the training set.
    if absent:
        raise DataError(
            f"{name} lacks {len(absent)} images of the MAFL lists, such as {min(absent)}: "
            "expected the names of CelebA's own list"
        )
    records = [
        face(folder / image, _splits(image, train, test), numbers.reshape(5, 2))
        for image, numbers in rows
    ]
    note = f"{folder.name}; train excludes the {len(test)} test faces of MAFL"
    return Annotations("face", FIVE_POINTS, records, note=note)


def _splits(image: str, mafl_train: set[str], mafl_test: set[str]) -> tuple[str, ...]:
    if image in mafl_test:
        return ("test",)
    return ("train", "mafl-train") if image in mafl_train else ("train",)


def _image_folder(source: Source) -> tuple[str, Path]:
    """Choose the aligned images if they exist, as the authors of the paper do."""
    for kind in (ALIGNED, IN_THE_WILD):
        for name in (f"img_{kind}", f"Img/img_{kind}", f"Img/img_{kind}_hq"):
            if (source.root / name).is_dir():
                return kind, source.root / name
    return ALIGNED, source.find("img_align_celeba", "Img/img_align_celeba", "img_celeba")


def _mafl(source: Source, name: str) -> set[str]:
    return set(source.names(source.find(f"MAFL/{name}", name)))
