"""Folders and COCO files of small pictures, each of one colour and known size."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

NAMES = ["left_eye", "right_eye", "nose"]


def write_pictures(folder: Path, count: int, size_wh: tuple[int, int] = (80, 60)) -> list[Path]:
    """Write `count` PNGs; picture i has the colour (i, 2 i, 3 i)."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{i:03}.png" for i in range(count)]
    for i, path in enumerate(paths):
        pixels = np.full((*size_wh[::-1], 3), (i, 2 * i, 3 * i), np.uint8)
        Image.fromarray(pixels).save(path)
    return paths


def write_coco(
    folder: Path, count: int, without: tuple[int, ...] = (), size_wh: tuple[int, int] = (80, 60)
) -> Path:
    """Write pictures and a COCO file: point k of picture i at (20 + i, 10 + k); the nose of
    every third is not labelled, and pictures `without` have no annotation."""
    paths = write_pictures(folder / "images", count, size_wh)
    annotations = [
        {
            "id": i,
            "image_id": i,
            "keypoints": [
                v for k in range(3) for v in (20 + i, 10 + k, 0 if k == 2 and i % 3 == 0 else 2)
            ],
        }
        for i in range(count)
        if i not in without
    ]
    content = {
        "images": [{"id": i, "file_name": path.name} for i, path in enumerate(paths)],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "face", "keypoints": NAMES}],
    }
    (folder / "set.json").write_text(json.dumps(content))
    return folder / "set.json"
