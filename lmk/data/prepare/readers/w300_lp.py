"""300W-LP: faces of 300W rotated to large poses by rendering, 68 points.

Read as TensorFlow Datasets and public training code of FAN do: pictures in AFW, HELEN, IBUG and
LFPW, points in landmarks/<folder>/<name>_pts.mat, of which `pts_3d` (68 x 2) are those of the 3D
model on the image, as in LS3D. Without landmarks/, `pt2d` (2 x 68) in the <name>.mat beside the
picture. They count pixels from 1, as MATLAB does. The folders *_Flip contain mirror images and are
skipped.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lmk.arrays import FloatArray
from lmk.data.prepare.faces import SIXTY_EIGHT_POINTS, face
from lmk.data.prepare.record import Annotations
from lmk.data.prepare.source import Source

FOLDERS = ("AFW", "HELEN", "IBUG", "LFPW")


def read(source: Source) -> Annotations:
    """Read the four folders; names with `test` in them are val, as in the training code of FAN."""
    with_landmarks = (source.root / "landmarks").is_dir()
    records, skipped = [], []
    for folder in FOLDERS:
        for image in sorted(source.find(folder).glob("*.jpg")):
            file = image.with_suffix(".mat")
            if with_landmarks:
                file = source.root / "landmarks" / folder / f"{image.stem}_pts.mat"
            if not file.exists():
                skipped.append(f"{folder}/{image.name}: no {file.relative_to(source.root)}")
                continue
            split = "val" if "test" in image.stem else "train"
            xy_matlab = _points(source, file, with_landmarks)
            records.append(face(image, (split,), xy_matlab - 1))
    used = "pts_3d of landmarks/" if with_landmarks else "pt2d, because there is no landmarks/"
    note = f"points: {used}"
    return Annotations("face", SIXTY_EIGHT_POINTS, records, skipped, note=note)


def _points(source: Source, file: Path, from_landmarks: bool) -> FloatArray:
    if from_landmarks:
        return source.points(file, "pts_3d", (68, 2))
    return np.transpose(source.points(file, "pt2d", (2, 68)))
