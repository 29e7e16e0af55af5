"""MTFL: faces of the web and of LFW to train, of AFLW to test.

Read as its ReadMe documents: training.txt and testing.txt, in a line the picture's path, x1 ... x5,
y1 ... y5 and four attributes. Points count pixels from 1, as in the public reader of DVE
(Thewlis et al., ICCV 2019).
"""

from __future__ import annotations

import numpy as np

from lmk.data.prepare.faces import FIVE_POINTS, face
from lmk.data.prepare.record import Annotations
from lmk.data.prepare.source import Source

LISTS = {"train": "training.txt", "test": "testing.txt"}
COLUMNS = 11  # the path and ten coordinates; attributes follow


def read(source: Source) -> Annotations:
    """Read both lists."""
    records = []
    for split, name in LISTS.items():
        file = source.find(name, f"MTFL/{name}")
        for row in source.lines(file, COLUMNS):
            xy_image = np.array(row[1:COLUMNS], np.float32).reshape(2, 5).T - 1
            image = file.parent / row[0].replace("\\", "/")
            records.append(face(image, (split,), xy_image))
    return Annotations("face", FIVE_POINTS, records)
