"""The newest result of every source, for viewers."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from lmk.arrays import Image
from lmk.drawing.draw import landmark_color
from lmk.system.opencv import cv2
from lmk.video.overlay import Overlay, OverlayOptions
from lmk.video.result import Objects, Result

WAIT_S = 10.0  # shorter than what proxies and browsers bear
MAX_WIDTH = 1920  # a wider picture is made smaller: no screen shows it, and it would take long
QUALITY = 80


@dataclass
class _Channel:
    """One source: its newest result, the result's number and time, and the JPEG of some result."""

    newest: Result
    number: int = 0
    came_s: float = 0.0
    jpeg: bytes = b""
    jpeg_number: int = 0


class Live:
    """Receives results in the pipeline's thread, serves pictures in the server's event loop.

    A request gets the newest picture, or waits for the next. The server keeps no state per viewer:
    a slow viewer skips frames. A result is drawn and encoded at its first request, once for all
    viewers.
    """

    def __init__(self, overlay: Overlay) -> None:
        self._overlay = overlay
        self._channels: dict[str, _Channel] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._came = asyncio.Event()
        self._waiting = 0
        self._closed = False
        self._lock = threading.Lock()

    def put(self, result: Result) -> None:
        """Replace a source's newest result. Called by the pipeline; never waits for a viewer."""
        with self._lock:
            channel = self._channels.get(result.source) or _Channel(result)
            channel.newest, channel.came_s = result, time.monotonic()
            channel.number += 1
            self._channels[result.source] = channel
        self._wake()

    @property
    def options(self) -> OverlayOptions:
        """What is drawn besides the landmarks."""
        return self._overlay.options

    def toggle(self, option: str) -> None:
        """Turn one part of the drawing on or off, also in the current pictures."""
        self._overlay.toggle(option)
        with self._lock:
            for channel in self._channels.values():
                channel.number += 1
        self._wake()

    def close(self) -> None:
        """End all waiting requests."""
        self._closed = True
        self._wake()

    async def picture(self, source: int, after: int) -> tuple[int, bytes] | None:
        """Return the number and the JPEG of the newest result of a source once it is not `after`.

        None after ten seconds without one, for an unknown source, and at the end.
        """
        self._loop = asyncio.get_running_loop()
        deadline = self._loop.time() + WAIT_S
        self._waiting += 1  # before the check for a result, so that `put` misses no viewer
        try:
            while not self._closed:
                channel = self._channel(source)
                if channel and channel.number != after:
                    return self._encoded(channel)
                await asyncio.wait_for(self._came.wait(), deadline - self._loop.time())
        except asyncio.TimeoutError:
            return None
        finally:
            self._waiting -= 1
        return None

    def sources(self) -> list[dict[str, Any]]:
        """Return the newest result of every source, as plain values."""
        with self._lock:  # `put` may replace `newest` at any time
            last = [(channel.newest, channel.came_s) for channel in self._channels.values()]
        now = time.monotonic()
        return [
            {
                "title": newest.source,
                "frame": newest.frame.index,
                "time_s": round(newest.frame.time_s, 3),
                "since_ms": round(1000 * (now - came_s)),
                "size_wh": newest.frame.image_bgr.shape[1::-1],
                "objects": [one for found in newest.objects for one in _plain(found)],
            }
            for newest, came_s in last
        ]

    def _wake(self) -> None:
        if self._waiting and self._loop:
            self._loop.call_soon_threadsafe(self._wake_here)

    def _wake_here(self) -> None:
        self._came.set()
        self._came = asyncio.Event()

    def _channel(self, source: int) -> _Channel | None:
        with self._lock:
            channels = list(self._channels.values())
        return channels[source] if 0 <= source < len(channels) else None

    def _encoded(self, channel: _Channel) -> tuple[int, bytes]:
        with self._lock:
            result, number = channel.newest, channel.number
        if channel.jpeg_number != number:
            drawn = _bounded(self._overlay(result.frame, result.objects, result.source))
            _, jpeg = cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
            channel.jpeg, channel.jpeg_number = jpeg.tobytes(), number
        return number, channel.jpeg


def colors(count: int) -> list[str]:
    """Return the landmarks' colours in CSS."""
    return ["#{2:02x}{1:02x}{0:02x}".format(*landmark_color(k)) for k in range(count)]


def _plain(found: Objects) -> list[dict[str, Any]]:
    xy, scores, opacity, names = found.places
    columns = np.stack([xy[..., 0], xy[..., 1], scores, opacity], axis=-1)
    return [
        {"model": found.model, "id": number, "names": names, "places": rows}
        for number, rows in zip(
            found.ids.tolist(), columns.astype(float).round(2).tolist(), strict=True
        )
    ]


def _bounded(image: Image) -> Image:
    height, width = image.shape[:2]
    if width <= MAX_WIDTH:
        return image
    size_wh = MAX_WIDTH, max(round(height * MAX_WIDTH / width), 1)
    return np.asarray(cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
