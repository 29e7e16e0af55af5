"""UT-Zappos50K: shoes on white, without points.

The folders ut-zap50k-images/<category>/<sub-category>/<brand>/ contain 50,025 pictures. The paper,
like those that it cites, tests on 500 and trains on the others, but publishes no list. Here the 500
are those whose paths have the smallest SHA-256, the same on every machine.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from lmk.data.listing import list_images
from lmk.data.prepare.record import Annotations, Record
from lmk.data.prepare.source import Source
from lmk.system.errors import DataError

FOLDER = "ut-zap50k-images"
NUM_TEST = 500


def read(source: Source) -> Annotations:
    """Read the tree of pictures, given the folder that contains it or the tree itself."""
    is_tree = source.root.name.startswith(FOLDER)
    tree = source.root if is_tree else source.find(FOLDER, f"{FOLDER}-square")
    images = list_images(tree)
    if len(images) <= NUM_TEST:
        raise DataError(
            f"{tree} has {len(images)} pictures, expected the 50,025 of {source.about.page}"
        )
    test = set(sorted(images, key=lambda image: _digest(image, tree))[:NUM_TEST])
    records = [
        Record(
            image,
            ("test" if image in test else "train",),
            np.zeros((0, 2), np.float32),
            np.zeros(0, np.bool_),
            square=None,
        )
        for image in images
    ]
    note = f"{NUM_TEST} test images chosen by the hash of their paths, because no list is published"
    return Annotations("shoe", (), records, white_border=True, note=note)


def _digest(image: Path, tree: Path) -> str:
    return hashlib.sha256(image.relative_to(tree).as_posix().encode()).hexdigest()
