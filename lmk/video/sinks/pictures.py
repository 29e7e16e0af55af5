"""Results as pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lmk.arrays import Image
from lmk.data.suffixes import STILL_SUFFIXES
from lmk.system.errors import OutputError
from lmk.system.files import replacing
from lmk.system.opencv import cv2, quiet
from lmk.video.result import Result
from lmk.video.sinks.base import Sink

LIMITS_PX = {".webp": 16_383, ".jpg": 65_500, ".jpeg": 65_500}  # of libwebp and libjpeg

LONGEST_NAME = 255  # bytes, of most file systems


class _PictureSink:
    draws = True

    def __init__(self, path: Path, folder: bool) -> None:
        self._path, self._folder = path, folder

    def write(self, result: Result) -> None:
        path = self._place(result.frame.name) if self._folder else self._path
        encoded = _encode(result.drawn_bgr, path)
        with replacing(path) as temporary:
            temporary.write_bytes(encoded)

    def _place(self, name: str) -> Path:
        """The picture's own name; with .png where it has a suffix that is only read."""
        path = self._path / name
        if path.suffix.lower() in STILL_SUFFIXES:
            return path
        start = path.name.encode()[: LONGEST_NAME - len(".png")].decode(errors="ignore")
        return path.with_name(f"{start}.png")


@contextmanager
def picture_sink(path: Path) -> Iterator[Sink]:
    """Write one picture; or, into a folder (a path without suffix), one per frame, by its name."""
    yield _PictureSink(path, folder=not path.suffix)


def _encode(image_bgr: Image, path: Path) -> bytes:
    try:
        with quiet():
            whole, encoded = cv2.imencode(path.suffix.lower(), image_bgr)
    except cv2.error:
        whole = False
    if not whole:
        height, width = image_bgr.shape[:2]
        limit = LIMITS_PX.get(path.suffix.lower())
        reason = f": {path.suffix} holds at most {limit:,} pixels per side" if limit else ""
        raise OutputError(
            f"cannot write {path}, {width} x {height} pixels{reason}. Choose .png, or shrink it"
        )
    return bytes(encoded)
