"""Find objects by their landmarks, without a detector.

The model itself looks into square boxes over the frame. Where there is an object, its landmarks
have high scores, also if it is only partly in the box or of another size. The boxes with the
highest scores move to where their landmarks lead, twice. Those that then have the score and the
shape of objects in training are objects.
"""

from __future__ import annotations

import numpy as np

from lmk.arrays import FloatArray, Image
from lmk.inference.boxes import SAME, apart
from lmk.inference.rounds import Search
from lmk.model.framing import Framing
from lmk.system.errors import UsageError

# Found by measurement, see benchmarks/finding.py: a grid four times as dense finds no more.
LARGEST, SMALLEST = 0.95, 0.14  # sides of the boxes, as shares of the frame's shorter side
SHRINK = 2.0  # a side by the next smaller one
APART = 0.8  # of neighbouring boxes, in sides
FOLLOWED, ROUNDS = 16, 2  # the boxes that move, and how often
LARGEST_MISFIT = 2.0  # of the framing's spread


class LandmarkSearch:
    """A finder for every model with a framing."""

    def search(self, image_bgr: Image, framing: Framing | None) -> Search[FloatArray]:
        """See `Finder.search`. Raises UsageError for a model without framing."""
        if framing is None:
            raise UsageError(
                "--region landmarks: this model has no framing, which needs at least two "
                "landmarks. Train or export it again, or choose another --region"
            )
        boxes, scores, misfit_px = yield from candidates(image_bgr, framing)
        found = (scores >= framing.least_score) & (misfit_px <= LARGEST_MISFIT * framing.spread_px)
        boxes, scores = boxes[found], scores[found]
        return boxes[apart(boxes, np.argsort(-scores), SAME)]


def candidates(
    image_bgr: Image, framing: Framing
) -> Search[tuple[FloatArray, FloatArray, FloatArray]]:
    """The boxes (N, 4) that look most like an object, their scores (N,) and misfits in px (N,)."""
    height, width = image_bgr.shape[:2]
    boxes = grid(width, height)
    for _ in range(ROUNDS):
        xy, scores = yield boxes
        boxes = framing.fit(xy, scores)[0]
        boxes = boxes[apart(boxes, np.argsort(-scores.mean(1)), SAME, FOLLOWED)]
        boxes = boxes[boxes[:, 2] <= 2 * max(height, width)]  # of landmarks far apart
    xy, scores = yield boxes
    boxes, misfit_px = framing.fit(xy, scores)
    return boxes, scores.mean(1), misfit_px


def grid(width: int, height: int) -> FloatArray:
    """Square boxes (N, 4) over a frame, of several sides, each evenly spread."""
    shorter, boxes = min(width, height), []
    side = LARGEST * shorter
    while side >= SMALLEST * shorter:
        x, y = (_evenly(length - side, APART * side) for length in (width, height))
        corners = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
        boxes.append(np.c_[corners, np.full_like(corners, side)])
        side /= SHRINK
    return np.concatenate(boxes).astype(np.float32)


def _evenly(room: float, apart: float) -> FloatArray:
    """Places from 0 to `room`, at most so far apart."""
    return np.linspace(0, room, int(np.ceil(room / apart)) + 1, dtype=np.float32)
