"""COCO keypoint files: one object per image, with the image already cropped around it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from lmk.data.images import load_crops
from lmk.data.packed import Crops, content_sha256, is_packed, open_packed
from lmk.geometry import apply_affine
from lmk.system.errors import DataError
from lmk.system.progress import Reporter


@dataclass(frozen=True)
class KeypointSet:
    """Crops with their annotated points.

    crops uint8 RGB (N, S, S, 3), in memory or packed; xy_crop float32 (N, K, 2) in crop pixels;
    labelled bool (N, K), False where a point was not annotated and its coordinates are undefined;
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

    @property
    def annotation_sha256(self) -> str:
        """Hash of the points, which of them are labelled, and their names."""
        arrays = (self.xy_crop.astype("<f4"), self.labelled)
        parts = (json.dumps(self.names).encode(), *(array.tobytes() for array in arrays))
        return hashlib.sha256(b"".join(parts)).hexdigest()

    def mirrored_order(self) -> list[int]:
        """For each point the index of its mirror partner.

        Sides are recognised by `left` and `right`, or `l` and `r`, as words of the names: left_eye,
        eye-right, LShoulder; or as the beginning of two otherwise equal names: lefteye and
        righteye, leye and reye. Any other point is its own partner. Raises DataError when a point
        has no partner.
        """
        swapped = [_mirror_partner(name, self.names) for name in self.names]
        missing = sorted(set(swapped) - set(self.names))
        if missing:
            raise DataError(
                f"points without a left/right partner: expected also {', '.join(missing)}"
            )
        return [self.names.index(name) for name in swapped]


@dataclass(frozen=True)
class Annotations:
    """The annotations of a file, without its pictures.

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
    """List the pictures of a COCO file, without its annotations."""
    content = _read(file)
    with _malformed(file):
        return [_locate(file, image["file_name"]) for image in content["images"]]


def read_annotations(file: Path) -> Annotations:
    """Read the first category with keypoints of a COCO keypoint file.

    Pictures are beside the file or in `images/` there. Raises DataError when the file is malformed
    or an image has more than one object.
    """
    content = _read(file)
    with _malformed(file):
        return _parse(file, content)


def _parse(file: Path, content: dict[str, list[dict[str, Any]]]) -> Annotations:
    category = next((c for c in content["categories"] if c.get("keypoints")), {})
    names = list(category.get("keypoints", []))
    rows = {image["id"]: row for row, image in enumerate(content["images"])}
    if len(rows) < len(content["images"]):
        raise DataError(f"{file}: two images have the same id")
    points = np.zeros((len(rows), len(names), 3), np.float32)
    boxes = np.full((len(rows), 4), np.nan, np.float32)
    annotated = np.zeros(len(rows), bool)
    for annotation in content["annotations"] if names else []:
        if annotation.get("category_id", category.get("id")) != category.get("id"):
            continue
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
            raise DataError(f"{file}: {name} has two objects: crop each object to its own image")
        points[row], annotated[row] = np.array(flat, np.float32).reshape(-1, 3), True
        boxes[row] = annotation.get("bbox") or np.nan
    paths = [_locate(file, image["file_name"]) for image in content["images"]]
    known = np.isfinite(points).all(-1)
    points[~known] = 0  # null or NaN: not labelled, for any third number
    labelled = points[..., 2] > 0
    category_name = str(category.get("name", ""))
    return Annotations(paths, category_name, names, points[..., :2], labelled, annotated, boxes)


def load_keypoints(source: Path, report: Reporter) -> KeypointSet:
    """Read a COCO keypoint file and its pictures, or open a packed set that has keypoints.

    Pictures of a COCO file without annotation are skipped; in a packed set they have no labelled
    point. Raises DataError as `read_annotations` and `open_packed` do, and if there are no
    annotated keypoints.
    """
    if is_packed(source):
        packed = open_packed(source)
        if packed.keypoints is None:
            raise DataError(f"{source} was packed without keypoints: pack a COCO keypoint file")
        _, names, xy_crop, labelled = packed.keypoints
        return KeypointSet(packed.crops, xy_crop, labelled, names)
    if source.is_dir():
        raise DataError(
            f"{source} is a folder: expected a COCO keypoint file, or a packed set with keypoints"
        )
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
    parts = content if isinstance(content, dict) else {}
    missing = [key for key in ("images", "annotations", "categories") if key not in parts]
    if missing:
        raise DataError(f"{file} is not a COCO keypoint file: it lacks {', '.join(missing)}")
    if not content["images"]:
        raise DataError(f"{file} lists no images")
    return cast("dict[str, list[dict[str, Any]]]", content)


def _locate(file: Path, name: str) -> Path:
    beside = file.parent / name
    return beside if beside.exists() else file.parent / "images" / name


@contextmanager
def _malformed(file: Path) -> Iterator[None]:
    """Turn the exceptions of a malformed file into one error."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        found = f"lacks {error}" if isinstance(error, KeyError) else f"is invalid: {error}"
        raise DataError(f"{file} is not a COCO keypoint file: an entry {found}") from error


# A word may begin after a character that is not a letter, or with a capital after a small letter.
_SIDE = re.compile(
    r"(?:(?<![A-Za-z])|(?<=[a-z])(?=[A-Z]))"
    r"(?:(left|Left|LEFT|right|Right|RIGHT)(?![a-z])|([lrLR])(?=[^A-Za-z0-9]|[A-Z][a-z]|$))"
)
_FIRST_SIDE = re.compile(r"left|right|l|r", re.IGNORECASE)
_OTHER_SIDE = {"left": "right", "right": "left", "l": "r", "r": "l"}


def _mirror_partner(name: str, names: list[str]) -> str:
    """The name of a point's mirror partner, by a word, or else by the beginning of the name."""
    by_word = _swap_side(name)
    if by_word != name:
        return by_word
    beginning = _FIRST_SIDE.match(name)
    by_beginning = _opposite(beginning) + name[beginning.end() :] if beginning else name
    return by_beginning if by_beginning in names else name


def _swap_side(name: str) -> str:
    return _SIDE.sub(_opposite, name)


def _opposite(found: re.Match[str]) -> str:
    word = found.group()
    other = _OTHER_SIDE[word.lower()]
    return other.upper() if word.isupper() else other.title() if word.istitle() else other
