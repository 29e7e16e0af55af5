"""The annotations of a COCO keypoint file: one object per picture, which is cropped around it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lmk.arrays import DoubleArray, Flags, FloatArray
from lmk.data.coco_file import (
    CocoCategory,
    CocoFile,
    CocoImages,
    as_text,
    check_unique,
    image_files,
    read_coco,
)
from lmk.system.errors import DataError
from lmk.system.progress import Reporter

MAX_PX = 1e5  # of a coordinate; no picture that can be decoded is as large
MAX_POINTS = 1 << 28  # of all pictures together: 3 GB in memory
NO_POINT = "without any point"


@dataclass(frozen=True)
class Annotations:
    """The annotations of a file, without its pictures.

    paths of N pictures; category and names of its K points; xy_image float32 (N, K, 2); labelled
    bool (N, K), False where a point was not annotated; annotated bool (N,), False where a picture
    has no object; boxes_xywh float32 (N, 4), NaN where there is none; sizes_wh float64 (N, 2), of
    the pictures whose pixels an object's points and box count, 0 where unknown. A folder of
    pictures has K = 0.
    """

    paths: list[Path]
    category: str
    names: list[str]
    xy_image: FloatArray
    labelled: Flags
    annotated: Flags
    boxes_xywh: FloatArray
    sizes_wh: DoubleArray


class _Object(NamedTuple):
    """An annotation with numbers for every point: its index, and that of its picture."""

    entry: int
    row: int


def image_paths(file: Path) -> list[Path]:
    """List the pictures of a COCO file, without its annotations."""
    return image_files(file, read_coco(file, CocoImages), outside=False)


def read_annotations(file: Path, report: Reporter, outside: bool = False) -> Annotations:
    """Read the first category with keypoints of a COCO keypoint file.

    Pictures are beside the file or in `images/` there, or anywhere if `outside` allows it. Crowds,
    other categories, and annotations without a picture or any point are left out and counted in a
    warning. Raises DataError when the file is malformed or an image has more than one object.
    """
    content = read_coco(file, CocoFile)
    category = _category(file, content)
    names = category.keypoints or []
    given = no_annotations(image_files(file, content, outside), category.name or "", names)
    if not names:
        return given
    objects, left_out = _match(file, content, category)
    values = [content.annotations[entry].keypoints for entry, _ in objects]
    numbers = np.array(values, np.float64).reshape(len(objects), 3 * len(names))  # null is NaN
    points = numbers.reshape(-1, len(names), 3)  # the same numbers, seen per point
    labelled = (points[..., 2] > 0) & ~np.isnan(points).any(axis=2)
    points[~labelled] = 0
    useful = np.asarray(labelled.any(axis=1))
    left_out[NO_POINT] += int((~useful).sum())
    _say_left_out(file, left_out, report)
    objects = [found for found, keep in zip(objects, useful, strict=True) if keep]
    _check_one_each(file, content, objects)
    _check_range(file, "keypoints", objects, numbers[useful])
    rows = [row for _, row in objects]
    given.xy_image[rows] = points[useful, :, :2]
    given.labelled[rows] = labelled[useful]
    given.annotated[rows] = True
    given.boxes_xywh[rows] = _boxes(file, content, objects)
    images = [content.images[row] for row in rows]
    sizes_wh = [(image.width or 0, image.height or 0) for image in images]
    given.sizes_wh[rows] = np.reshape(sizes_wh, (-1, 2))
    return given


def no_annotations(paths: list[Path], category: str = "", names: Sequence[str] = ()) -> Annotations:
    """Annotations of pictures that have no object."""
    count, points = len(paths), len(names)
    return Annotations(
        paths,
        category,
        list(names),
        xy_image=np.zeros((count, points, 2), np.float32),
        labelled=np.zeros((count, points), bool),
        annotated=np.zeros(count, bool),
        boxes_xywh=np.full((count, 4), np.nan, np.float32),
        sizes_wh=np.zeros((count, 2)),
    )


def _category(file: Path, content: CocoFile) -> CocoCategory:
    """The first category with keypoints, or an empty one."""
    known = [as_text(category.id) for category in content.categories if category.id is not None]
    check_unique(file, "categories", "id", known)
    for index, category in enumerate(content.categories):
        if category.keypoints:
            check_unique(file, f"categories[{index}].keypoints", "name", category.keypoints)
            count = len(content.images) * len(category.keypoints)
            if count > MAX_POINTS:
                raise DataError(
                    f"{file} has {count:,} points, its images times its keypoints, expected at "
                    f"most {MAX_POINTS:,}: split it"
                )
            return category
    return CocoCategory()


def _match(
    file: Path, content: CocoFile, category: CocoCategory
) -> tuple[list[_Object], Counter[str]]:
    """Find the picture of each annotation; count those left out by the reason."""
    rows = {as_text(image.id): row for row, image in enumerate(content.images)}
    wanted = None if category.id is None else as_text(category.id)
    expected = 3 * len(category.keypoints or ())
    objects, left_out = list[_Object](), Counter[str]()
    for index, entry in enumerate(content.annotations):
        row = rows.get(as_text(entry.image_id))
        if entry.iscrowd:
            left_out["of a crowd"] += 1
        elif entry.category_id is not None and as_text(entry.category_id) != wanted:
            left_out["of another category"] += 1
        elif row is None:
            left_out["without a picture"] += 1
        elif not entry.keypoints:
            left_out[NO_POINT] += 1
        elif len(entry.keypoints) != expected:
            raise DataError(
                f"{file}: annotations[{index}].keypoints has {len(entry.keypoints)} numbers, "
                f"expected 3 x {expected // 3} keypoints"
            )
        else:
            objects.append(_Object(index, row))
    return objects, left_out


def _say_left_out(file: Path, left_out: Counter[str], report: Reporter) -> None:
    reasons = [f"{count:,} {reason}" for reason, count in left_out.items() if count]
    if reasons:
        count = sum(left_out.values())
        noun = "annotation" if count == 1 else "annotations"
        report.warn(f"{file}: left out {count:,} {noun}: {', '.join(reasons)}")


def _check_one_each(file: Path, content: CocoFile, objects: list[_Object]) -> None:
    first = dict[int, int]()
    for index, row in objects:
        if row in first:
            raise DataError(
                f"{file}: {content.images[row].file_name} has two objects, annotations"
                f"[{first[row]}] and annotations[{index}]: expected one object per picture, "
                "which fills most of it. Cut each to a picture of its own"
            )
        first[row] = index


def _check_range(file: Path, field: str, objects: list[_Object], numbers: DoubleArray) -> None:
    """Raise DataError for a number (M, L) that no picture has; NaN is none."""
    wrong = np.argwhere(np.abs(numbers) > MAX_PX)
    if len(wrong):
        row, place = wrong[0].tolist()
        raise DataError(
            f"{file}: annotations[{objects[row].entry}].{field}[{place}] is "
            f"{numbers[row, place]:g}, expected at most {MAX_PX:,.0f} pixels"
        )


def _boxes(file: Path, content: CocoFile, objects: list[_Object]) -> DoubleArray:
    boxes = np.full((len(objects), 4), np.nan)
    for row, (index, _) in enumerate(objects):
        box = content.annotations[index].bbox
        if box and len(box) != 4:
            raise DataError(f"{file}: annotations[{index}].bbox has {len(box)} numbers, expected 4")
        boxes[row] = box or np.nan
    _check_range(file, "bbox", objects, boxes)
    return boxes
