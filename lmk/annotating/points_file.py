"""The points of annotated pictures, in a COCO keypoint file that is saved at every change."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Literal

from lmk.data.coco_file import CocoFile, image_files, read_coco
from lmk.data.read_file import read_text
from lmk.system.errors import DataError, UsageError
from lmk.system.files import beside, check_file, replacing
from lmk.system.lock import held
from lmk.system.schema import parse_json

Mark = tuple[float, float] | Literal["hidden"] | None
"""A point's place in pixels of the upright picture; "hidden" if it cannot be seen; None if nothing
was said of it yet."""

HIDDEN: Literal["hidden"] = "hidden"
LABELLED = 2  # COCO's flag of a point that is annotated and visible


class PointsFile:
    """A COCO file with one object per picture; any thread may use it.

    What it has of other programs stays as it is. Beside COCO's own fields, an annotation names its
    `hidden` points, and an image may be `skipped`.
    """

    def __init__(self, path: Path, content: dict[str, Any], pictures: Sequence[Path]) -> None:
        self._path, self._content, self._lock = path, content, threading.Lock()
        self._category = _category(content)
        assert self._category is not None
        self.names: list[str] = self._category["keypoints"]
        found = {}
        if content["images"]:
            known = image_files(path, read_coco(path, CocoFile), outside=False)
            found = {
                file.resolve(): image for file, image in zip(known, content["images"], strict=True)
            }
        self._images = {n: found.get(picture.resolve()) for n, picture in enumerate(pictures)}
        self._titles = [_relative(picture, path) for picture in pictures]
        self._objects = self._by_image()

    def title(self, number: int) -> str:
        """The name of a picture in the file."""
        return self._titles[number]

    def marks(self, number: int) -> list[Mark]:
        """What is known of the points of a picture, by its number."""
        image = self._images[number]
        one = self._objects.get(str(image["id"])) if image else None
        if one is None:
            return [None] * len(self.names)
        flat, said = one.get("keypoints") or [], one.get(HIDDEN)
        triples = zip(flat[::3], flat[1::3], flat[2::3], strict=False)
        marks: list[Mark] = []
        for name, (x, y, flag) in zip(self.names, triples, strict=True):
            # Files of others do not say which points cannot be seen.
            unseen: Mark = HIDDEN if said is None or name in said else None
            marks.append((float(x), float(y)) if flag else unseen)
        return marks

    def skipped(self, number: int) -> bool:
        """Whether a picture was skipped."""
        image = self._images[number]
        return bool(image and image.get("skipped"))

    def done(self, number: int) -> bool:
        """Whether something was said of every point of a picture, and one was seen."""
        marks = self.marks(number)
        return None not in marks and any(mark != HIDDEN for mark in marks)

    def put(
        self, number: int, size_wh: tuple[int, int], marks: Sequence[Mark], skipped: bool
    ) -> None:
        """Replace what is known of a picture, and save the file. Raises OutputError."""
        with self._lock:
            image = self._image(number, size_wh)
            if skipped:
                image["skipped"] = True
            else:
                image.pop("skipped", None)
            self._set_marks(image, marks)
            with replacing(self._path) as temporary:
                temporary.write_text(json.dumps(self._content) + "\n", encoding="utf-8")

    def _image(self, number: int, size_wh: tuple[int, int]) -> dict[str, Any]:
        image = self._images[number]
        if image is None:
            new = _free_id(self._content["images"])
            image = {"id": new, "file_name": self._titles[number]}
            self._content["images"].append(image)
            self._images[number] = image
        image["width"], image["height"] = size_wh
        return image

    def _set_marks(self, image: dict[str, Any], marks: Sequence[Mark]) -> None:
        annotations, key = self._content["annotations"], str(image["id"])
        one = self._objects.get(key)
        places = [mark for mark in marks if isinstance(mark, tuple)]
        if not any(mark is not None for mark in marks):
            if one is not None:
                annotations.remove(self._objects.pop(key))
            return
        if one is None:
            assert self._category is not None
            ids = {"id": _free_id(annotations), "image_id": image["id"]}
            one = self._objects[key] = {**ids, "category_id": self._category["id"], "iscrowd": 0}
            annotations.append(one)
        x, y = zip(*places, strict=True) if places else ((0.0,), (0.0,))
        width, height = max(x) - min(x), max(y) - min(y)
        one["keypoints"] = [value for mark in marks for value in _triple(mark)]
        one["num_keypoints"] = len(places)
        one["bbox"], one["area"] = [min(x), min(y), width, height], width * height
        one[HIDDEN] = [n for n, mark in zip(self.names, marks, strict=True) if mark == HIDDEN]

    def _by_image(self) -> dict[str, dict[str, Any]]:
        assert self._category is not None
        found: dict[str, dict[str, Any]] = {}
        for one in self._content["annotations"]:
            key = str(one["image_id"])
            if one.get("category_id", self._category["id"]) != self._category["id"]:
                continue
            if one.get("iscrowd") or not one.get("keypoints"):
                continue
            if len(one["keypoints"]) != 3 * len(self.names):
                raise DataError(
                    f"{self._path}: an annotation has {len(one['keypoints'])} numbers, expected 3 "
                    f"per point of {len(self.names)}"
                )
            if key in found:
                raise DataError(
                    f"{self._path}: the picture with the id {key} has two objects, expected one "
                    "per picture, which fills most of it"
                )
            found[key] = one
        return found


@contextmanager
def open_points_file(
    path: Path, names: Sequence[str], pictures: Sequence[Path]
) -> Iterator[PointsFile]:
    """Open a file to go on with, or begin one with these names; no other process may use it.

    Raises UsageError for names that cannot be used, or are not those of the file; DataError for a
    file that is not COCO, and pictures outside its folder; OutputError.
    """
    _check_names(names)
    check_file(path)
    with held(beside(path, "lock"), path):
        content = _read(path) if path.exists() else {}
        known = _category(content)
        if known is None:
            if not names:
                raise UsageError(
                    f"{path} names no points yet: give their names, such as --names "
                    "left_eye,right_eye,nose"
                )
            category = {"id": _free_id(content.get("categories", [])), "name": "object"}
            content.setdefault("categories", []).append(
                {**category, "keypoints": list(names), "skeleton": []}
            )
        elif names and list(names) != known["keypoints"]:
            raise UsageError(
                f"--names {','.join(names)}: {path} has the points "
                f"{','.join(known['keypoints'])}. Omit --names to go on, or choose another file"
            )
        content.setdefault("images", [])
        content.setdefault("annotations", [])
        yield PointsFile(path, content, pictures)


def _read(path: Path) -> dict[str, Any]:
    """The content of a file, of which all that lmk reads was checked."""
    try:
        content = parse_json(read_text(path), repeated=True)
    except ValueError as error:
        raise DataError(f"{path} is not JSON: {error}") from error
    if isinstance(content, dict) and content.get("images") == []:
        return content  # of a session in which nothing was annotated
    read_coco(path, CocoFile)
    assert isinstance(content, dict)
    return content


def _category(content: dict[str, Any]) -> dict[str, Any] | None:
    """The first category with keypoints, if there is one."""
    return next((one for one in content.get("categories", []) if one.get("keypoints")), None)


def _check_names(names: Sequence[str]) -> None:
    if len(set(names)) < len(names):
        raise UsageError(f"--names {','.join(names)}: expected each name once")
    for name in names:
        if not (name and name.isprintable()) or len(name) > 100:
            raise UsageError(f"--names: {name[:60]!a} is not a name: expected 1 to 100 characters")
    if len(names) > 1000:
        raise UsageError(f"--names has {len(names)} names, expected at most 1000")


def _relative(picture: Path, file: Path) -> str:
    """A picture's name in a file, below the file's folder."""
    name = os.path.relpath(picture.resolve(), file.resolve().parent)
    if name.startswith(os.pardir):
        raise DataError(
            f"{picture} is not below the folder of {file}, where its names begin: write the file "
            f"beside the pictures or above them, such as -o {picture.parent / file.name}"
        )
    return Path(name).as_posix()


def _free_id(entries: Sequence[dict[str, Any]]) -> int:
    taken = {str(one.get("id")) for one in entries}
    return next(number for number in count(len(entries) + 1) if str(number) not in taken)


def _triple(mark: Mark) -> tuple[float, float, int]:
    if isinstance(mark, tuple):
        return round(mark[0], 3), round(mark[1], 3), LABELLED
    return 0, 0, 0
