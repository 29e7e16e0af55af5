"""Read frames ahead, with one thread per source."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from dataclasses import dataclass

from lmk.video.sources.base import Frame, Source
from lmk.video.stages import Stages

CLOSE_S = 3.0  # the longest that a camera may take over its last frame
AHEAD = 2  # frames of a file that wait, decoded, for the model


@dataclass(frozen=True, eq=False)
class ReadFrame:
    """A frame, and when it was read, on the clock of time.monotonic()."""

    frame: Frame
    read_s: float


class Feed:
    """Reads a source in a thread.

    Of a live source it keeps only the newest frame, of a file every frame. `ready` is shared by the
    feeds of a run, and notified whenever one of them changes. Frames that the source could not
    read, and those that were replaced by newer ones, are counted in `stages`.
    """

    def __init__(self, source: Source, stages: Stages, ready: threading.Condition) -> None:
        self.source = source
        self.error: Exception | None = None
        self._stages, self._ready = stages, ready
        self._waiting: deque[ReadFrame] = deque()
        self._counted = Counter[str]()
        self._reading, self._closed = True, False
        self._thread = threading.Thread(target=self._read, daemon=True, name="reader")
        self._thread.start()

    @property
    def over(self) -> bool:
        """Whether there are no more frames."""
        return not self._reading and not self._waiting

    @property
    def waiting(self) -> bool:
        """Whether a frame is ready."""
        return bool(self._waiting)

    def take(self) -> ReadFrame:
        """Take the oldest waiting frame; `ready` must be held."""
        taken = self._waiting.popleft()
        self._ready.notify_all()
        return taken

    def close(self) -> None:
        """End the reading and close the source."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()
        self.source.close()
        self._thread.join(CLOSE_S)

    def _read(self) -> None:
        try:
            frames = iter(self.source)
            while not self._closed:
                start = time.perf_counter()
                frame = next(frames, None)
                self._count_dropped()
                if frame is None:
                    break
                if not self.source.live:  # reading a live source is waiting for it
                    self._stages.add("read", 1000 * (time.perf_counter() - start))
                self._give(ReadFrame(frame, time.monotonic()))
        except Exception as error:  # any error: the thread of the run raises it
            self.error = error
        finally:
            with self._ready:
                self._reading = False
                self._ready.notify_all()

    def _count_dropped(self) -> None:
        """Count the frames that the source has dropped since the last call."""
        news = self.source.dropped - self._counted
        for cause, count in news.items():
            self._stages.drop(cause, count)
        self._counted += news

    def _give(self, read: ReadFrame) -> None:
        with self._ready:
            if self.source.live:
                if self._waiting:
                    self._waiting.clear()
                    self._stages.drop("replaced by a newer frame")
            else:
                self._ready.wait_for(lambda: self._closed or len(self._waiting) < AHEAD)
            self._waiting.append(read)
            self._ready.notify_all()
