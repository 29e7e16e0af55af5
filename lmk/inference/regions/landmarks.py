"""Find objects by their landmarks, without a detector.

The model itself looks into square boxes over the frame. Where there is an object, its landmarks
have high scores, also if it is only partly in the box or of another size. The boxes with the
highest scores move to where their landmarks lead, twice. Those that then have the score and the
shape of objects in training are objects.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lmk.arrays import FloatArray, Image
from lmk.inference.boxes import SAME, apart
from lmk.inference.rounds import Search
from lmk.model.framing import Framing
from lmk.system.errors import UsageError

# Found by measurement, see benchmarks/finding.py: a grid four times as dense finds no more.
LARGEST = 0.95  # side of the largest boxes, as a share of the frame's shorter side
SMALLEST = 0.05  # that of the smallest ones at most: their number grows with its inverse square
SHRINK = 2.0  # a side by the next smaller one
APART = 0.8  # of neighbouring boxes, in sides
FOLLOWED, ROUNDS = 16, 2  # the boxes that move, and how often; also the most objects of a frame
LARGEST_MISFIT = 2.0  # of the framing's spread
MOST_AT_ONCE = 64
LEAST_PX = 16  # side of the smallest boxes: less shows no object


@dataclass(frozen=True)
class Finding:
    """What a search of a frame looks for.

    min_size: side of the smallest crops, as a share of the frame's shorter side, in [0.05, 1].
    threshold: the confidence from which on landmarks are an object, in (0, 1): the share of
    pictures without an object in which nothing is found. angles: by which objects may be turned, in
    degrees from x towards y; others within 30 degrees of these are found too. Raises UsageError,
    naming the options of `lmk run`.
    """

    min_size: float = 0.14
    threshold: float = 0.95
    angles: tuple[float, ...] = (0.0,)

    def __post_init__(self) -> None:
        if isinstance(self.angles, list):
            object.__setattr__(self, "angles", tuple(self.angles))
        if not (_is_number(self.min_size) and SMALLEST <= self.min_size <= 1):
            raise UsageError(
                f"--find-min-size {self.min_size}: expected a share of the frame's shorter side, "
                f"from {SMALLEST} to 1, such as 0.1"
            )
        if not (_is_number(self.threshold) and 0 < self.threshold < 1):
            raise UsageError(
                f"--find-threshold {self.threshold}: expected the share of pictures without an "
                "object in which nothing is found, between 0 and 1, such as 0.95"
            )
        of_numbers = isinstance(self.angles, tuple) and all(map(_is_number, self.angles))
        if not of_numbers or not self.angles or not all(abs(a) <= 180 for a in self.angles):
            raise UsageError(
                f"--find-angles {self.angles}: expected degrees from -180 to 180, such as -60,0,60"
            )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


DEFAULT = Finding()


class LandmarkSearch:
    """A finder for every model with a framing."""

    pause_s = 0.2  # a search takes as long as tracking an object in a hundred frames

    def __init__(self, finding: Finding = DEFAULT) -> None:
        self._finding = finding

    def search(self, image_bgr: Image, framing: Framing | None) -> Search[FloatArray]:
        """See `Finder.search`. Raises UsageError for a model without framing."""
        if framing is None:
            raise UsageError(
                "--region landmarks: this model has no framing, which needs at least two "
                "landmarks at different places. Train or export it again, or choose another "
                "--region"
            )
        boxes, scores, misfit_px = yield from candidates(image_bgr, framing, self._finding)
        found = scores >= framing.least_score(self._finding.threshold)
        found &= misfit_px <= LARGEST_MISFIT * framing.spread_px
        boxes, scores = boxes[found], scores[found]
        return boxes[apart(boxes, np.argsort(-scores), SAME)]


def candidates(
    image_bgr: Image, framing: Framing, finding: Finding = DEFAULT
) -> Search[tuple[FloatArray, FloatArray, FloatArray]]:
    """The boxes (N, 5) that look most like an object, their scores (N,) and misfits in px (N,)."""
    height, width = image_bgr.shape[:2]
    boxes, turned = grid(width, height, finding), finding.angles != (0.0,)
    for _ in range(ROUNDS):
        xy, scores = yield from _looked(boxes)
        boxes = framing.fit(xy, scores, turned)[0]
        boxes = boxes[apart(boxes, np.argsort(-scores.mean(1)), SAME, FOLLOWED)]
        boxes = boxes[boxes[:, 2] <= 2 * max(height, width)]  # of landmarks far apart
    xy, scores = yield from _looked(boxes)
    misfit_px = framing.fit(xy, scores, turned=True)[1]  # a tilted head has the shape of others
    return framing.fit(xy, scores, turned)[0], scores.mean(1), misfit_px


def _looked(boxes: FloatArray) -> Search[tuple[FloatArray, FloatArray]]:
    """The landmarks and scores in boxes, asked for in parts that need little memory."""
    parts = []
    for start in range(0, max(len(boxes), 1), MOST_AT_ONCE):
        parts.append((yield boxes[start : start + MOST_AT_ONCE]))
    xy, scores, _ = (np.concatenate(values) for values in zip(*parts, strict=True))
    return xy, scores


def grid(width: int, height: int, finding: Finding = DEFAULT) -> FloatArray:
    """Square boxes (N, 5) over a frame, of several sides and angles, each evenly spread.

    A frame smaller than the smallest side has none.
    """
    shorter, boxes = min(width, height), [np.empty((0, 5), np.float32)]
    side = LARGEST * shorter
    while side >= max(finding.min_size * shorter, LEAST_PX):
        x, y = (_evenly(length - side, APART * side) for length in (width, height))
        places = np.stack(np.meshgrid(x, y, finding.angles), axis=-1).reshape(-1, 3)
        sides = np.full((len(places), 2), side)
        boxes.append(np.c_[places[:, :2], sides, places[:, 2]])
        side /= SHRINK
    return np.concatenate(boxes).astype(np.float32)


def _evenly(room: float, apart: float) -> FloatArray:
    """Places from 0 to `room`, at most so far apart."""
    return np.linspace(0, room, int(np.ceil(room / apart)) + 1, dtype=np.float32)
