"""Cameras and containers that are not there, in place of OpenCV's captures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest


class FakeCapture:
    """Gives `images`, in order, None for one that is damaged, at `times_ms`."""

    def __init__(
        self,
        images: list[np.ndarray | None],
        times_ms: list[float] | None = None,
        fps: float = 20.0,
        frame_count: float = -1.0,
        opens: bool = True,
        height: float = 0.0,
    ) -> None:
        self.images, self.times, self.opens = images, times_ms or [0.0] * len(images), opens
        self.values = {cv2.CAP_PROP_FPS: fps, cv2.CAP_PROP_FRAME_COUNT: frame_count}
        self.values[cv2.CAP_PROP_FRAME_HEIGHT] = height
        self.at, self.released = -1, False

    def isOpened(self) -> bool:  # noqa: N802
        return self.opens

    def read(self) -> tuple[bool, np.ndarray | None]:
        assert not self.released
        self.at += 1
        image = self.images[self.at] if self.at < len(self.images) else None
        return image is not None, image

    def get(self, prop: int) -> float:
        return self.times[self.at] if prop == cv2.CAP_PROP_POS_MSEC else self.values.get(prop, 0.0)

    def release(self) -> None:
        self.released = True


class FakeDevices:
    """Opens one capture after another and remembers how it was asked."""

    def __init__(self, captures: list[FakeCapture]) -> None:
        self.captures, self.asked = captures, list[tuple[str | int, int]]()
        self.parameters = list[int]()

    def __call__(self, place: str | int, api: int, parameters: list[int]) -> FakeCapture:
        self.asked.append((place, api))
        self.parameters = parameters
        return self.captures[len(self.asked) - 1]


def grey(level: int, size_wh: tuple[int, int] = (6, 8)) -> np.ndarray:
    return np.full((size_wh[1], size_wh[0], 3), level, np.uint8)


def plug(monkeypatch: pytest.MonkeyPatch, *captures: FakeCapture) -> FakeDevices:
    """Let OpenCV open these, in order."""
    devices = FakeDevices(list(captures))
    monkeypatch.setattr(cv2, "VideoCapture", devices)
    return devices
