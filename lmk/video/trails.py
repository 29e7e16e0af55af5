"""The places of landmarks in the last frames."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from lmk.arrays import FloatArray, Image
from lmk.drawing.draw import SUBPIXEL_BITS, landmark_color, subpixel
from lmk.system.opencv import cv2
from lmk.video.result import Objects

FRAMES = 30
BANDS = 3  # a trail grows thicker in so many steps from its end to the landmark

Key = tuple[str, int]  # model, number of the object


class Trails:
    """The last places of what is drawn of every current object, per source."""

    def __init__(self) -> None:
        self._places: dict[str, dict[Key, deque[FloatArray]]] = {}
        self._frames: dict[str, int] = {}

    def follow(self, source: str, frame: int, objects: Sequence[Objects]) -> None:
        """Add a frame's landmarks and remove lost objects; a repeated frame changes nothing."""
        if self._frames.get(source) == frame:
            return
        self._frames[source] = frame
        before = self._places.get(source, {})
        now: dict[Key, deque[FloatArray]] = {}
        for found in objects:
            for number, xy in zip(found.ids.tolist(), found.places.xy, strict=True):
                key = found.model, number
                now[key] = before.get(key, deque(maxlen=FRAMES))
                now[key].append(xy)
        self._places[source] = now

    def of(self, source: str, model: str, number: int) -> FloatArray:
        """Return an object's landmarks or points, oldest first, (T, L, 2) in image pixels."""
        return np.stack(list(self._places[source][model, number]))


def draw_trails(image: Image, xy: FloatArray, radius: float) -> None:
    """Draw the trails of an object's landmarks (T, K, 2), thinner with age."""
    points = np.ascontiguousarray(subpixel(xy).transpose(1, 0, 2))
    bands = np.array_split(np.arange(len(xy)), BANDS)
    for index, path in enumerate(points):
        for step, band in enumerate(bands, start=1):
            if len(band) == 0 or band[-1] == 0:
                continue
            joined = path[max(band[0] - 1, 0) : band[-1] + 1]  # from the band before, no gap
            width = max(round(radius * 0.7 * step / BANDS), 1)
            cv2.polylines(
                image, [joined], False, landmark_color(index), width, cv2.LINE_AA, SUBPIXEL_BITS
            )
