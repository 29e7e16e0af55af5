"""What was found in a frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lmk.arrays import FloatArray, Image
from lmk.model.points import NamedPoints
from lmk.video.sources.base import Frame


class Places(NamedTuple):
    """What is drawn and written of N objects: L named points, or L landmarks.

    xy float32 (N, L, 2), image pixels. scores and opacity float32 (N, L) as in `Objects`; a named
    point is as certain as all landmarks together. names: of the named points, empty for landmarks.
    """

    xy: FloatArray
    scores: FloatArray
    opacity: FloatArray
    names: Sequence[str] = ()


@dataclass(frozen=True, eq=False)
class Objects:
    """What one model found in a frame: N objects of K landmarks and P points, in image pixels.

    model: its name. ids int64 (N,): an object keeps its ID from frame to frame. boxes float32 (N,
    4), x, y, width, height: the box of each. angles float32 (N,), degrees, from x towards y, by
    which each is turned about its centre. xy float32 (N, K, 2). scores float32 (N, K) in [0, 1].
    opacity float32 (N, K): 1 for a visible landmark; falls to 0 while a lost one keeps its last
    place. confidence float32 (N,): see `Landmarks`. points float32 (N, P, 2), points_opacity
    float32 (N, P): the same of the points that `named` names; P is 0 for a model without. The
    places of one point are points[:, named.names.index("left_pupil")].
    """

    model: str
    ids: npt.NDArray[np.int64]
    boxes: FloatArray
    angles: FloatArray
    xy: FloatArray
    scores: FloatArray
    opacity: FloatArray
    confidence: FloatArray
    points: FloatArray
    points_opacity: FloatArray
    named: NamedPoints

    @property
    def places(self) -> Places:
        """The named points, or the landmarks of a model without."""
        if not self.named:
            return Places(self.xy, self.scores, self.opacity)
        scores = self.scores.mean(1, keepdims=True).repeat(len(self.named), 1)
        return Places(self.points, scores, self.points_opacity, self.named.names)


def no_objects(model: str, num_landmarks: int, named: NamedPoints) -> Objects:
    """No objects, for a model with K landmarks and these points."""
    boxes = np.empty((0, 4), np.float32)
    xy, points = (np.empty((0, count, 2), np.float32) for count in (num_landmarks, len(named)))
    places = boxes, boxes[:, 0], xy, xy[..., 0], xy[..., 0], boxes[:, 0]
    return Objects(model, np.empty(0, np.int64), *places, points, points[..., 0], named)


@dataclass(frozen=True, eq=False)
class Result:
    """A frame, and what every model found in it.

    source: the title of the frame's source. drawn_bgr: uint8 BGR (H, W, 3), the frame with its
    landmarks, or the frame itself when no sink draws.
    """

    frame: Frame
    source: str
    objects: tuple[Objects, ...]
    drawn_bgr: Image = field(repr=False)
