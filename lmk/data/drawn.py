"""The drawn category as a data set on disk: pictures and their points."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from lmk.data.coco import coco_content
from lmk.data.images import CROP_SIZE
from lmk.data.parallel import map_in_order
from lmk.data.synthetic import NAMES, draw_one
from lmk.errors import OutputError
from lmk.files import new_folder
from lmk.progress import Reporter

KEYPOINTS = "keypoints.json"


def write_foxes(
    output: Path, count: int, seed: int, report: Reporter, size: int = CROP_SIZE
) -> Path:
    """Draw foxes into the new folder `output`: images/*.png, and keypoints.json in COCO's format.

    Picture i depends on seed, size and i alone. Returns the COCO file. Raises UsageError,
    OutputError.
    """
    digits = len(str(count - 1))
    names = [f"{index:0{digits}}.png" for index in range(count)]
    xy_crop = np.empty((count, len(NAMES), 2), np.float32)
    with new_folder(output) as folder, report.bar("drawing", count) as bar:
        (folder / "images").mkdir()

        def save(index: int) -> npt.NDArray[np.float64]:
            crop, xy = draw_one(index, seed, size)
            if not cv2.imwrite(str(folder / "images" / names[index]), crop[..., ::-1]):
                raise OutputError(f"cannot write {output}: free space or choose another place")
            return xy

        for index, xy in enumerate(map_in_order(save, range(count))):
            xy_crop[index] = xy
            bar.advance()
        content = coco_content(names, xy_crop, "fox", NAMES)
        (folder / KEYPOINTS).write_text(json.dumps(content))
    return output / KEYPOINTS
