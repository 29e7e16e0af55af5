"""A public set's crops and COCO keypoint files, written as one folder."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lmk.data.images import CROP_SIZE, MAX_BAD_SHARE, read_image
from lmk.data.prepare.catalogue import find_set
from lmk.data.prepare.crop import cut_square, whole_square
from lmk.data.prepare.record import Annotations, FloatArray, Record
from lmk.data.prepare.source import Source
from lmk.errors import DataError
from lmk.files import creating_folder
from lmk.geometry import apply_affine
from lmk.progress import Reporter

JPEG_QUALITY = 95
SKIPPED_LIST = "skipped.txt"


@dataclass(frozen=True)
class Prepared:
    """What was written: images in each split's COCO file, and the records left out."""

    images: dict[str, int]
    skipped: int
    note: str


@dataclass(frozen=True)
class _Crop:
    """A written crop: its record, number, matrix from image to crop pixels, side in the image."""

    record: Record
    number: int
    to_crop: FloatArray
    side_px: int


def prepare(
    name: str, root: Path, output: Path, report: Reporter, size: int = CROP_SIZE
) -> Prepared:
    """Turn the download of a public set into crops and COCO keypoint files.

    `output` gets images/ with JPEG crops of size x size pixels, a COCO file a split whose points
    are in crop pixels, and skipped.txt where records were left out, each with the reason. It
    appears when everything is written. Raises OutputError if it exists, DataError where files of
    the set are missing or malformed, or more than a tenth of the pictures cannot be used.
    """
    about = find_set(name)
    if not root.is_dir():
        raise DataError(f"{root} is no folder; unpack {about.title} from {about.page} there")
    with creating_folder(output) as folder:
        report.say(f"reading the annotations of {about.title}")
        reader = importlib.import_module(f"lmk.data.prepare.{about.module}")
        annotations: Annotations = reader.read(Source(root, about))
        crops, unusable = _write_crops(annotations, root, folder / "images", size, report)
        if len(unusable) > MAX_BAD_SHARE * len(annotations.records):
            raise DataError(
                f"{len(unusable)} of {len(annotations.records)} pictures of {about.title} cannot "
                f"be used, the first: {unusable[0]}. They come from {about.page}"
            )
        info = {"description": about.title, "url": about.page, "note": annotations.note}
        images = {}
        for split in sorted({split for crop in crops for split in crop.record.splits}):
            chosen = [crop for crop in crops if split in crop.record.splits]
            content = {"info": info, **_coco(annotations, chosen, root, size)}
            (folder / f"{split}.json").write_text(json.dumps(content))
            images[split] = len(chosen)
        skipped = annotations.skipped + unusable
        if skipped:
            (folder / SKIPPED_LIST).write_text("\n".join(skipped) + "\n")
            report.warn(
                f"left out {len(skipped)} of {len(annotations.records) + len(annotations.skipped)}"
                f" objects, listed in {output / SKIPPED_LIST}, the first: {skipped[0]}"
            )
    return Prepared(images, len(skipped), annotations.note)


def _write_crops(
    annotations: Annotations, root: Path, folder: Path, size: int, report: Reporter
) -> tuple[list[_Crop], list[str]]:
    """Cut and write in parallel; returns the crops in the records' order, and the failures."""
    records, folder_name = annotations.records, folder.name
    if not records:
        raise DataError(f"{root} holds no object that can be used: {annotations.skipped[:1]}")
    folder.mkdir()

    def write(number: int) -> _Crop | str:
        record = records[number]
        try:
            # As annotated: MATLAB and the annotators' tools do not turn pictures upright.
            image = read_image(record.image, upright=False)
            square = record.square or whole_square(*image.shape[1::-1])
            crop, to_crop = cut_square(image, square, size, annotations.white_border)
        except DataError as error:
            return f"{_relative(record.image, root)}: {error}"
        (folder / _file_name(number)).write_bytes(_encode(crop))
        return _Crop(record, number, to_crop, square.side)

    with (
        ThreadPoolExecutor(os.cpu_count()) as pool,
        report.bar(f"writing {folder_name}", len(records)) as bar,
    ):
        results = []
        for result in pool.map(write, range(len(records))):
            results.append(result)
            bar.advance()
    unusable = [result for result in results if isinstance(result, str)]
    return [result for result in results if not isinstance(result, str)], unusable


def _coco(
    annotations: Annotations, crops: Sequence[_Crop], root: Path, size: int
) -> dict[str, list[dict[str, Any]]]:
    category = {
        "id": 1,
        "name": annotations.category,
        "keypoints": list(annotations.keypoints),
        "skeleton": [[first + 1, second + 1] for first, second in annotations.skeleton],
    }
    images = [
        {
            "id": crop.number,
            "file_name": _file_name(crop.number),
            "width": size,
            "height": size,
            "source": _relative(crop.record.image, root),
            "source_crop_px": crop.side_px,
        }
        for crop in crops
    ]
    objects = [_object(crop) for crop in crops if crop.record.labelled.any()]
    return {"images": images, "annotations": objects, "categories": [category]}


def _object(crop: _Crop) -> dict[str, Any]:
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
    # Whole numbers as integers: the file is a third smaller, and flags read as flags.
    return [int(value) if value.is_integer() else value for value in np.round(values, 2).tolist()]


def _encode(crop: Any) -> bytes:
    import cv2

    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    return bytes(cv2.imencode(".jpg", crop[:, :, ::-1], options)[1])


def _file_name(number: int) -> str:
    return f"{number:06}.jpg"


def _relative(image: Path, root: Path) -> str:
    return image.relative_to(root).as_posix()
