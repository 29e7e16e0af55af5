"""Where frames come from: pictures, video files, cameras and streams."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lmk.data.decode import read_image
from lmk.data.images import STILL_SUFFIXES, list_images
from lmk.errors import DataError, SourceError, UsageError
from lmk.runtime.crops import Image
from lmk.runtime.opencv import cv2, quiet
from lmk.runtime.sources.base import Frame, Source

MAX_FPS = 1000.0  # streams without a rate of their own report the clock of their packets: 90000


def open_source(text: str) -> Source:
    """Open `webcam` or `webcam:1`, an image, a folder of images, a video file or a stream URL.

    Raises UsageError for a camera that is no number, and SourceError for what cannot be opened or
    holds no frame.
    """
    if text == "webcam" or text.startswith("webcam:"):
        return _open_camera(text)
    if "://" in text:
        shown = re.sub(r"://[^/@]*@", "://", text)  # a password stays out of messages
        remedy = "check the address, and that the stream is being sent"
        return _CaptureSource(text, f"stream {shown}", remedy, live=True)
    path = Path(text)
    if path.is_dir():
        return _open_folder(path)
    if not path.is_file():
        raise SourceError(
            f"no file or folder at {text}: expected an image, a folder of images, a video, "
            "a stream URL or webcam"
        )
    if path.suffix.lower() in STILL_SUFFIXES:
        return _PictureSource([path], path.parent)
    remedy = "expected a video that FFmpeg can decode, whole and not empty"
    return _CaptureSource(text, f"video {text}", remedy, live=False)


def _open_camera(text: str) -> Source:
    number = text.partition(":")[2] or "0"
    if not number.isdecimal():
        raise UsageError(f"expected webcam or webcam:NUMBER, got {text}")
    remedy = "plug it in, close other programs that use it, or choose another as webcam:NUMBER"
    return _CaptureSource(int(number), f"camera {number}", remedy, live=True)


def _open_folder(folder: Path) -> Source:
    try:
        return _PictureSource(list_images(folder, STILL_SUFFIXES), folder)
    except DataError as error:
        raise SourceError(str(error)) from error


class _PictureSource(Source):
    fps = None
    live = False
    still = True

    def __init__(self, paths: list[Path], folder: Path) -> None:
        self._paths, self._folder = paths, folder
        self.frame_count: int | None = len(paths)
        self.title = str(folder if len(paths) > 1 else paths[0])
        self._first = _read_picture(paths[0])
        self.size_wh = _size_wh(self._first)

    def __iter__(self) -> Iterator[Frame]:
        for index, path in enumerate(self._paths):
            image = self._first if index == 0 else _read_picture(path)
            yield Frame(index, 0.0, image, path.relative_to(self._folder).as_posix())

    def close(self) -> None:
        pass  # nothing stays open between two pictures


class _CaptureSource(Source):
    still = False

    def __init__(self, address: str | int, title: str, remedy: str, live: bool) -> None:
        self.live, self.title = live, title
        with quiet():
            self._capture = _open_capture(address)
            opened = self._capture.isOpened()
            first = self._read()
        if first is None:
            self.close()
            reason = "opens but gives no frame" if opened else "cannot be opened"
            raise SourceError(f"{title} {reason}: {remedy}")
        self._first, self.size_wh = first, _size_wh(first)
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps: float | None = rate if 0 < rate <= MAX_FPS else None
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.frame_count = int(count) if not live and 0 < count < math.inf else None

    def __iter__(self) -> Iterator[Frame]:
        image: Image | None = self._first
        start, last, index = self._now(), 0.0, 0
        while image is not None:
            yield Frame(index, last, image)
            image, time_s, index = self._read(), self._now() - start, index + 1
            # Containers without timestamps, or with broken ones, go by their rate.
            last = time_s if time_s > last else last + 1 / (self.fps or MAX_FPS)

    def close(self) -> None:
        self._capture.release()

    def _now(self) -> float:
        """The clock for a live source, else the container's timestamp of the frame just read."""
        if self.live:
            return time.monotonic()
        return float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000

    def _read(self) -> Image | None:
        try:
            good, image = self._capture.read()
        except cv2.error:
            return None
        return np.asarray(image, np.uint8) if good and image is not None else None


def _open_capture(address: str | int) -> cv2.VideoCapture:
    try:
        return cv2.VideoCapture(address)
    except cv2.error:  # some of its video libraries raise where others report
        return cv2.VideoCapture()


def _read_picture(path: Path) -> Image:
    try:
        return np.ascontiguousarray(read_image(path)[:, :, ::-1])
    except DataError as error:
        raise SourceError(f"{error}: expected a whole image of a common format") from error


def _size_wh(image: Image) -> tuple[int, int]:
    return image.shape[1], image.shape[0]
