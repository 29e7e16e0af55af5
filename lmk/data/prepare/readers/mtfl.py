"""MTFL: faces from the web and LFW for training, from AFLW for testing.

Read as its ReadMe documents: training.txt and testing.txt, in a line the picture's path, x1 ... x5,
y1 ... y5 and four attributes. Points count pixels from 1, as in the public reader of DVE
(Thewlis et al., ICCV 2019).
"""

from __future__ import annotations

from lmk.data.prepare.faces import FIVE_POINTS, face
from lmk.data.prepare.record import Annotations
from lmk.data.prepare.source import Source

LISTS = {"train": "training.txt", "test": "testing.txt"}


def read(source: Source) -> Annotations:
    """Read both lists."""
    records = []
    for split, name in LISTS.items():
        file = source.find(name, f"MTFL/{name}")
        for path, numbers in source.rows(file, 10):
            xy_image = numbers.reshape(2, 5).T - 1
            image = file.parent / path.replace("\\", "/")
            records.append(face(image, (split,), xy_image))
    return Annotations("face", FIVE_POINTS, records)
