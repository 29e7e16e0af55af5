"""H.264 in fragmented MP4: the file on the disk can be played, however the writing ended."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np

from lmk.arrays import Image
from lmk.system.errors import OutputError, UnavailableError, missing_extra
from lmk.system.opencv import cv2
from lmk.video.sinks.base import REMEDY

try:
    import av
except ImportError as missing:
    raise missing_extra("av", "run") from missing

if TYPE_CHECKING:
    from av.video.stream import VideoStream

CODEC = "libx264"  # its files play in every browser
# At 1080p the fastest preset takes the CPU time of OpenCV's mp4v, in a third of the room.
ENCODING = {"preset": "ultrafast", "crf": "23", "g": "60"}
FRAGMENT_US = 1_000_000  # a crash costs as much
FRAGMENTED = {
    "movflags": "frag_keyframe+empty_moov+default_base_moof",
    "frag_duration": str(FRAGMENT_US),
}
TICKS = 90_000  # per second, as in MPEG streams: fine enough for any camera's clock
DEFAULT_FPS = 30.0
FAILURES = (OSError, av.FFmpegError)
# Matrix of BT.601 with the range of television, which is what OpenCV's conversion gives; primaries
# and curve of sRGB. Without these players guess by the size of the picture.
COLOR = {"colorspace": 6, "color_range": 1, "color_primaries": 1, "color_trc": 13}


class Mp4:
    """A video that is being written, with the given times of its frames.

    path: made, or replaced, at the first frame. All other frames are resized to the size of the
    first; odd sizes grow by a repeated column or row. fps: sets how long the last frame is shown. A
    full disk ends the file after its last complete fragment. Raises OutputError, and
    UnavailableError without PyAV or its H.264 encoder.
    """

    def __init__(self, path: Path, fps: float | None = None) -> None:
        _check_encoder()
        self.path = path
        self._fps = fps or DEFAULT_FPS
        self._file: BinaryIO | None = None
        self._start_s, self._last = 0.0, -1  # the last frame's time in ticks

    def add(self, image_bgr: Image, time_s: float) -> None:
        """Append a frame, uint8 BGR (H, W, 3).

        A time that does not increase counts as just after the last one.
        """
        try:
            if self._file is None:
                self._open(image_bgr, time_s)
            self._last = max(round((time_s - self._start_s) * TICKS), self._last + 1)
            self._encode(self._frame(image_bgr, self._last))
        except FAILURES as error:
            raise self._ended_early(error) from error

    def close(self) -> None:
        """Write what is left in the encoder. Without a frame no file is made."""
        if self._file is None:
            return
        try:
            self._encode(None)
            self._container.close()
            self._file.close()
        except FAILURES as error:
            raise self._ended_early(error) from error
        self._file = None

    def _open(self, first: Image, time_s: float) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("wb", buffering=0)
        self._container = av.open(self._file, "w", format="mp4", options=FRAGMENTED)
        rate = Fraction(self._fps).limit_denominator(1001)
        stream = cast("VideoStream", self._container.add_stream(CODEC, rate, options=ENCODING))
        height, width = first.shape[:2]
        stream.width, stream.height = width + width % 2, height + height % 2
        stream.pix_fmt = "yuv420p"
        context: Any = stream.codec_context
        context.time_base = Fraction(1, TICKS)
        for name, value in COLOR.items():
            setattr(context, name, value)
        try:
            context.open()
        except av.FFmpegError as error:
            self._file.close()
            self.path.unlink()
            raise OutputError(
                f"cannot write {self.path}: H.264 does not support frames of {width} x {height} "
                "pixels. Choose a smaller source"
            ) from error
        self._stream, self._start_s = stream, time_s

    def _frame(self, image_bgr: Image, ticks: int) -> av.VideoFrame:
        size_wh = self._stream.width, self._stream.height
        if image_bgr.shape[1::-1] != size_wh:
            image_bgr = _fit(image_bgr, size_wh)
        planes = cv2.cvtColor(image_bgr, cv2.COLOR_BGR2YUV_I420)
        frame = av.VideoFrame.from_ndarray(np.asarray(planes, np.uint8), format="yuv420p")
        frame.pts, frame.time_base = ticks, Fraction(1, TICKS)
        return frame

    def _encode(self, frame: av.VideoFrame | None) -> None:
        for packet in self._stream.encode(frame):
            self._container.mux(packet)

    def _ended_early(self, error: Exception) -> OutputError:
        """Cut the file after its last complete fragment, and report how many frames it has."""
        code = getattr(error, "errno", 0)
        reason = os.strerror(code) if code in errno.errorcode else str(error)
        if self._file is None:
            return OutputError(f"cannot write {self.path}: {reason}. {REMEDY}")
        with suppress(*FAILURES):
            self._container.close()  # its last words do not fit either, and are cut off
        self._file.close()
        self._file = None
        try:
            kept = _keep_whole_fragments(self.path)
        except OSError:  # gone, with its disk
            kept = 0
        if not kept:
            with suppress(OSError):
                self.path.unlink()
            return OutputError(f"cannot write {self.path}: {reason}. {REMEDY}")
        return OutputError(f"{self.path} ends early, after {kept} frames: {reason}. {REMEDY}")


def _check_encoder() -> None:
    if CODEC not in av.codecs_available:
        raise UnavailableError(
            f"this PyAV has no {CODEC}, which MP4 files need: run  "
            "pip install --force-reinstall --only-binary :all: av"
        )


def _fit(image: Image, size_wh: tuple[int, int]) -> Image:
    """Repeat the last column and row of an odd frame; resize a frame of another size."""
    width, height = image.shape[1::-1]
    right, bottom = size_wh[0] - width, size_wh[1] - height
    if right in (0, 1) and bottom in (0, 1):
        fitted = cv2.copyMakeBorder(image, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
    else:
        fitted = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)
    return np.asarray(fitted, np.uint8)


def _keep_whole_fragments(path: Path) -> int:
    """Cut a fragmented MP4 after its last complete `mdat` box, and return how many frames remain.

    Boxes, ISO/IEC 14496-12 section 4.2: 32 bits of size in bytes, four letters, content.
    """
    end = place = 0
    total = path.stat().st_size
    with path.open("r+b") as file:
        while place + 8 <= total:
            file.seek(place)
            header = file.read(8)
            place += max(int.from_bytes(header[:4], "big"), 8)
            if place <= total and header[4:] in (b"moov", b"mdat"):
                end = place
        file.truncate(end)
    try:
        with av.open(path) as video:
            return sum(packet.size > 0 for packet in video.demux(video=0))
    except FAILURES:  # not even the head is there
        return 0
