"""Results as an MP4."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lmk.arrays import Image
from lmk.system.files import check_file
from lmk.video.result import Result
from lmk.video.sinks.base import Sink
from lmk.video.sinks.mp4 import Mp4

WAITING = 2  # frames that wait for the encoder; more would take memory and save no time


@contextmanager
def video_sink(path: Path, fps: float | None = None) -> Iterator[Sink]:
    """Write an MP4 with the times of the source's frames, also where its rate varies.

    fps: the source's rate, if it has one. Encodes in a separate thread, in parallel with the search
    for the next frame's landmarks; no frame is dropped. The file replaces an earlier one at the
    first frame. At any time it can be played up to its last second, so that a crash or a full disk
    keeps the recording. Raises OutputError, and UnavailableError without PyAV.
    """
    check_file(path)
    sink = _VideoSink(Mp4(path, fps))
    try:
        yield sink
    finally:
        sink.close()


class _VideoSink:
    draws = True

    def __init__(self, video: Mp4) -> None:
        self._video = video
        self._frames = queue.Queue[tuple[Image, float] | None](maxsize=WAITING)
        self._thread = threading.Thread(target=self._encode, daemon=True)
        self._error: Exception | None = None
        self.started = False

    def write(self, result: Result) -> None:
        if not self.started:
            self.started = True
            self._thread.start()
        self._frames.put((result.drawn_bgr, result.frame.time_s))
        self._raise_once()

    def close(self) -> None:
        if self.started:
            self._frames.put(None)
            self._thread.join()
            self._raise_once()

    def _raise_once(self) -> None:
        error, self._error = self._error, None
        if error:
            raise error

    def _encode(self) -> None:
        frames = iter(self._frames.get, None)
        try:
            for image, time_s in frames:
                self._video.add(image, time_s)
            self._video.close()
        except Exception as error:  # raised where the next frame is written
            self._error = error
            for _ in frames:  # so that nobody waits for room in the queue
                pass
