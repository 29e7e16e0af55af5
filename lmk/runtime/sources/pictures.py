"""Picture files, one or a folder of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import numpy as np

from lmk.data.decode import read_image
from lmk.data.images import STILL_SUFFIXES, list_images
from lmk.errors import DataError, SourceError
from lmk.runtime.crops import Image
from lmk.runtime.sources.base import Frame, Source


def open_picture(path: Path) -> Source:
    """Open one picture. Raises SourceError."""
    return _PictureSource([path], path.parent)


def open_folder(folder: Path) -> Source:
    """Open the pictures below a folder, sorted by path. Raises SourceError if there are none."""
    try:
        return _PictureSource(list_images(folder, STILL_SUFFIXES), folder)
    except DataError as error:
        raise SourceError(str(error)) from error


class _PictureSource(Source):
    fps = None
    live = False
    still = True

    def __init__(self, paths: list[Path], folder: Path) -> None:
        self._paths, self._folder, self._closed = paths, folder, Event()
        self.frame_count: int | None = len(paths)
        self.dropped: Counter[str] = Counter()
        self.title = str(folder if len(paths) > 1 else paths[0])
        self._first = _read_picture(paths[0])
        self.size_wh = (self._first.shape[1], self._first.shape[0])

    def __iter__(self) -> Iterator[Frame]:
        for index, path in enumerate(self._paths):
            if self._closed.is_set():
                return
            image = self._first if index == 0 else _read_picture(path)
            yield Frame(index, 0.0, image, path.relative_to(self._folder).as_posix())

    def close(self) -> None:
        self._closed.set()


def _read_picture(path: Path) -> Image:
    try:
        return np.ascontiguousarray(read_image(path)[:, :, ::-1])
    except DataError as error:
        raise SourceError(f"{error}: expected a whole image of a common format") from error
