"""Cameras and streams, which are reopened whenever they are lost."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

from lmk.arrays import Image
from lmk.system.errors import SourceError
from lmk.system.progress import Reporter
from lmk.video.sources.address import Address
from lmk.video.sources.base import Frame, Source
from lmk.video.sources.capture import Capture
from lmk.video.sources.outages import Outages
from lmk.video.sources.timeline import Timeline

FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0


class LiveSource(Source):
    """Frames as they arrive, with the time of the clock, until it is closed.

    Indices and times continue after a loss, and the time of the loss counts; the size may change.
    """

    live = True
    still = False
    frame_count = None

    def __init__(
        self, address: Address, capture: Capture, dropped: Counter[str], report: Reporter | None
    ) -> None:
        self._address, self._capture, self._closed = address, capture, threading.Event()
        self._report = report
        self.title, self.dropped = address.title, dropped
        self.fps, self.size_wh = capture.fps, capture.size_wh

    def __iter__(self) -> Iterator[Frame]:
        self._outages = Outages(self.title, self._report)
        image = self._next()
        timeline = Timeline(time.monotonic(), self.fps)
        index, time_s = 0, 0.0
        while image is not None:
            yield Frame(index, time_s, image)
            image = self._next()
            index, time_s = index + 1, timeline.time_s(time.monotonic())

    def close(self) -> None:
        """End the iteration: a waiting read ends within 2 s, an attempt to open within 10 s."""
        self._closed.set()
        self._capture.close()

    def _next(self) -> Image | None:
        """Wait for the next frame, without limit; None once closed."""
        image = self._capture.read()
        while image is None and not self._closed.is_set():
            self._outages.begin("trying to reopen it")
            self._capture.close()
            self._reopen()
            image = self._capture.read()
        return image

    def _reopen(self) -> None:
        for wait_s in growing_waits():
            if self._closed.wait(wait_s):
                return
            with suppress(SourceError):
                self._capture = Capture(self._address, self.dropped)
                break
        if self._closed.is_set():  # closed before `close` knew the new capture
            self._capture.close()
        else:
            self._outages.end()


def growing_waits() -> Iterator[float]:
    """Yield seconds to wait before each attempt: doubling, up to half a minute, without end."""
    wait_s = FIRST_WAIT_S
    while True:
        yield wait_s
        wait_s = min(2 * wait_s, LONGEST_WAIT_S)
