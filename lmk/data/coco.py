"""COCO keypoint files: one object an image, the image already cropped round it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from lmk.data.images import load_crops
from lmk.errors import DataError
from lmk.geometry import apply_affine
from lmk.progress import Reporter


@dataclass(frozen=True)
class KeypointSet:
    """Crops with their annotated points.

    crops uint8 RGB (N, S, S, 3); xy_crop float32 (N, K, 2) in crop pixels; labelled bool (N, K),
    False where a point was not annotated and its coordinates mean nothing; names of the K points.
    """

    crops: npt.NDArray[np.uint8]
    xy_crop: npt.NDArray[np.float32]
    labelled: npt.NDArray[np.bool_]
    names: list[str]

    def mirrored_order(self) -> list[int]:
        """For each point the index of the one that takes its place in a mirrored image."""
        swapped = [_swap_side(name) for name in self.names]
        missing = sorted(set(swapped) - set(self.names))
        if missing:
            raise DataError(f"keypoints lack their mirror images: {', '.join(missing)}")
        return [self.names.index(name) for name in swapped]


@dataclass(frozen=True)
class Annotations:
    """What a COCO file says of N pictures, one object each, in pixels of the picture.

    names of the K points; points float32 (N, K, 3): x, y and visibility, 0 where a point is not
    labelled; boxes_xywh float32 (N, 4), NaN where there is none; annotated bool (N,).
    """

    paths: list[Path]
    names: list[str]
    points: npt.NDArray[np.float32]
    boxes_xywh: npt.NDArray[np.float32]
    annotated: npt.NDArray[np.bool_]


def image_paths(file: Path) -> list[Path]:
    """List the pictures that a COCO file names, without reading any annotation."""
    return [_locate(file, image["file_name"]) for image in _read(file)["images"]]


def load_keypoints(file: Path, report: Reporter) -> KeypointSet:
    """Read a COCO keypoint file and its pictures.

    Pictures lie beside the file or in `images/` there. Those without annotation are left out.
    Raises DataError when the file is malformed or an image carries more than one object.
    """
    known = read_annotations(file)
    annotated = np.flatnonzero(known.annotated)
    if not len(annotated) or not known.names:
        raise DataError(f"{file} has no annotated keypoints")
    crops, to_crop, kept = load_crops([known.paths[index] for index in annotated], report)
    points = known.points[annotated[kept]]
    xy_crop = apply_affine(to_crop, points[..., :2]).astype(np.float32)
    return KeypointSet(crops, xy_crop, points[..., 2] > 0, known.names)


def read_annotations(file: Path) -> Annotations:
    """Read a COCO file without its pictures.

    Raises DataError when the file is malformed or an image carries more than one object.
    """
    content = _read(file)
    names = list(content["categories"][0].get("keypoints", []))
    rows = {image["id"]: row for row, image in enumerate(content["images"])}
    count = len(content["images"])
    points = np.zeros((count, len(names), 3), np.float32)
    boxes = np.full((count, 4), np.nan, np.float32)
    annotated = np.zeros(count, bool)
    for annotation in content["annotations"]:
        image_id, flat = annotation["image_id"], annotation.get("keypoints", [])
        row = rows.get(image_id)
        if row is None:
            continue  # a file cut down to some of its images may keep the others' annotations
        if annotated[row]:
            raise DataError(f"{file}: image {image_id} has two objects; crop each to its own image")
        if len(flat) != 3 * len(names):
            raise DataError(
                f"{file}: annotation {annotation.get('id')} has {len(flat)} numbers, "
                f"expected 3 x {len(names)} keypoints"
            )
        points[row] = np.array(flat, np.float32).reshape(-1, 3)
        boxes[row] = annotation.get("bbox", np.nan)
        annotated[row] = True
    paths = [_locate(file, image["file_name"]) for image in content["images"]]
    return Annotations(paths, names, points, boxes, annotated)


def _read(file: Path) -> dict[str, list[dict[str, Any]]]:
    try:
        content = json.loads(file.read_text())
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{file} is not JSON: {error}") from error
    missing = [key for key in ("images", "annotations", "categories") if key not in content]
    if missing:
        raise DataError(f"{file} is no COCO keypoint file: it lacks {', '.join(missing)}")
    for key in ("images", "categories"):
        if not content[key]:
            raise DataError(f"{file} names no {key}")
    return cast("dict[str, list[dict[str, Any]]]", content)


def _locate(file: Path, name: str) -> Path:
    beside = file.parent / name
    return beside if beside.exists() else file.parent / "images" / name


def _swap_side(name: str) -> str:
    for side, other in (("left", "right"), ("right", "left")):
        if name.startswith(f"{side}_"):
            return f"{other}_{name.removeprefix(f'{side}_')}"
    return name
