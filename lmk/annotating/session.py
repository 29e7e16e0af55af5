"""A session of annotating: what is asked for, what is done, and what is known of the error."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from lmk.annotating.gallery import Gallery
from lmk.annotating.guide import PREDICT_FROM, Guide
from lmk.annotating.points_file import HIDDEN, Mark, PointsFile
from lmk.drawing.draw import Color, landmark_color
from lmk.naming.expected import Expected
from lmk.system.errors import DataError


class Session:
    """The state behind the page; any thread may use it.

    wanted: how many more pictures are asked for, None for all. `finished` is set when the person
    ends it.
    """

    def __init__(
        self, gallery: Gallery, file: PointsFile, guide: Guide | None, wanted: int | None
    ) -> None:
        self.gallery, self._file, self._guide = gallery, file, guide
        numbers = range(len(gallery))
        self._done = {number for number in numbers if file.done(number)}
        self._skipped = {number for number in numbers if file.skipped(number)}
        self._unreadable: set[int] = set()  # not asked for again
        self._passed: set[int] = set()  # asked for after the others
        self._goal = None if wanted is None else len(self._done) + wanted
        self._lock = threading.Lock()
        self.finished = threading.Event()
        self._tell_guide()

    @property
    def done(self) -> int:
        """The number of pictures that are annotated."""
        return len(self._done)

    def state(self) -> dict[str, Any]:
        """What the page shows besides the picture."""
        guide, names = self._guide, self._file.names
        error = guide.expected if guide else None
        return {
            "names": names,
            "colors": [_css(landmark_color(k)) for k in range(len(names))],
            "pictures": len(self.gallery),
            "done": len(self._done),
            "skipped": len(self._skipped),
            "goal": self._goal,
            "guided": guide is not None,
            "ready": guide is None or guide.ready,
            "failure": guide.failure if guide else "",
            "error": _rounded(error),
        }

    def next(self, after: int | None) -> int | None:
        """The picture to annotate next, another than `after`; None when the goal is reached."""
        with self._lock:
            if self._goal is not None and len(self._done) >= self._goal:
                return None
            known = self._done | self._skipped | self._unreadable
            left = set(range(len(self.gallery))) - known
            if after is not None:
                self._passed.add(after)
            if left <= self._passed:  # only those are left that were passed over
                self._passed = set() if after is None else {after}
            left -= self._passed
            if self._guide:
                return self._guide.next(self._done, left)
            return min(left, default=None)

    def earlier(self) -> list[int]:
        """The pictures that were annotated or skipped."""
        with self._lock:
            return sorted(self._done | self._skipped)

    def task(self, number: int) -> dict[str, Any]:
        """A picture with its points. Raises DataError for one that cannot be read."""
        size_wh = self._size_wh(number)
        marks = self._file.marks(number)
        predicted = None
        if self._guide and HIDDEN not in marks and len(self._done) >= PREDICT_FROM:
            places = self._guide.predict(number)
            predicted = None if places is None else np.round(places, 2).tolist()
        return {
            "number": number,
            "title": self._file.title(number),
            "size": size_wh,
            "marks": marks,
            "skipped": self._file.skipped(number),
            "predicted": predicted,
        }

    def put(self, number: int, marks: Sequence[Mark], skipped: bool) -> None:
        """Save the points of a picture. Raises DataError for points that cannot be, OutputError."""
        size_wh = self._size_wh(number)
        if len(marks) != len(self._file.names):
            raise DataError(f"expected {len(self._file.names)} points, got {len(marks)}")
        for name, mark in zip(self._file.names, marks, strict=True):
            if isinstance(mark, tuple) and not _inside(mark, size_wh):
                raise DataError(
                    f"{name} is at {mark[0]:g}, {mark[1]:g}, outside the picture of "
                    f"{size_wh[0]} x {size_wh[1]} pixels"
                )
        with self._lock:
            self._file.put(number, size_wh, marks, skipped)
            _keep(self._done, number, self._file.done(number))
            _keep(self._skipped, number, skipped)
        self._tell_guide()

    def _size_wh(self, number: int) -> tuple[int, int]:
        try:
            return self.gallery.read(number).size_wh
        except DataError:
            with self._lock:
                self._unreadable.add(number)
            raise

    def _tell_guide(self) -> None:
        if self._guide:
            self._guide.update({number: self._file.marks(number) for number in sorted(self._done)})


def _inside(place: tuple[float, float], size_wh: tuple[int, int]) -> bool:
    """Whether a place is on the picture, whose pixels reach half a pixel from their centres."""
    return all(-0.5 <= value <= size - 0.5 for value, size in zip(place, size_wh, strict=True))


def _keep(numbers: set[int], number: int, belongs: bool) -> None:
    if belongs:
        numbers.add(number)
    else:
        numbers.discard(number)


def _rounded(error: Expected | None) -> dict[str, float] | None:
    """The error as plain numbers; None where it is not known."""
    if error is None or not np.isfinite(error.high):
        return None
    return {name: round(value, 2) for name, value in asdict(error).items()}


def _css(color_bgr: Color) -> str:
    return "#{2:02x}{1:02x}{0:02x}".format(*color_bgr)
