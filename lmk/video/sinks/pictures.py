"""Results as pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lmk.system.files import replacing
from lmk.system.opencv import cv2
from lmk.video.result import Result
from lmk.video.sinks.base import Sink


class _PictureSink:
    draws = True

    def __init__(self, path: Path, folder: bool) -> None:
        self._path, self._folder = path, folder

    def write(self, result: Result) -> None:
        path = self._path / result.frame.name if self._folder else self._path
        _, encoded = cv2.imencode(path.suffix, result.drawn_bgr)
        with replacing(path) as temporary:
            temporary.write_bytes(encoded.tobytes())


@contextmanager
def picture_sink(path: Path) -> Iterator[Sink]:
    """Write one picture; or, into a folder (a path without suffix), one per frame, by its name."""
    yield _PictureSink(path, folder=not path.suffix)
