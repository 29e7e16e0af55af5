"""Read what an ONNX file says about its own detector, as exports of Ultralytics do.

The texts of the metadata come with the file, from anybody: they are read as literals of a limited
length, and shown in errors only as quoted texts.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lmk.system.errors import UsageError, WeightsError

MOST_CHARACTERS = 200_000  # of one entry; 1203 class names take 30,000
MOST_SHOWN = 20
LEAST_SIDE = 32
DETECTION = ("detect", "detection", "object-detection", "object_detection")
TASKS = {
    "segment": "a segmentation model",
    "pose": "a model of keypoints",
    "obb": "a model of rotated boxes",
    "classify": "a classification model",
}


@dataclass(frozen=True)
class Declared:
    """What the metadata of the file at `path` says; None where it says nothing.

    names: of the classes. final: whether the file gives each object once, with its class number.
    size_hw: of the pictures that it was exported for.
    """

    path: Path
    names: tuple[str, ...] | None = None
    final: bool | None = None
    size_hw: tuple[int, int] | None = None

    @property
    def classes(self) -> int | None:
        """How many classes there are."""
        return None if self.names is None else len(self.names)

    def refusal(self, reason: str) -> WeightsError:
        """The error of a file that is valid, but not read."""
        return WeightsError(f"{self.path} is no detector that lmk can run: {reason}")

    def class_number(self, text: str) -> int:
        """The class of a number or, if no number, of a name. Raises UsageError."""
        if self.names is not None and not text.isdecimal() and text in self.names:
            return self.names.index(text)
        number = int(text) if text.isdecimal() and len(text) < 10 else None
        if number is None or number >= (self.classes or number + 1):
            raise UsageError(f"--region onnx:{self.path}#{text}: expected {self._choice()}")
        return number

    def _choice(self) -> str:
        if self.names is None:
            return "the number of a class, because this file does not name its classes"
        shown = ", ".join(f"{i} {name!r:.60}" for i, name in enumerate(self.names[:MOST_SHOWN]))
        more = len(self.names) - MOST_SHOWN
        return f"the number or name of a class: {shown}" + (f" and {more} more" * (more > 0))


def read_metadata(path: Path, metadata: Mapping[str, str]) -> Declared:
    """Read `task`, `names`, `imgsz`, `end2end` and `args`; raises WeightsError for another task."""
    task = metadata.get("task", DETECTION[0])
    if task not in DETECTION:
        kind = TASKS.get(task, "a model for another task")
        raise Declared(path).refusal(
            f"its metadata says that it is {kind} (task {task!r:.60}). Export a detection model"
        )
    return Declared(path, _names(path, metadata), _final(metadata), _size(metadata))


def _literal(text: str | None) -> object:
    """The value of a literal, or None of a text that is not one."""
    if text is None or len(text) > MOST_CHARACTERS:
        return None
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def _names(path: Path, metadata: Mapping[str, str]) -> tuple[str, ...] | None:
    if "names" not in metadata:
        return None
    names = _literal(metadata["names"])
    if isinstance(names, list | tuple):
        names = dict(enumerate(names))
    if isinstance(names, dict) and names:
        ordered = [names.get(i, names.get(str(i))) for i in range(len(names))]
        texts = tuple(name for name in ordered if isinstance(name, str))
        if len(texts) == len(names):
            return texts
    raise Declared(path).refusal(
        "expected the metadata `names` as {0: 'cat', 1: 'dog'} or ['cat', 'dog'], got "
        f"{metadata['names']!r:.60}"
    )


def _final(metadata: Mapping[str, str]) -> bool | None:
    args = _literal(metadata.get("args"))
    nms = args.get("nms") if isinstance(args, dict) else None
    end2end = _literal(metadata.get("end2end"))
    if nms is True or end2end is True:
        return True
    return False if nms is False and end2end is False else None


def _size(metadata: Mapping[str, str]) -> tuple[int, int] | None:
    size = _literal(metadata.get("imgsz"))
    sides = size if isinstance(size, list | tuple) else (size, size)
    match sides:
        case (int(height), int(width)) if min(height, width) >= LEAST_SIDE:
            return height, width
    return None
