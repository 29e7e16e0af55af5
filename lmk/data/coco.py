"""COCO keypoint files: one object an image, the image already cropped round it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from lmk.data.images import load_crops
from lmk.data.packed import Crops, content_sha256, is_packed, open_packed
from lmk.errors import DataError
from lmk.geometry import apply_affine
from lmk.progress import Reporter


@dataclass(frozen=True)
class KeypointSet:
    """Crops with their annotated points.

    crops uint8 RGB (N, S, S, 3), in memory or packed; xy_crop float32 (N, K, 2) in crop pixels;
    labelled bool (N, K), False where a point was not annotated and its coordinates mean nothing;
    names of the K points.
    """

    crops: Crops
    xy_crop: npt.NDArray[np.float32]
    labelled: npt.NDArray[np.bool_]
    names: list[str]

    @property
    def sha256(self) -> str:
        """Hash of the crops' bytes, the same in memory and packed."""
        return content_sha256(self.crops)

    def mirrored_order(self) -> list[int]:
        """For each point the index of the one that takes its place in a mirrored image."""
        swapped = [_swap_side(name) for name in self.names]
        missing = sorted(set(swapped) - set(self.names))
        if missing:
            raise DataError(f"keypoints lack their mirror images: {', '.join(missing)}")
        return [self.names.index(name) for name in swapped]


@dataclass(frozen=True)
class Annotations:
    """What a file says of its pictures, none of which has been opened.

    paths of N pictures; category and names of its K points; xy_image float32 (N, K, 2); labelled
    bool (N, K), False where a point was not annotated; annotated bool (N,), False where a picture
    has no object; boxes_xywh float32 (N, 4) in image pixels, NaN where there is none. A folder of
    pictures has K = 0.
    """

    paths: list[Path]
    category: str
    names: list[str]
    xy_image: npt.NDArray[np.float32]
    labelled: npt.NDArray[np.bool_]
    annotated: npt.NDArray[np.bool_]
    boxes_xywh: npt.NDArray[np.float32]


def image_paths(file: Path) -> list[Path]:
    """List the pictures that a COCO file names, without reading any annotation."""
    return [_locate(file, image["file_name"]) for image in _read(file)["images"]]


def read_annotations(file: Path) -> Annotations:
    """Read a COCO keypoint file, of its first category.

    Pictures lie beside the file or in `images/` there. Raises DataError when the file is malformed
    or an image carries more than one object.
    """
    content = _read(file)
    category = content["categories"][0] if content["categories"] else {}
    names = list(category.get("keypoints", []))
    rows = {image["id"]: row for row, image in enumerate(content["images"])}
    points = np.zeros((len(rows), len(names), 3), np.float32)
    boxes = np.full((len(rows), 4), np.nan, np.float32)
    annotated = np.zeros(len(rows), bool)
    for annotation in content["annotations"] if names else []:
        flat, row = annotation.get("keypoints", []), rows.get(annotation["image_id"])
        if len(flat) != 3 * len(names):
            raise DataError(
                f"{file}: annotation {annotation.get('id')} has {len(flat)} numbers, "
                f"expected 3 x {len(names)} keypoints"
            )
        if row is None:
            continue  # a file cut down to some of its images may keep the others' annotations
        if annotated[row]:
            name = content["images"][row]["file_name"]
            raise DataError(f"{file}: {name} has two objects; crop each to its own image")
        points[row], annotated[row] = np.array(flat, np.float32).reshape(-1, 3), True
        boxes[row] = annotation.get("bbox", np.nan)
    paths = [_locate(file, image["file_name"]) for image in content["images"]]
    labelled = points[..., 2] > 0
    category_name = str(category.get("name", ""))
    return Annotations(paths, category_name, names, points[..., :2], labelled, annotated, boxes)


def load_keypoints(source: Path, report: Reporter) -> KeypointSet:
    """Read a COCO keypoint file and its pictures, or open a packed set that has keypoints.

    Pictures of a COCO file that have no annotation are left out; in a packed set they have no
    labelled point. Raises DataError as `read_annotations` and `open_packed` do, and without any
    annotated keypoints.
    """
    if is_packed(source):
        packed = open_packed(source)
        if packed.keypoints is None:
            raise DataError(f"{source} was packed without keypoints: pack a COCO keypoint file")
        _, names, xy_crop, labelled = packed.keypoints
        return KeypointSet(packed.crops, xy_crop, labelled, names)
    given = read_annotations(source)
    rows = np.flatnonzero(given.annotated)
    if not len(rows):
        raise DataError(f"{source} has no annotated keypoints")
    crops, to_crop, kept, _ = load_crops([given.paths[row] for row in rows], report)
    rows = rows[kept]
    xy_crop = apply_affine(to_crop, given.xy_image[rows]).astype(np.float32)
    return KeypointSet(crops, xy_crop, given.labelled[rows], given.names)


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
    if not content["images"]:
        raise DataError(f"{file} names no images")
    return cast("dict[str, list[dict[str, Any]]]", content)


def _locate(file: Path, name: str) -> Path:
    beside = file.parent / name
    return beside if beside.exists() else file.parent / "images" / name


def _swap_side(name: str) -> str:
    for side, other in (("left", "right"), ("right", "left")):
        if name.startswith(f"{side}_"):
            return f"{other}_{name.removeprefix(f'{side}_')}"
    return name
