"""Track objects from frame to frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lmk.arrays import Flags, FloatArray, Image, Indices
from lmk.inference.regions.base import Finder
from lmk.model.framing import Framing
from lmk.system.errors import UsageError
from lmk.video.filters.base import Smoothing
from lmk.video.result import Objects
from lmk.video.smoothing import Smoother

SAME = 0.3  # overlap from which two boxes are one object
DOUBLE = 0.6  # overlap from which two tracks have run into one
# Shares of the framing's own figures: a track is worse than the crops of training for a while,
# beside motion blur and a turned head, before it is lost.
LOST_SCORE, LOST_MISFIT = 0.9, 2.0
REMEMBER_S = 1.0  # how long the number of a lost object waits for it to be found again
LOST_SEARCH_S = 0.2  # between two searches in that time, also while objects are tracked


@dataclass(frozen=True)
class Tracking:
    """How objects are tracked.

    follow: whether the finder runs only when nothing is tracked, every `search_s` seconds, and more
    often for a second after a loss; between these frames the crops come from the last landmarks.
    Otherwise it runs in every frame.
    """

    follow: bool = False
    search_s: float = 2.0


@dataclass(eq=False)
class _Track:
    number: int
    box_xywh: FloatArray


class Tracker:
    """One model's objects in one source.

    `smoothing` None is for unrelated pictures. For every frame, `crop_boxes` returns the boxes to
    search, and `update` receives the landmarks found in them. Raises UsageError for tracking with a
    model without framing, and for an unknown filter.
    """

    def __init__(
        self,
        model: str,
        finder: Finder,
        framing: Framing | None,
        tracking: Tracking,
        smoothing: Smoothing | None,
    ) -> None:
        if tracking.follow and framing is None:
            raise UsageError(
                f"{model} cannot be tracked: it has no framing, which needs at least two "
                "landmarks. Train or export it again with this version of lmk, or choose a "
                "--region other than track"
            )
        self._model, self._finder, self._framing = model, finder, framing
        self._tracking, self._smoothing = tracking, smoothing
        self._number, self._time_s, self._searched_s = 0, -np.inf, -np.inf
        self._start()

    def _start(self) -> None:
        self._tracks: list[_Track] = []
        self._lost: list[tuple[float, _Track]] = []  # with the time of the loss
        self._smoother = Smoother(self._smoothing) if self._smoothing else None

    def crop_boxes(self, image_bgr: Image, time_s: float) -> FloatArray:
        """Boxes (N, 4) of the crops of a frame, x, y, width, height in image pixels."""
        if time_s <= self._time_s:  # pictures: objects of one are not those of the next
            self._start()
        self._time_s = time_s
        self._lost = [lost for lost in self._lost if time_s - lost[0] <= REMEMBER_S]
        pause_s = min(self._tracking.search_s, LOST_SEARCH_S if self._lost else np.inf)
        if not self._tracking.follow:
            self._identify(self._finder.crop_boxes(image_bgr, self._framing), time_s)
        elif not self._tracks or time_s - self._searched_s >= pause_s:
            self._searched_s = time_s
            self._add_new(self._finder.crop_boxes(image_bgr, self._framing))
        return _stack([track.box_xywh for track in self._tracks])

    def update(
        self, time_s: float, xy_image: FloatArray, scores: FloatArray, smooth: bool
    ) -> Objects:
        """Update the tracks with landmarks (N, K, 2) and scores (N, K) found in `crop_boxes`.

        Returns the objects that are not lost, smoothed if `smooth` is set and there is a filter.
        """
        boxes = _stack([track.box_xywh for track in self._tracks])
        if smooth and self._smoother:
            shown, opacity = self._smoother(time_s, self._tracks, xy_image, scores, boxes)
        else:
            shown, opacity = xy_image, np.ones_like(scores)
        kept = self._advance(time_s, xy_image, scores)
        ids = np.array([track.number for track in self._tracks], np.int64)
        return Objects(self._model, ids, boxes[kept], shown[kept], scores[kept], opacity[kept])

    def _advance(self, time_s: float, xy_image: FloatArray, scores: FloatArray) -> Indices:
        """Move the tracks to their landmarks, drop those that are lost, return the rows kept."""
        tracks, framing = self._tracks, self._framing
        if not self._tracking.follow or framing is None:
            return np.arange(len(tracks))
        following, misfit_px = framing.fit(xy_image, scores)
        good = scores.mean(1) >= LOST_SCORE * framing.score
        good &= misfit_px <= LOST_MISFIT * framing.spread_px
        kept = _apart(following, good)
        self._lost += [(time_s, tracks[row]) for row in range(len(tracks)) if row not in kept]
        self._tracks = [tracks[row] for row in kept]
        for row in kept:
            tracks[row].box_xywh = following[row]
        return np.array(kept, np.intp)

    def _add_new(self, boxes_xywh: FloatArray) -> None:
        for box in boxes_xywh:
            known = _stack([track.box_xywh for track in self._tracks])
            if not (overlap(box, known) > SAME).any():
                self._tracks.append(self._new(box))

    def _identify(self, boxes_xywh: FloatArray, time_s: float) -> None:
        """Assign to every box the track that it overlaps most, each once, or a new one."""
        left, matched = list(self._tracks), []
        for box in boxes_xywh:
            shares = overlap(box, _stack([track.box_xywh for track in left]))
            if len(shares) and shares.max() > SAME:
                track = left.pop(int(shares.argmax()))
                track.box_xywh = box
            else:
                track = self._new(box)
            matched.append(track)
        self._tracks = matched
        self._lost += [(time_s, track) for track in left]

    def _new(self, box_xywh: FloatArray) -> _Track:
        """Start a track, with the ID of an object that was lost there, or the next one."""
        shares = overlap(box_xywh, _stack([track.box_xywh for _, track in self._lost]))
        if len(shares) and shares.max() > SAME:
            number = self._lost.pop(int(shares.argmax()))[1].number
        else:
            number = self._number = self._number + 1
        return _Track(number, box_xywh)


def overlap(box_xywh: FloatArray, others_xywh: FloatArray) -> FloatArray:
    """Intersection over union of boxes (..., 4) with others (..., 4), which broadcast."""
    start, other_start = box_xywh[..., :2], others_xywh[..., :2]
    size, other_size = box_xywh[..., 2:], others_xywh[..., 2:]
    most = np.minimum(start + size, other_start + other_size)
    shared = np.maximum(most - np.maximum(start, other_start), 0).prod(-1)
    union = size.prod(-1) + other_size.prod(-1) - shared
    return np.asarray(shared / np.maximum(union, 1e-9), np.float32)


def _apart(boxes_xywh: FloatArray, good: Flags) -> list[int]:
    """The rows of good boxes, the oldest first; the younger of two that ran into one goes."""
    rows: list[int] = np.flatnonzero(good).tolist()
    if len(rows) < 2:
        return rows
    doubles = (overlap(boxes_xywh[:, None], boxes_xywh) > DOUBLE).tolist()
    kept: list[int] = []
    for row in rows:
        if not any(doubles[row][older] for older in kept):
            kept.append(row)
    return kept


def _stack(boxes: list[FloatArray]) -> FloatArray:
    return np.array(boxes, np.float32).reshape(-1, 4)
