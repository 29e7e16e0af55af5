"""An OpenCV capture that skips damaged frames, and that another thread may close."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter

import numpy as np

from lmk.arrays import Image
from lmk.data.decode import MAX_PIXELS
from lmk.system.errors import SourceError
from lmk.system.opencv import cv2, quiet
from lmk.system.progress import Reporter
from lmk.video.sources.address import OPEN_TIMEOUT_S, Address
from lmk.video.sources.square_pixels import square_size
from lmk.video.sources.timeline import MAX_FPS, MIN_FPS

# OpenCV says of a damaged frame what it says of the end. Trying on at the end takes 20 us a time.
MAX_DAMAGED = 1000
DAMAGED = "damaged"


class Capture:
    """An open capture with its first frame read.

    fps and frame_count: as the container or camera states, None if it does not. position_s: the
    container's timestamp of the last frame. silent: whether the last `read` timed out. Damaged
    frames are counted in `dropped`. Frames of pixels that are not square are enlarged in one
    direction, so that objects have their true shape, and `report` is told. Raises SourceError for
    an address that cannot be opened or delivers no frame, or frames of more than 90 million pixels.
    """

    def __init__(
        self, address: Address, dropped: Counter[str], report: Reporter | None = None
    ) -> None:
        self._dropped, self._closed = dropped, threading.Event()
        self._lock = threading.RLock()  # a signal's handler may close it within a read
        self._patience_s, self.position_s, self.silent = address.patience_s, 0.0, False
        with quiet():
            self._capture = _open(address)
            try:
                first = self._read_first(address)
            except SourceError:
                self.close()
                raise
            rate = self._capture.get(cv2.CAP_PROP_FPS)
            count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
            self.size_wh = square_size(self._capture, (first.shape[1], first.shape[0]))
        self._first: Image | None = first
        self.fps: float | None = rate if MIN_FPS <= rate <= MAX_FPS else None
        self.frame_count = int(count) if 0 < count < math.inf else None
        self._stretched = self.size_wh != (first.shape[1], first.shape[0])
        if self._stretched and report:
            width, height = self.size_wh
            report.say(
                f"{address.title} has pixels that are not square: its frames are enlarged to "
                f"{width} x {height}"
            )

    def read(self) -> Image | None:
        """Read the next frame, uint8 BGR (H, W, 3). None at the end, after a timeout or close."""
        image, self._first = self._first, None
        if image is None or self._closed.is_set():
            image = self._read_on(self._patience_s)
        if image is None:
            return None
        if self._stretched:
            image = np.asarray(cv2.resize(image, self.size_wh), np.uint8)
        return _bgr(image)

    def close(self) -> None:
        """Release it as soon as a read in another thread ends."""
        self._closed.set()
        with self._lock:
            self._capture.release()

    def _read_first(self, address: Address) -> Image:
        """Read the first frame, for which some cameras take seconds. Raises SourceError."""
        width, height = self._size()
        if width * height > MAX_PIXELS:
            raise SourceError(
                f"{address.title} has frames of {width} x {height} pixels: expected at most "
                f"{MAX_PIXELS:,}. Shrink it first"
            )
        opened = self._capture.isOpened()
        first = self._read_on(max(self._patience_s, OPEN_TIMEOUT_S)) if opened else None
        if first is None:
            reason = "opens but delivers no frame" if opened else "cannot be opened"
            raise SourceError(f"{address.title} {reason}: {address.remedy}")
        height = self._size()[1]
        if not _is_bgr_or_grey(first, height):
            raise SourceError(
                f"{address.title} delivers arrays {first.shape} for frames {height} high: "
                "expected BGR or grey ones. End a pipeline with  ! videoconvert ! "
                "video/x-raw,format=BGR ! appsink"
            )
        return first

    def _size(self) -> tuple[int, int]:
        """Width and height as stated, 0 if unknown."""
        sides = (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
        width, height = (max(round(self._capture.get(side)), 0) for side in sides)
        return width, height

    def _read_on(self, patience_s: float) -> Image | None:
        """Read past damaged frames."""
        start = time.perf_counter()
        for damaged in range(MAX_DAMAGED):
            image = self._try()
            if image is not None:
                if damaged:
                    self._dropped[DAMAGED] += damaged
                return image
            self.silent = time.perf_counter() - start >= patience_s
            if self.silent or self._closed.is_set():
                break
        return None

    def _try(self) -> Image | None:
        with self._lock, quiet():
            if self._closed.is_set():  # what is released may not be read
                return None
            try:
                good, image = self._capture.read()
            except cv2.error:
                return None
            if not good or image is None:
                return None
            self.position_s = float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000
        return np.asarray(image, np.uint8)


def _open(address: Address) -> cv2.VideoCapture:
    try:
        return cv2.VideoCapture(address.place, address.api, list(address.parameters))
    except cv2.error:  # some of its video libraries raise where others report
        return cv2.VideoCapture()


def _is_bgr_or_grey(image: Image, height: int) -> bool:
    """Whether a frame is BGR or grey, and not another raw format that OpenCV passes from GStreamer.

    Those have two or four channels, or one channel with planes below one another: more rows than
    the `height` of the capture, which is 0 if unknown.
    """
    channels = 1 if image.ndim == 2 else image.shape[2]
    return channels == 3 or (channels == 1 and not 0 < height < len(image))


def _bgr(image: Image) -> Image:
    """Convert grey frames, which GStreamer and some cameras deliver, to three channels."""
    if image.ndim == 2 or image.shape[2] == 1:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), np.uint8)
    return image
