"""Sources and sinks that tests make up."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator

import numpy as np

from lmk.system.errors import SourceError
from lmk.video.result import Result
from lmk.video.sources.base import Frame, Source


class Made(Source):
    """`count` grey frames of 90 x 60, 25 a second; sets `stop` or raises at one of them."""

    def __init__(
        self,
        count: int,
        live: bool = False,
        stop_at: int = -1,
        break_at: int = -1,
        title: str = "grey",
    ) -> None:
        super().__init__()
        self.title, self.fps, self.size_wh = title, 25.0, (90, 60)
        self.live, self.still, self.frame_count = live, False, None
        self.dropped = Counter[str]()
        self.count, self.stop_at, self.break_at = count, stop_at, break_at
        self.stop, self.given, self.closed = threading.Event(), 0, False

    def __iter__(self) -> Iterator[Frame]:
        for index in range(self.count):
            if index == self.break_at:
                raise SourceError(f"{self.title} vanished")
            if index == self.stop_at:
                self.stop.set()
            self.given += 1
            yield Frame(index, index / 25, np.full((60, 90, 3), 50, np.uint8))

    def close(self) -> None:
        self.closed = True


class Kept:
    """A sink that keeps what it gets, and sets an event at one of the frames."""

    draws = False

    def __init__(self, stop_after: int = -1, stop: threading.Event | None = None) -> None:
        self.results: list[Result] = []
        self._stop_after, self._stop = stop_after, stop

    def write(self, result: Result) -> None:
        self.results.append(result)
        if self._stop and len(self.results) == self._stop_after:
            self._stop.set()
