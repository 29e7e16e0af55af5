"""One picture file, or a folder of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import numpy as np

from lmk.data.decode import read_image
from lmk.data.images import list_images
from lmk.data.suffixes import STILL_SUFFIXES
from lmk.system.errors import DataError, SourceError
from lmk.system.progress import Reporter
from lmk.video.sources.base import Frame, Source
from lmk.video.sources.capture import DAMAGED

WHOLE = "an undamaged image of a common format"


def open_picture(path: Path) -> Source:
    """Open one picture. Raises SourceError."""
    return _PictureSource([path], path.parent, None)


def open_folder(folder: Path, report: Reporter | None = None) -> Source:
    """Open the pictures below a folder, sorted by path.

    `report` receives a message per skipped picture: unreadable ones, and animations. Raises
    SourceError if no picture can be read.
    """
    try:
        stills = list_images(folder, STILL_SUFFIXES)
    except DataError as error:
        raise SourceError(str(error)) from error
    for path in list_images(folder):
        if report and path.suffix.lower() not in STILL_SUFFIXES:
            report.warn(f"skipped {path}, which may be an animation: use it as a source of its own")
    return _PictureSource(stills, folder, report)


class _PictureSource(Source):
    fps = None
    live = False
    still = True

    def __init__(self, paths: list[Path], folder: Path, report: Reporter | None) -> None:
        self._folder, self._report, self._closed = folder, report, Event()
        self.frame_count: int | None = len(paths)
        self.dropped: Counter[str] = Counter()
        self.title = str(folder if len(paths) > 1 else paths[0])
        self._pictures = self._read(paths)
        self._first = next(self._pictures, None)
        if self._first is None:
            raise SourceError(f"no picture of {self.title} can be read: expected {WHOLE}")
        self.size_wh = (self._first.image_bgr.shape[1], self._first.image_bgr.shape[0])

    def __iter__(self) -> Iterator[Frame]:
        if self._first and not self._closed.is_set():
            yield self._first
        self._first = None
        yield from self._pictures

    def close(self) -> None:
        self._closed.set()

    def _read(self, paths: list[Path]) -> Iterator[Frame]:
        index = 0
        for path in paths:
            if self._closed.is_set():
                return
            try:
                image = np.ascontiguousarray(read_image(path)[:, :, ::-1])
            except DataError as error:
                if len(paths) == 1:
                    raise SourceError(f"{error}: expected {WHOLE}") from error
                self.dropped[DAMAGED] += 1
                if self._report:
                    self._report.warn(f"skipped: {error}")
                continue
            yield Frame(index, 0.0, image, path.relative_to(self._folder).as_posix())
            index += 1
