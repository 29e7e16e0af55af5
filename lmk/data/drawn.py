"""Write the drawn category as a data set: pictures and their points."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lmk.data.images import CROP_SIZE
from lmk.data.parallel import map_in_order
from lmk.data.synthetic import NAMES, draw_one
from lmk.system.files import new_folder
from lmk.system.opencv import cv2
from lmk.system.progress import Reporter

KEYPOINTS = "keypoints.json"


def write_foxes(
    output: Path, count: int, seed: int, report: Reporter, size: int = CROP_SIZE
) -> Path:
    """Draw foxes into the new folder `output`: images/*.png, and keypoints.json in COCO's format.

    Picture i depends only on seed, size and i. Returns the COCO file. Raises UsageError,
    OutputError.
    """
    digits = len(str(count - 1))
    names = [f"{index:0{digits}}.png" for index in range(count)]
    xy_crop = np.empty((count, len(NAMES), 2), np.float32)
    with new_folder(output) as folder, report.bar("drawing", count) as bar:
        (folder / "images").mkdir()

        def save(index: int) -> npt.NDArray[np.float64]:
            crop, xy = draw_one(index, seed, size)
            encoded = cv2.imencode(".png", crop[..., ::-1])[1]
            (folder / "images" / names[index]).write_bytes(encoded.tobytes())
            return xy

        for index, xy in enumerate(map_in_order(save, range(count))):
            xy_crop[index] = xy
            bar.advance()
        content = _fox_keypoints(names, xy_crop)
        (folder / KEYPOINTS).write_text(json.dumps(content))
    return output / KEYPOINTS


def _fox_keypoints(files: list[str], xy_crop: npt.NDArray[np.float32]) -> dict[str, Any]:
    """Content of a COCO file for one fox per picture, with all points (N, 10, 2) labelled."""
    images = [{"id": row, "file_name": name} for row, name in enumerate(files)]
    annotations = [
        {
            "id": row,
            "image_id": row,
            "category_id": 1,
            "num_keypoints": len(NAMES),
            "keypoints": [value for x, y in points for value in (x, y, 2)],
        }
        for row, points in enumerate(xy_crop.astype(np.float64).round(2).tolist())
    ]
    category = {"id": 1, "name": "fox", "keypoints": NAMES}
    return {"images": images, "annotations": annotations, "categories": [category]}
