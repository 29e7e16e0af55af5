"""Crops and their points as the content of a COCO keypoint file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lmk.arrays import FloatArray
from lmk.data.prepare.record import Annotations, Record
from lmk.geometry import apply_affine


@dataclass(frozen=True)
class Crop:
    """A written crop of a record.

    number: its id in every file. source: the picture's path in the download. to_crop: float32
    matrix (2, 3) from image to crop pixels. side_px: side of the square in the image.
    """

    record: Record
    number: int
    source: str
    to_crop: FloatArray
    side_px: int

    @property
    def file_name(self) -> str:
        """Name of the JPEG file."""
        return f"{self.number:06}.jpg"


def coco_content(
    annotations: Annotations, crops: Sequence[Crop], size: int
) -> dict[str, list[dict[str, Any]]]:
    """List images, objects and the category of crops of size x size pixels, as COCO has them.

    Points are in crop pixels, flagged 2 where labelled and 0, at 0, 0, elsewhere. Besides COCO's
    own keys an image has its `source` and the side of its square, and an object of a set with head
    boxes has `head_bbox`, x, y, width, height in crop pixels.
    """
    category = {
        "id": 1,
        "name": annotations.category,
        "keypoints": list(annotations.keypoints),
        "skeleton": [[first + 1, second + 1] for first, second in annotations.skeleton],
    }
    images = [
        {
            "id": crop.number,
            "file_name": crop.file_name,
            "width": size,
            "height": size,
            "source": crop.source,
            "source_crop_px": crop.side_px,
        }
        for crop in crops
    ]
    objects = [_object(crop) for crop in crops if crop.record.labelled.any()]
    return {"images": images, "annotations": objects, "categories": [category]}


def _object(crop: Crop) -> dict[str, Any]:
    record = crop.record
    xy_crop = apply_affine(crop.to_crop, record.xy_image)
    flags = np.where(record.labelled, 2, 0)[:, None]
    keypoints = np.hstack([np.where(flags > 0, xy_crop, 0), flags])
    box = _box(xy_crop[record.labelled])
    annotation = {
        "id": crop.number,
        "image_id": crop.number,
        "category_id": 1,
        "keypoints": _rounded(keypoints.ravel()),
        "num_keypoints": int(record.labelled.sum()),
        "bbox": box,
        "area": round(box[2] * box[3], 1),
        "iscrowd": 0,
    }
    if record.head_box_xyxy is not None:
        corners = apply_affine(crop.to_crop, record.head_box_xyxy.reshape(2, 2))
        annotation["head_bbox"] = _box(corners)
    return annotation


def _box(xy: FloatArray) -> list[float]:
    """Return the extent of points (K, 2) as x, y, width, height."""
    low = xy.min(axis=0)
    return _rounded(np.concatenate([low, xy.max(axis=0) - low]))


def _rounded(values: Any) -> list[float]:
    # Whole numbers as integers, so that flags read as flags.
    rounded = np.round(np.asarray(values, np.float64), 2).tolist()
    return [int(value) if value.is_integer() else value for value in rounded]
