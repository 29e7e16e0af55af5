"""Videos with an end: files, and URLs of files."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from lmk.system.errors import SourceError
from lmk.system.opencv import cv2
from lmk.system.progress import Reporter
from lmk.system.text import writable
from lmk.video.sources.address import Address
from lmk.video.sources.base import Frame, Source
from lmk.video.sources.capture import DAMAGED, Capture
from lmk.video.sources.place import place_of
from lmk.video.sources.timeline import Timeline

REMEDY = "expected a complete, non-empty video that FFmpeg can decode"

HEAD_BYTES = 4096
TOLERANCE_FRAMES = 2  # healthy files may have one frame less than they state


def open_video(path: Path, report: Reporter | None = None) -> Source:
    """Open a video file. `report` is warned if it ends early. Raises SourceError."""
    if not path.is_file():
        raise SourceError(
            f"{path} is a device or a pipe: expected a regular file. For frames of another program "
            f"use standard input, as in  ffmpeg -i {path} -f mjpeg - | lmk run -"
        )
    if _names_others(path):
        raise SourceError(
            f"{path} is a list of other files, or an address: expected a video. Give what it names"
        )
    dropped: Counter[str] = Counter()
    title = writable(str(path))
    address = Address(place_of(path), f"video {title}", REMEDY, patience_s=math.inf)
    return Recording(address, Capture(address, dropped, report), title, dropped, report)


def _names_others(path: Path) -> bool:
    """Whether FFmpeg would read other files, which a list of HLS, DASH, concat or SDP names."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES).lstrip(b"\xef\xbb\xbf \t\r\n")
    return head.startswith((b"#EXTM3U", b"ffconcat", b"v=0")) or b"<MPD" in head


class Recording(Source):
    """Every frame that can be decoded, with the container's time.

    OpenCV scales all frames to the size of the first. Pixels that are not square are made square,
    and coordinates are in the frames that result. `report` is warned if clearly fewer frames
    came than the container states, as of a truncated file.
    """

    live = False
    still = False

    def __init__(
        self,
        address: Address,
        capture: Capture,
        title: str,
        dropped: Counter[str],
        report: Reporter | None,
    ) -> None:
        self._address, self._capture, self._report = address, capture, report
        self._closed = False
        self.title, self.dropped = title, dropped
        self.fps, self.size_wh = capture.fps, capture.size_wh
        self.frame_count = capture.frame_count

    def __iter__(self) -> Iterator[Frame]:
        timeline = Timeline(self._capture.position_s, self.fps)
        index, time_s = 0, 0.0
        while (image := self._capture.read()) is not None:
            if index > 0:
                time_s = timeline.time_s(self._capture.position_s)
            yield Frame(index, time_s, image)
            index += 1
        if self._capture.silent:
            raise SourceError(f"{self.title} stopped after {time_s:.1f} s: no more frames arrive")
        if not self._closed:
            self._warn_if_cut(index)

    def close(self) -> None:
        """Release the file, as soon as the current read ends."""
        self._closed = True
        self._capture.close()

    def _warn_if_cut(self, frames: int) -> None:
        """Compare the end with the container's statements, which pipelines do not have."""
        count, fps, address = self.frame_count, self.fps, self._address
        read = frames + self.dropped[DAMAGED]
        if not (self._report and count and fps and address.api != cv2.CAP_GSTREAMER):
            return
        if count - read <= TOLERANCE_FRAMES:
            return
        from lmk.video.sources.ending import frames_if_cut  # PyAV takes long to import

        last_s = self._capture.position_s
        if whole := frames_if_cut(str(address.place), count, read, last_s, fps):
            self._report.warn(
                f"{self.title} ended after {frames} of {whole} frames: the rest is missing or "
                "damaged. Copy or download it again"
            )
