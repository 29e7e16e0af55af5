"""A set of pictures with three coloured dots, which the colour detector finds exactly.

Four points are annotated: the three dots and the middle of the first two. The pictures are not
square.
"""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from colour_detector import dots_image

NAMES = ["left_eye", "right_eye", "nose", "brow"]
SIZE_WH = (200, 160)
CROP_LEFT, SCALE = 20, 128 / 160  # of the centred square, and from it to the input


def draw_points(count: int, seed: int) -> np.ndarray:
    """Points (N, 4, 2) in image pixels, well inside the centred square."""
    rng = np.random.default_rng(seed)
    dots = np.array([[75, 60], [125, 62], [100, 105]]) + rng.uniform(-14, 14, (count, 3, 2))
    return np.concatenate([dots, dots[:, :2].mean(axis=1, keepdims=True)], axis=1)


def to_input(xy_image: np.ndarray) -> np.ndarray:
    return (xy_image - [CROP_LEFT, 0] + 0.5) * SCALE - 0.5


def write_dots(folder: Path, count: int, seed: int, annotated: bool = True) -> Path:
    """Write the pictures and their COCO file."""
    (folder / "images").mkdir(parents=True)
    images, annotations = [], []
    for i, points in enumerate(draw_points(count, seed)):
        cv2.imwrite(str(folder / "images" / f"{i}.png"), dots_image(SIZE_WH, points[:3]))
        images.append({"id": i + 7, "file_name": f"{i}.png"})
        flat = [value for x, y in points.tolist() for value in (x, y, 2)]
        annotations.append(
            {"id": i, "image_id": i + 7, "keypoints": flat, "bbox": [50, 40, 60, 80]}
        )
    names = NAMES if annotated else []
    content = {
        "images": images,
        "annotations": annotations if annotated else [],
        "categories": [{"id": 1, "keypoints": names}],
    }
    file = folder / "set.json"
    file.write_text(json.dumps(content))
    return file


def edit(file: Path, change) -> Path:
    """Let `change` alter the content of a COCO file."""
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))
    return file
