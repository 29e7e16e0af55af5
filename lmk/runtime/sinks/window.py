"""Results in a window."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from lmk.progress import Reporter
from lmk.runtime.opencv import cv2
from lmk.runtime.result import Result
from lmk.runtime.sinks.base import Sink
from lmk.runtime.sources.base import Source

QUIT_KEYS = (ord("q"), 27)


class _WindowSink:
    draws = True

    def __init__(self, title: str, wait_ms: int, stop: threading.Event) -> None:
        self._title, self._wait_ms, self._stop = title, wait_ms, stop

    def write(self, result: Result) -> None:
        cv2.imshow(self._title, result.drawn_bgr)
        key = cv2.waitKey(self._wait_ms) & 0xFF
        closed = cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1
        if key in QUIT_KEYS or closed:
            self._stop.set()


@contextmanager
def window_sink(
    title: str, source: Source, stop: threading.Event, report: Reporter
) -> Iterator[Sink | None]:
    """Show results in a window; q, Esc or closing it sets `stop`. A picture waits for a key.

    Without a display it says so once and gives None.
    """
    if not _open_window(title):
        report.warn("no display was found, so nothing is shown (--no-show says that this is meant)")
        yield None
        return
    try:
        yield _WindowSink(title, 0 if source.still else 1, stop)
    finally:
        cv2.destroyAllWindows()


def _open_window(title: str) -> bool:
    # Without an X display OpenCV's window library ends the whole process, so ask first.
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        return False
    try:
        cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
    except cv2.error:  # OpenCV was built without windows
        return False
    return True
