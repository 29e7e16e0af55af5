"""Videos with an end: files, and URLs of files."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from lmk.system.errors import SourceError
from lmk.system.text import writable
from lmk.video.sources.address import Address
from lmk.video.sources.base import Frame, Source
from lmk.video.sources.capture import Capture
from lmk.video.sources.place import place_of
from lmk.video.sources.timeline import Timeline

REMEDY = "expected a complete, non-empty video that FFmpeg can decode"


def open_video(path: Path) -> Source:
    """Open a video file. Raises SourceError."""
    dropped: Counter[str] = Counter()
    title = writable(str(path))
    address = Address(place_of(path), f"video {title}", REMEDY, patience_s=math.inf)
    return Recording(Capture(address, dropped), title, dropped)


class Recording(Source):
    """Every frame that can be decoded, with the container's time.

    OpenCV scales all frames to the size of the first.
    """

    live = False
    still = False

    def __init__(self, capture: Capture, title: str, dropped: Counter[str]) -> None:
        self._capture, self.title, self.dropped = capture, title, dropped
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

    def close(self) -> None:
        """Release the file, as soon as the current read ends."""
        self._capture.close()
