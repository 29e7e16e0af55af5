"""Track objects from frame to frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from lmk.arrays import Flags, FloatArray, Image
from lmk.inference.boxes import overlap
from lmk.inference.regions.base import Finder
from lmk.inference.rounds import Search
from lmk.model.framing import Framing
from lmk.system.errors import UsageError
from lmk.video.filters.base import Smoothing
from lmk.video.motion import Motion
from lmk.video.result import Objects
from lmk.video.smoothing import Smoother

SAME = 0.3  # overlap from which two boxes are one object
DOUBLE = 0.6  # overlap from which two tracks have run into one
# Shares of the framing's own figures: a track is worse than the crops of training for a while,
# beside motion blur and a turned head, before it is lost.
LOST_SCORE, LOST_MISFIT = 0.9, 2.0
REMEMBER_S = 1.0  # how long the number of a lost object waits for it to be found again
LOST_SEARCH_S = 0.2  # between two searches in that time, also while others are tracked


@dataclass(frozen=True)
class Tracking:
    """How objects are tracked.

    follow: whether the finder runs only when nothing is tracked, every `search_s` seconds, in the
    frame of a loss, and more often for a second after it; between these frames the crops come from
    the last landmarks and their motion. Otherwise it runs in every frame.
    """

    follow: bool = False
    search_s: float = 2.0


@dataclass(frozen=True, eq=False)
class _Track:
    """An object that is tracked: its number, its last box and where it moves."""

    number: int
    motion: Motion


@dataclass(frozen=True, eq=False)
class _Sight:
    """What was found in the crops of N tracks.

    boxes (N, 4) of the crops, xy (N, K, 2) and scores (N, K) of the landmarks, following (N, 4) the
    boxes that the landmarks lead to, good (N,) whether they are those of the object.
    """

    tracks: list[_Track]
    boxes: FloatArray
    xy: FloatArray
    scores: FloatArray
    following: FloatArray
    good: Flags

    def rows(self, kept: Sequence[int] | Flags) -> _Sight:
        """Some of the tracks."""
        rows = np.arange(len(self.tracks))[kept].tolist()
        arrays = (self.boxes, self.xy, self.scores, self.following, self.good)
        return _Sight([self.tracks[row] for row in rows], *(array[rows] for array in arrays))

    def and_(self, other: _Sight) -> _Sight:
        """The tracks of both."""
        arrays = [(getattr(self, f.name), getattr(other, f.name)) for f in fields(self)[1:]]
        return _Sight(self.tracks + other.tracks, *(np.concatenate(pair) for pair in arrays))


class Tracker:
    """One model's objects in one source.

    `smoothing` None is for unrelated pictures. Raises UsageError for tracking with a model without
    framing, and for an unknown filter.
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

    def track(self, image_bgr: Image, time_s: float, smooth: bool) -> Search[Objects]:
        """Find the objects of a frame, smoothed if `smooth` is set and there is a filter."""
        if time_s <= self._time_s:  # pictures: objects of one are not those of the next
            self._start()
        self._time_s = time_s
        self._lost = [lost for lost in self._lost if time_s - lost[0] <= REMEMBER_S]
        predicted = _stack([track.motion.predict(time_s) for track in self._tracks])
        if self._tracking.follow:
            sight = yield from self._follow(image_bgr, predicted)
        else:
            found = yield from self._finder.search(image_bgr, self._framing)
            sight = yield from self._look(self._identify(found, predicted), found)
        self._tracks = sight.tracks
        for track, box in zip(sight.tracks, sight.following, strict=True):
            track.motion.observe(box, time_s)
        return self._objects(sight, smooth)

    def _follow(self, image_bgr: Image, predicted: FloatArray) -> Search[_Sight]:
        """Look where the objects should be, and search the frame when it is due or one is lost."""
        tracks, boxes = self._tracks, predicted
        if self._search_is_due():
            found = yield from self._search(image_bgr, predicted)
            tracks, boxes = tracks + self._new(found), np.concatenate([boxes, found])
        sight = yield from self._look(tracks, boxes)
        if not sight.good.all() and self._searched_s < self._time_s:
            self._lose(sight.rows(~sight.good).tracks)
            sight = sight.rows(sight.good)
            found = yield from self._search(image_bgr, sight.following)
            again = yield from self._look(self._new(found), found)
            sight = sight.and_(again)
        kept = _apart(sight.following, sight.good)
        if len(kept) == len(sight.tracks):
            return sight
        self._lose([track for row, track in enumerate(sight.tracks) if row not in kept])
        return sight.rows(kept)

    def _search_is_due(self) -> bool:
        pause_s = min(self._tracking.search_s, LOST_SEARCH_S if self._lost else np.inf)
        return not self._tracks or self._time_s - self._searched_s >= pause_s

    def _search(self, image_bgr: Image, known: FloatArray) -> Search[FloatArray]:
        """The boxes (N, 4) of objects that the finder finds, apart from the known ones."""
        self._searched_s = self._time_s
        found = yield from self._finder.search(image_bgr, self._framing)
        return found[~(overlap(found[:, None], known) > SAME).any(1)]

    def _look(self, tracks: list[_Track], boxes: FloatArray) -> Search[_Sight]:
        """Find the landmarks in the boxes of tracks, and judge them where objects are followed."""
        xy, scores = yield boxes
        following, good = boxes, np.ones(len(boxes), bool)
        if self._tracking.follow and self._framing:
            following, misfit_px = self._framing.fit(xy, scores)
            good = scores.mean(1) >= LOST_SCORE * self._framing.score
            good &= misfit_px <= LOST_MISFIT * self._framing.spread_px
        return _Sight(tracks, boxes, xy, scores, following, good)

    def _objects(self, sight: _Sight, smooth: bool) -> Objects:
        shown, opacity = sight.xy, np.ones_like(sight.scores)
        if smooth and self._smoother:
            shown, opacity = self._smoother(
                self._time_s, sight.tracks, sight.xy, sight.scores, sight.boxes
            )
        ids = np.array([track.number for track in sight.tracks], np.int64)
        return Objects(self._model, ids, sight.boxes, shown, sight.scores, opacity)

    def _identify(self, found: FloatArray, predicted: FloatArray) -> list[_Track]:
        """The tracks of found boxes (N, 4): those that they overlap most, or new ones."""
        pairs = best_pairs(found, np.concatenate([predicted, self._lost_boxes()]))
        known = {row: self._tracks[i] for row, i in pairs.items() if i < len(self._tracks)}
        new = iter(self._new(found[[row for row in range(len(found)) if row not in known]]))
        tracks = [known[row] if row in known else next(new) for row in range(len(found))]
        self._lose([track for track in self._tracks if track not in tracks])
        return tracks

    def _lost_boxes(self) -> FloatArray:
        return _stack([track.motion.box_xywh for _, track in self._lost])

    def _new(self, boxes_xywh: FloatArray) -> list[_Track]:
        """Start tracks, with the numbers of objects that were lost there, or the next ones."""
        pairs = best_pairs(boxes_xywh, self._lost_boxes())
        tracks = []
        for row, box in enumerate(boxes_xywh):
            if row in pairs:  # a new track, so that no filter goes on from before the loss
                tracks.append(replace(self._lost[pairs[row]][1]))
            else:
                self._number += 1
                tracks.append(_Track(self._number, Motion(box, self._time_s)))
        self._lost = [lost for i, lost in enumerate(self._lost) if i not in pairs.values()]
        return tracks

    def _lose(self, tracks: list[_Track]) -> None:
        self._lost += [(self._time_s, track) for track in tracks]


def best_pairs(boxes_xywh: FloatArray, others_xywh: FloatArray) -> dict[int, int]:
    """Pair boxes (N, 4) with others (M, 4) that are the same object, the largest overlap first."""
    shares = overlap(boxes_xywh[:, None], others_xywh)
    pairs: dict[int, int] = {}
    for index in np.argsort(-shares, axis=None, kind="stable").tolist():
        row, other = divmod(index, len(others_xywh))
        if shares[row, other] <= SAME:
            break
        if row not in pairs and other not in pairs.values():
            pairs[row] = other
    return pairs


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
