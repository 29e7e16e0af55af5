"""Frames that another program writes into standard input."""

from __future__ import annotations

import os
import re
import stat
import sys
import time
from collections import Counter
from collections.abc import Iterator

import numpy as np

from lmk.arrays import Image
from lmk.data.decode import MAX_PIXELS
from lmk.system.errors import SourceError, UsageError
from lmk.system.opencv import cv2, quiet
from lmk.system.progress import Reporter
from lmk.video.sources.base import Frame, Source
from lmk.video.sources.capture import DAMAGED
from lmk.video.sources.mjpeg import CUT_SHORT, pixel_count, split_jpegs
from lmk.video.sources.outages import Outages
from lmk.video.sources.pipe import TITLE, Pipe, PipeClosedError
from lmk.video.sources.timeline import MIN_FPS, Timeline

FORMAT = re.compile(
    r"-|stdin|stdin:(?:mjpeg|(?P<order>bgr24|rgb24):(?P<width>\d{1,5})x(?P<height>\d{1,5}))"
    r"(?:@(?P<fps>\d+(?:\.\d+)?))?"
)
TOO_LARGE = f"more than {MAX_PIXELS:,} pixels"
MAX_PIPED_FPS = 1e6  # slow motion, too
EXPECTED = "-, stdin:mjpeg@FPS or stdin:bgr24:WIDTHxHEIGHT[@FPS] (or rgb24)"


def open_standard_input(text: str, report: Reporter | None) -> Source:
    """Open standard input, of JPEGs one after another or of raw frames.

    JPEGs: `-`, `stdin` or `stdin:mjpeg@FPS`. Raw frames: `stdin:bgr24:WIDTHxHEIGHT[@FPS]`, or
    rgb24. With a rate it is a recording, and every frame is processed; without one it is live.
    Raises UsageError for another format and for raw frames of more than 90 million pixels, and
    SourceError for input without a frame.
    """
    parts = FORMAT.fullmatch(text)
    fps = float(parts["fps"] or 0) if parts else 0.0
    if parts is None or (parts["fps"] and not MIN_FPS <= fps <= MAX_PIPED_FPS):
        raise UsageError(f"expected {EXPECTED}, got {text}")
    size_wh = (int(parts["width"]), int(parts["height"])) if parts["order"] else None
    if size_wh and not 0 < size_wh[0] * size_wh[1] <= MAX_PIXELS:
        raise UsageError(f"expected frames of 1 to {MAX_PIXELS:,} pixels, got {text}")
    pipe, dropped = Pipe(_descriptor(live=not fps)), Counter[str]()
    if size_wh:
        images = _raw_images(pipe, size_wh, parts["order"] == "rgb24", dropped)
    else:
        images = _jpeg_images(pipe, dropped)
    return _StandardInput(pipe, images, fps or None, dropped, report)


def _descriptor(live: bool) -> int:
    try:
        descriptor = sys.stdin.fileno()
    except (AttributeError, OSError, ValueError) as error:
        raise SourceError(f"{TITLE} is closed: pipe frames into it") from error
    if os.isatty(descriptor):
        raise UsageError(
            f"{TITLE} is a terminal: pipe frames into it, as in ffmpeg ... | lmk run -"
        )
    if live and stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise UsageError(f"{TITLE} is a file: add its frame rate, as in stdin:mjpeg@25")
    return descriptor


class _StandardInput(Source):
    still = False
    frame_count = None
    title = TITLE

    def __init__(
        self,
        pipe: Pipe,
        images: Iterator[Image],
        fps: float | None,
        dropped: Counter[str],
        report: Reporter | None,
    ) -> None:
        self._pipe, self._images, self.dropped = pipe, images, dropped
        self.fps, self.live = fps, fps is None
        first = next(images, None)
        if first is None:
            raise SourceError(f"{TITLE} ends without a complete frame: expected {EXPECTED}")
        self._first: Image | None = first
        self.size_wh = (first.shape[1], first.shape[0])
        pipe.wait_for_ever(Outages(TITLE, report) if self.live else None)

    def __iter__(self) -> Iterator[Frame]:
        image, self._first = self._first, None
        timeline = Timeline(time.monotonic(), None)
        index, time_s = 0, 0.0
        while image is not None:
            yield Frame(index, time_s, image)
            image = self._next()
            index += 1
            time_s = index / self.fps if self.fps else timeline.time_s(time.monotonic())

    def close(self) -> None:
        self._pipe.close()

    def _next(self) -> Image | None:
        try:
            return next(self._images, None)
        except PipeClosedError:
            return None


def _jpeg_images(pipe: Pipe, dropped: Counter[str]) -> Iterator[Image]:
    for jpeg in split_jpegs(pipe.chunks(), dropped):
        fits = pixel_count(jpeg) <= MAX_PIXELS
        image = _decode(jpeg) if fits else None
        if image is None:
            dropped[DAMAGED if fits else TOO_LARGE] += 1
        else:
            yield image


def _decode(jpeg: bytes) -> Image | None:
    try:
        with quiet():
            image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None
    return None if image is None else np.asarray(image, np.uint8)


def _raw_images(
    pipe: Pipe, size_wh: tuple[int, int], is_rgb: bool, dropped: Counter[str]
) -> Iterator[Image]:
    width, height = size_wh
    while True:
        image = np.empty((height, width, 3), np.uint8)
        buffer, filled = image.reshape(-1).data, 0
        while filled < len(buffer) and (count := pipe.read_into(buffer[filled:])):
            filled += count
        if filled < len(buffer):
            dropped.update([CUT_SHORT] if filled else [])
            return
        yield np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2BGR)) if is_rgb else image
