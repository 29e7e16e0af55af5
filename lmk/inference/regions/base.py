"""What finds objects in a frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lmk.arrays import FloatArray, Image
from lmk.model.framing import Framing

Find = Callable[[Image], FloatArray]
"""uint8 BGR (H, W, 3) to boxes float32 (N, 4), x, y, width, height in image pixels."""


@dataclass(frozen=True)
class Finder:
    """Finds objects.

    `exact` says that its boxes are the crops to use, as a person names them; otherwise they are a
    detector's, and a model's framing turns them into crops.
    """

    find: Find
    exact: bool

    def crop_boxes(self, image_bgr: Image, framing: Framing | None) -> FloatArray:
        """Boxes (N, 4) of the crops to cut out of a frame for a model that frames objects so."""
        found = self.find(image_bgr)
        return found if self.exact or framing is None else framing.boxes_round_found(found)
