"""OpenCV as the runtime imports it: its absence is an error that names the remedy."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from lmk.errors import missing_extra

try:
    import cv2
except ImportError as error:
    raise missing_extra("opencv-python", "run") from error

__all__ = ["cv2", "quiet"]


@contextmanager
def quiet() -> Iterator[None]:
    """Keep OpenCV and its FFmpeg from writing to stderr; what fails is raised as an error."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # read when FFmpeg is first used
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)
