"""Results as an MP4."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from lmk.errors import OutputError
from lmk.files import replacing
from lmk.runtime.crops import Image
from lmk.runtime.opencv import cv2, quiet
from lmk.runtime.result import Result
from lmk.runtime.sinks.base import REMEDY, Sink
from lmk.runtime.sources.base import Source

VIDEO_SUFFIX = ".mp4"
UNKNOWN_FPS = 30.0  # of a camera that does not tell; frames are repeated or dropped to keep time


class _VideoSink:
    draws = True

    def __init__(self, writer: cv2.VideoWriter, size_wh: tuple[int, int], pace: float) -> None:
        self._writer, self._size_wh, self._pace = writer, size_wh, pace
        self.count = 0

    def write(self, result: Result) -> None:
        image = result.drawn_bgr
        if image.shape[1::-1] != self._size_wh:
            image = _fit(image, self._size_wh)
        due = round(result.frame.time_s * self._pace) + 1 if self._pace else self.count + 1
        for _ in range(due - self.count):
            self._writer.write(image)
            self.count += 1


@contextmanager
def video_sink(path: Path, source: Source) -> Iterator[Sink]:
    """Write an MP4 at the source's frame rate, renamed to `path` when it is complete.

    A file's frames are written one for one; those of a live source are repeated or dropped, so
    that the video runs at the speed of the clock. Raises OutputError.
    """
    fps = source.fps or UNKNOWN_FPS
    width, height = source.size_wh
    size_wh = (width + width % 2, height + height % 2)  # the codec halves the colour planes
    with replacing(path) as temporary:
        with quiet():
            writer = cv2.VideoWriter(str(temporary), cv2.VideoWriter.fourcc(*"mp4v"), fps, size_wh)
        try:
            if not writer.isOpened():
                raise OutputError(f"cannot write {path}: the folder takes no video. {REMEDY}")
            sink = _VideoSink(writer, size_wh, fps if source.live else 0.0)
            yield sink
        finally:
            writer.release()
        _check_video(temporary, path, sink.count)


def _fit(image: Image, size_wh: tuple[int, int]) -> Image:
    """Repeat the last column and row of an odd frame; resize one of another size altogether."""
    width, height = image.shape[1::-1]
    right, bottom = size_wh[0] - width, size_wh[1] - height
    if right in (0, 1) and bottom in (0, 1):
        fitted = cv2.copyMakeBorder(image, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
    else:
        fitted = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)
    return np.asarray(fitted, np.uint8)


def _check_video(written: Path, path: Path, count: int) -> None:
    # OpenCV's writer reports no error, not even a full disk's; the file's index tells.
    with quiet():
        reader = cv2.VideoCapture(str(written))
    found = int(reader.get(cv2.CAP_PROP_FRAME_COUNT)) if reader.isOpened() else 0
    reader.release()
    if not count:
        raise OutputError(f"{path} was not written: the run ended before its first frame")
    if found != count:
        raise OutputError(f"cannot write {path}: {found} of {count} frames arrived. {REMEDY}")
