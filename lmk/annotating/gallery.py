"""The pictures of a session: by number, never by path."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np

from lmk.data.decode import read_image
from lmk.system.opencv import cv2

LONGEST_PX = 1600  # of what is shown; no screen needs more to place a point
QUALITY = 90
KEPT = 8  # encoded pictures: the last ones, and the next


@dataclass(frozen=True)
class Shown:
    """A picture as browsers get it, and its size in pixels, upright, as lmk reads it."""

    jpeg: bytes
    size_wh: tuple[int, int]


class Gallery:
    """Reads pictures when they are asked for, and keeps the last ones; any thread may ask."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._kept: OrderedDict[int, Shown] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._paths)

    def read(self, number: int) -> Shown:
        """Read a picture. Raises DataError for one that cannot be read, or is gone."""
        with self._lock:
            if number in self._kept:
                self._kept.move_to_end(number)
                return self._kept[number]
        shown = _shown(self._paths[number])
        with self._lock:
            self._kept[number] = shown
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return shown


def _shown(path: Path) -> Shown:
    image = read_image(path)
    height, width = image.shape[:2]
    scale = min(LONGEST_PX / max(width, height), 1)
    if scale < 1:
        small = max(round(width * scale), 1), max(round(height * scale), 1)
        image = np.asarray(cv2.resize(image, small, interpolation=cv2.INTER_AREA), np.uint8)
    jpeg = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
    return Shown(jpeg.tobytes(), (width, height))
