"""The content of a COCO file, as many tools write it, and the paths of its pictures.

Only what is used is described here; a file may have more. Tools write an id as a number or as text,
so that ids are compared as text.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

from msgspec import Meta

from lmk.data.read_file import read_text
from lmk.system.errors import DataError
from lmk.system.schema import SchemaError, parse_json, read_as

Text = Annotated[str, Meta(max_length=1000)]
Id = int | float | Text
Numbers = list[float | None]
Content = TypeVar("Content", bound="CocoImages")

# Where pictures may also be, as in the sets of lmk data draw and lmk data prepare.
IMAGES = "images"
_CONTROL = re.compile(r"[\0-\x1f\x7f]")
# An absolute name, of Windows too, or one with the folder above.
_OUTSIDE = re.compile(r"(?:[A-Za-z]:)?/|(?:.*/)?\.\.(?:/|$)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class CocoImage:
    """A picture; the points count pixels of width x height, which may be unknown."""

    id: Id
    file_name: Text
    width: float | None = None
    height: float | None = None


@dataclass(frozen=True, slots=True)
class CocoAnnotation:
    """An object, or a crowd; keypoints are x, y and a flag of each."""

    image_id: Id
    keypoints: Numbers | None = None
    bbox: Numbers | None = None
    category_id: Id | None = None
    iscrowd: bool | int | None = None


@dataclass(frozen=True, slots=True)
class CocoCategory:
    """A category with the names of its keypoints, if it has any."""

    id: Id | None = None
    name: Text | None = None
    keypoints: list[Text] | None = None


@dataclass(frozen=True)
class CocoImages:
    """The pictures of a file."""

    images: list[CocoImage]


@dataclass(frozen=True)
class CocoFile(CocoImages):
    """The pictures of a file and their annotations."""

    annotations: list[CocoAnnotation]
    categories: list[CocoCategory]


def read_coco(file: Path, kind: type[Content]) -> Content:
    """Read a file as `CocoImages` or `CocoFile`.

    Raises DataError that names the file and the entry when it is not of this form, lists no
    picture, or has two of one id.
    """
    text = read_text(file)
    try:
        content = read_as(kind, parse_json(text, repeated=True), more=True)
    except SchemaError as error:
        raise DataError(f"{file} is not a COCO keypoint file: {error}") from error
    except ValueError as error:
        raise DataError(f"{file} is not JSON: {error}") from error
    if not content.images:
        raise DataError(f"{file} lists no images")
    check_unique(file, "images", "id", [as_text(image.id) for image in content.images])
    return content


def as_text(key: Id) -> str:
    """Write an id as text; 7 and 7.0 are the same."""
    return str(int(key) if isinstance(key, float) and key.is_integer() else key)


def check_unique(file: Path, part: str, field: str, values: list[str]) -> None:
    """Raise DataError if two entries of a part of the file have the same value."""
    if len(set(values)) == len(values):
        return
    first = dict[str, int]()
    for index, value in enumerate(values):
        if value in first:
            raise DataError(
                f"{file}: {part}[{first[value]}] and {part}[{index}] have the same {field}, {value}"
            )
        first[value] = index


def image_files(file: Path, content: CocoImages, outside: bool) -> list[Path]:
    r"""Find the pictures beside the file or in `images/` there; \ in a name is read as /.

    Raises DataError for a picture that is listed twice, and for a name that leaves the file's
    folder, unless `outside` allows it.
    """
    folder = str(file.parent)
    paths = []
    for index, image in enumerate(content.images):
        name = image.file_name
        if not name or _CONTROL.search(name):
            raise DataError(f"{file}: images[{index}].file_name is {name!r}, expected a name")
        portable = name.replace("\\", "/")
        if not outside and (_OUTSIDE.match(portable) or os.path.splitdrive(name)[0]):
            raise DataError(
                f"{file}: images[{index}].file_name is {name}, outside the file's folder: move the "
                "file beside its pictures and write their names relative to it, or pack the set "
                "with  lmk data pack --outside"
            )
        paths.append(Path(_locate(folder, name, portable)))
    check_unique(file, "images", "file_name", [str(path) for path in paths])
    return paths


# The functions of os.path are many times as fast as Path's here, and take what cannot be a name.
# ruff: noqa: PTH110, PTH118
def _locate(folder: str, name: str, portable: str) -> str:
    """The first of the paths that a name may mean which exists, or else the most usual one."""
    usual = os.path.join(folder, IMAGES, portable)
    as_written = os.path.join(folder, name)  # outside Windows a name may have a backslash
    if os.path.exists(as_written):
        return as_written
    beside = os.path.join(folder, portable.removeprefix(f"{IMAGES}/"))
    others = (path for path in (os.path.join(folder, portable), beside) if path != as_written)
    return next((path for path in (usual, *others) if os.path.exists(path)), usual)
