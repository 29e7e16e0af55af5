"""Import OpenCV; if it is missing, the error names the remedy."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from lmk.system.errors import missing_extra

try:
    import cv2
except ImportError as error:
    raise missing_extra("opencv-python", "run") from error

__all__ = ["cv2", "quiet"]

_log = getattr(cv2.utils, "logging", cv2)  # in 4.6, Ubuntu's, they are functions of cv2 itself
SILENT = 0


class _Silence:
    """OpenCV's log level, which all threads share: silent while any of them requests it."""

    def __init__(self) -> None:
        self._lock, self._wanted, self._level = threading.Lock(), 0, 0

    def begin(self) -> None:
        with self._lock:
            if self._wanted == 0:
                self._level = _log.getLogLevel()
                _log.setLogLevel(SILENT)
            self._wanted += 1

    def end(self) -> None:
        with self._lock:
            self._wanted -= 1
            if self._wanted == 0:
                _log.setLogLevel(self._level)


_silence = _Silence()


@contextmanager
def quiet() -> Iterator[None]:
    """Stop OpenCV and its FFmpeg from writing to stderr; failures become exceptions."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # read when FFmpeg is first used
    _silence.begin()
    try:
        yield
    finally:
        _silence.end()
