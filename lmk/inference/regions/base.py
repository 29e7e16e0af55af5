"""The interface of the regions, which find objects in a frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from lmk.arrays import FloatArray, Image
from lmk.inference.boxes import upright
from lmk.inference.rounds import Search
from lmk.model.framing import Framing

Find = Callable[[Image], FloatArray]
"""uint8 BGR (H, W, 3) to boxes float32 (N, 4), x, y, width, height in image pixels, or (N, 5)."""


class Finder(Protocol):
    """Finds objects; any thread may call it.

    pause_s: seconds after a search that found nothing, before another one is worth its time.
    """

    @property
    def pause_s(self) -> float:
        """See above."""

    def search(self, image_bgr: Image, framing: Framing | None) -> Search[FloatArray]:
        """Boxes (N, 5) of the crops of a frame, for a model with this framing."""


@dataclass(frozen=True)
class Detector:
    """A finder that needs no landmarks.

    exact: whether its boxes are already the crops, as those that a person gives. Otherwise they
    come from a detector, and the model's framing turns them into crops.
    """

    find: Find
    exact: bool
    pause_s: float = 0.0

    def search(self, image_bgr: Image, framing: Framing | None) -> Search[FloatArray]:
        """See `Finder.search`."""
        yield from ()  # it asks for no landmarks
        found = self.find(image_bgr)
        if not self.exact and framing is not None:
            found = framing.boxes_round_found(found[:, :4])
        return upright(found) if found.shape[1] == 4 else found
