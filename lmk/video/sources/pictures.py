"""Picture files: one, several, or those of a folder."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event

import numpy as np

from lmk.data.content import READABLE, REMEDIES, read_kind
from lmk.data.decode import read_image
from lmk.data.listing import list_images
from lmk.data.suffixes import ANIMATED_SUFFIXES, SUFFIXES
from lmk.system.errors import DataError, SourceError, UsageError
from lmk.system.progress import Reporter
from lmk.system.text import writable
from lmk.video.sources.base import Frame, Source
from lmk.video.sources.capture import DAMAGED

WHOLE = "an undamaged image of a common format"
JPEG_STREAMS = {".mjpeg", ".mjpg"}  # JPEGs one after another, which are a video


def is_picture(path: Path) -> bool:
    """Whether a file is one picture: by its suffix, or, if that is of no picture, by its content.

    Animations are videos. Raises SourceError for a picture of a format that cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix in ANIMATED_SUFFIXES | JPEG_STREAMS or not path.is_file():
        return False
    if suffix in SUFFIXES:
        return True
    try:
        kind = read_kind(path)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error
    if kind in REMEDIES:
        raise SourceError(f"{path} is a picture that cannot be read: {REMEDIES[kind]}")
    return kind in READABLE and kind != "GIF"


def open_pictures(paths: Sequence[Path], report: Reporter | None = None) -> Source:
    """Open picture files as one source.

    Its title is the path of a single picture, and of several that of the folder that holds all;
    there, unreadable ones are skipped and reported. Raises SourceError if none can be read, and
    UsageError for a repeated one.
    """
    folder, names = below_common_folder(paths)
    title = str(paths[0]) if len(paths) == 1 else str(folder)
    return _PictureSource(dict(zip(names, paths, strict=True)), title, report)


def below_common_folder(paths: Sequence[Path]) -> tuple[Path, list[str]]:
    """The lowest folder that holds all files, and their paths below it.

    Raises UsageError for a repeated file.
    """
    whole = [os.path.abspath(path) for path in paths]  # noqa: PTH100, names without ".."
    folder = os.path.commonpath([os.path.dirname(path) for path in whole])  # noqa: PTH120
    names = [Path(path).relative_to(folder).as_posix() for path in whole]
    if len(set(names)) < len(names):
        twice = next(name for name, count in Counter(names).items() if count > 1)
        raise UsageError(f"expected different sources, got {twice} twice")
    return Path(folder if paths[0].is_absolute() else os.path.relpath(folder)), names


def open_folder(folder: Path, report: Reporter | None = None) -> Source:
    """Open the pictures below a folder, sorted by path.

    `report` receives a message about what is left out, and one per skipped picture: unreadable
    ones, and animations. Raises SourceError if no picture can be read.
    """
    try:
        found = list_images(folder, report)
    except DataError as error:
        raise SourceError(str(error)) from error
    stills = {}
    for path in found:
        if path.suffix.lower() not in ANIMATED_SUFFIXES:
            stills[path.relative_to(folder).as_posix()] = path
        elif report:
            report.warn(f"skipped {path}, which may be an animation: use it as a source of its own")
    return _PictureSource(stills, str(folder), report)


class _PictureSource(Source):
    """Pictures by their names; of all of them only the first is in memory from the start."""

    fps = None
    live = False
    still = True

    def __init__(self, pictures: dict[str, Path], title: str, report: Reporter | None) -> None:
        self._report, self._closed = report, Event()
        self.frame_count: int | None = len(pictures)
        self.dropped: Counter[str] = Counter()
        self.title = writable(title)
        self._pictures = self._read(pictures)
        self._first = next(self._pictures, None)
        if self._first is None:
            raise SourceError(f"no picture of {self.title} can be read: expected {WHOLE}")
        self.size_wh = (self._first.image_bgr.shape[1], self._first.image_bgr.shape[0])

    def __iter__(self) -> Iterator[Frame]:
        first, self._first = self._first, None
        if first and not self._closed.is_set():
            yield first
        del first  # which may be large
        yield from self._pictures

    def close(self) -> None:
        self._closed.set()

    def _read(self, pictures: dict[str, Path]) -> Iterator[Frame]:
        index = 0
        for name, path in pictures.items():
            if self._closed.is_set():
                return
            try:
                image = np.ascontiguousarray(read_image(path)[:, :, ::-1])
            except DataError as error:
                if len(pictures) == 1:
                    raise SourceError(f"{error}: expected {WHOLE}") from error
                self.dropped[DAMAGED] += 1
                if self._report:
                    self._report.warn(f"skipped: {error}")
                continue
            yield Frame(index, 0.0, image, writable(name))
            index += 1
