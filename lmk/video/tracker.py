"""Track objects from frame to frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from lmk.arrays import Flags, FloatArray, Image
from lmk.inference.boxes import SAME, apart, overlap
from lmk.inference.regions.base import Finder
from lmk.inference.rounds import Located, Search
from lmk.model.framing import Framing, confidence_of
from lmk.model.points import NO_POINTS, NamedPoints
from lmk.system.errors import UsageError
from lmk.video.filters.base import Smoothing
from lmk.video.motion import Motion
from lmk.video.paced import Budget, PacedSearch
from lmk.video.result import Objects
from lmk.video.scene import glance, same_scene
from lmk.video.smoothing import Smoother

DOUBLE = 0.6  # overlap from which two tracks have run into one
# Shares of the framing's own figures: a track is worse than the crops of training for a while,
# beside motion blur and a turned head, before it is lost.
LOST_SCORE, LOST_MISFIT = 0.9, 2.0
REMEMBER_S = 1.0  # how long the number of a lost object waits for it to be found again
LONGEST_SEARCH_S = 5.0  # and how long while a search that is spread over frames goes on
LOST_SEARCH_S = 0.2  # between two searches in that time, also while others are tracked


@dataclass(frozen=True)
class Tracking:
    """How objects are tracked.

    follow: whether the finder runs only when nothing is tracked, every `search_s` seconds, in the
    frame of a loss, and more often for a second after it; between these frames the crops come from
    the last landmarks and their motion. Otherwise it runs in every frame. search_ms: how long a
    search by landmarks may take of one frame while objects are followed, after which it goes on in
    the next frames; None for as long as it takes.
    """

    follow: bool = False
    search_s: float = 2.0
    search_ms: float | None = None


@dataclass(frozen=True, eq=False)
class _Track:
    """An object that is tracked: its number, its last box and where it moves."""

    number: int
    motion: Motion


@dataclass(frozen=True, eq=False)
class _Lost:
    """An object that was lost: when, the box (5,) in which it was searched for, and the scene."""

    time_s: float
    track: _Track
    box: FloatArray
    scene: FloatArray


@dataclass(frozen=True, eq=False)
class _Sight:
    """What was found in the crops of N tracks.

    boxes (N, 5) of the crops, xy (N, K, 2) and scores (N, K) of the landmarks, points (N, P, 2),
    following (N, 5) the boxes that the landmarks lead to, good (N,) whether they are those of the
    object.
    """

    tracks: list[_Track]
    boxes: FloatArray
    xy: FloatArray
    scores: FloatArray
    points: FloatArray
    following: FloatArray
    good: Flags

    def rows(self, kept: Sequence[int] | Flags) -> _Sight:
        """Some of the tracks."""
        rows = np.arange(len(self.tracks))[kept].tolist()
        arrays = (getattr(self, f.name)[rows] for f in fields(self)[1:])
        return _Sight([self.tracks[row] for row in rows], *arrays)

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
        named: NamedPoints = NO_POINTS,
    ) -> None:
        if tracking.follow and framing is None:
            raise UsageError(
                f"{model} cannot be tracked: it has no framing, which needs at least two "
                "landmarks. Train or export it again with this version of lmk, or choose a "
                "--region other than track"
            )
        self._model, self._finder, self._framing, self._named = model, finder, framing, named
        self._tracking, self._smoothing = tracking, smoothing
        self._budget = Budget(tracking.search_ms) if tracking.search_ms is not None else None
        self._number, self._time_s = 0, -np.inf
        self._start()

    def _start(self) -> None:
        self._tracks: list[_Track] = []
        self._lost: list[_Lost] = []
        self._pending: PacedSearch | None = None
        self._searched_s = -np.inf
        self._scene: FloatArray = np.empty((0, 0), np.float32)  # what the last frame showed
        self._smoother = Smoother(self._smoothing) if self._smoothing else None

    def track(self, image_bgr: Image, time_s: float, smooth: bool) -> Search[Objects]:
        """Find the objects of a frame, smoothed if `smooth` is set and there is a filter.

        After an error, or when it is closed before its end, all is as before the frame.
        """
        if time_s <= self._time_s:  # pictures: objects of one are not those of the next
            self._start()
        self._time_s = time_s
        before = self._tracks, self._lost, self._number, self._searched_s, self._scene
        try:
            longest_s = LONGEST_SEARCH_S if self._pending else REMEMBER_S
            self._lost = [lost for lost in self._lost if time_s - lost.time_s <= longest_s]
            self._look_for_a_cut(image_bgr)
            predicted = _stack([track.motion.predict(time_s) for track in self._tracks])
            if self._tracking.follow and self._budget:
                sight = yield from self._follow_paced(image_bgr, predicted, self._budget)
            elif self._tracking.follow:
                sight = yield from self._follow(image_bgr, predicted)
            else:
                found = yield from self._finder.search(image_bgr, self._framing)
                sight = yield from self._look(self._identify(found, predicted), found)
        except BaseException:
            self._tracks, self._lost, self._number, self._searched_s, self._scene = before
            if self._pending:  # its answers are gone, so it begins again
                self._pending, self._searched_s = None, -np.inf
            raise
        self._tracks = sight.tracks
        for track, box in zip(sight.tracks, sight.following, strict=True):
            track.motion.observe(box, time_s)
        return self._objects(sight, smooth)

    def _look_for_a_cut(self, image_bgr: Image) -> None:
        """Lose all tracks in another scene, and search it at once.

        Their numbers come back only with their scene, as after a flash.
        """
        last, self._scene = self._scene, glance(image_bgr)
        if not last.size or same_scene(last, self._scene):
            return
        lost = [_Lost(self._time_s, track, track.motion.box, last) for track in self._tracks]
        self._tracks, self._lost = [], self._lost + lost
        self._pending, self._searched_s = None, -np.inf

    def _follow(self, image_bgr: Image, predicted: FloatArray) -> Search[_Sight]:
        """Look where the objects should be, and search the frame when it is due or one is lost."""
        tracks, boxes, found = self._tracks, predicted, _stack([])
        due = self._search_is_due()
        if due:
            found, rest = yield from self._search(image_bgr, predicted)
            tracks, boxes = tracks + self._new(rest), np.concatenate([boxes, rest])
        sight = yield from self._look(tracks, boxes)
        if not sight.good.all():
            self._lose(sight.rows(~sight.good))
            sight = sight.rows(sight.good)
            if due:  # boxes that were taken for those of an object that is lost now
                found = found[(overlap(found[:, None], predicted) > SAME).any(1)]
                rest = found[~(overlap(found[:, None], sight.following) > SAME).any(1)]
            else:
                _, rest = yield from self._search(image_bgr, sight.following)
            again = yield from self._look(self._new(rest), rest)
            sight = sight.and_(again)
        return self._without_doubles(sight)

    def _follow_paced(
        self, image_bgr: Image, predicted: FloatArray, budget: Budget
    ) -> Search[_Sight]:
        """The same with a search that looks into a few boxes of each frame.

        They are in one batch with those of the tracks. In the frame of a loss it begins near it.
        """
        if not self._pending and self._search_is_due():
            self._begin_search(image_bgr, _stack([]))
        part = self._pending.boxes(budget.count) if self._pending else _stack([])
        found = yield from budget.timed(np.concatenate([predicted, part]))
        tracked = len(predicted)
        if self._pending:
            self._pending.answer(Located(*(values[tracked:] for values in found)))
        located = Located(*(values[:tracked] for values in found))
        sight = self._judge(self._tracks, predicted, located)
        if not sight.good.all():
            lost, sight = sight.rows(~sight.good), sight.rows(sight.good)
            self._lose(lost)
            if not self._pending:
                pending = self._begin_search(image_bgr, lost.boxes)
                answer = yield from budget.timed(pending.boxes(budget.count))
                pending.answer(answer)
        if self._pending and self._pending.found is not None:
            _, rest = _sorted_out(self._pending.found, sight.following)
            self._pending = None
            again = yield from self._look(self._new(rest), rest)
            sight = sight.and_(again)
        return self._without_doubles(sight)

    def _begin_search(self, image_bgr: Image, near: FloatArray) -> PacedSearch:
        self._searched_s = self._time_s
        self._pending = PacedSearch(self._finder.search(image_bgr, self._framing), near)
        return self._pending

    def _without_doubles(self, sight: _Sight) -> _Sight:
        """Lose tracks that are not good, or have run into another one."""
        kept = apart(sight.following, np.flatnonzero(sight.good), DOUBLE)
        if len(kept) == len(sight.tracks):
            return sight
        self._lose(sight.rows([row for row in range(len(sight.tracks)) if row not in kept]))
        return sight.rows(kept)

    def _search_is_due(self) -> bool:
        pause_s = min(self._tracking.search_s, LOST_SEARCH_S if self._lost else np.inf)
        if not self._tracks:
            pause_s = min(pause_s, self._finder.pause_s)
        return self._time_s - self._searched_s >= pause_s

    def _search(self, image_bgr: Image, known: FloatArray) -> Search[tuple[FloatArray, FloatArray]]:
        """The boxes (N, 5) of different objects, and those of them apart from known boxes."""
        self._searched_s = self._time_s
        found = yield from self._finder.search(image_bgr, self._framing)
        return _sorted_out(found, known)

    def _look(self, tracks: list[_Track], boxes: FloatArray) -> Search[_Sight]:
        """Find the landmarks in the boxes of tracks, and judge them where objects are followed."""
        return self._judge(tracks, boxes, (yield boxes))

    def _judge(self, tracks: list[_Track], boxes: FloatArray, found: Located) -> _Sight:
        xy, scores, _ = found
        following, good = boxes, np.ones(len(boxes), bool)
        if self._tracking.follow and self._framing:
            following, misfit_px = self._framing.fit(xy, scores, turned=True)
            good = scores.mean(1) >= LOST_SCORE * self._framing.score
            good &= misfit_px <= LOST_MISFIT * self._framing.spread_px
        return _Sight(tracks, boxes, *found, following, good)

    def _objects(self, sight: _Sight, smooth: bool) -> Objects:
        # A point is as certain as all landmarks together.
        mean = sight.scores.mean(1, keepdims=True).repeat(len(self._named), 1)
        shown = np.concatenate([sight.xy, sight.points], axis=1)
        scores = np.concatenate([sight.scores, mean], axis=1)
        opacity = np.ones_like(scores)
        if smooth and self._smoother:
            shown, opacity = self._smoother(self._time_s, sight.tracks, shown, scores, sight.boxes)
        ids = np.array([track.number for track in sight.tracks], np.int64)
        # A copy: the finder may give the same array again, and motion goes on from it.
        boxes = sight.boxes.copy()
        confidence = confidence_of(sight.scores, self._framing)
        last = sight.xy.shape[1]
        landmarks = shown[:, :last], sight.scores, opacity[:, :last], confidence
        points = shown[:, last:], opacity[:, last:], self._named
        return Objects(self._model, ids, boxes[:, :4], boxes[:, 4], *landmarks, *points)

    def _identify(self, found: FloatArray, predicted: FloatArray) -> list[_Track]:
        """The tracks of found boxes (N, 5): those that they overlap most, or new ones."""
        last = _stack([track.motion.box for track in self._tracks])
        places = np.stack([predicted, last], axis=1)
        pairs = best_pairs(found, np.concatenate([places, _places(self._lost_here())]))
        known = {row: self._tracks[i] for row, i in pairs.items() if i < len(self._tracks)}
        new = iter(self._new(found[[row for row in range(len(found)) if row not in known]]))
        tracks = [known[row] if row in known else next(new) for row in range(len(found))]
        left = [i for i, track in enumerate(self._tracks) if track not in tracks]
        self._remember([self._tracks[i] for i in left], predicted[left])
        return tracks

    def _new(self, boxes: FloatArray) -> list[_Track]:
        """Start tracks, with the numbers of objects that were lost there, or the next ones."""
        lost = self._lost_here()
        pairs = best_pairs(boxes, _places(lost))
        tracks = []
        for row, box in enumerate(boxes):
            if row in pairs:  # a new track, so that no filter goes on from before the loss
                tracks.append(replace(lost[pairs[row]].track))
            else:
                self._number += 1
                tracks.append(_Track(self._number, Motion(box, self._time_s)))
        found = [lost[i] for i in pairs.values()]
        self._lost = [each for each in self._lost if each not in found]
        return tracks

    def _lose(self, sight: _Sight) -> None:
        self._remember(sight.tracks, sight.boxes)

    def _remember(self, tracks: Sequence[_Track], boxes: Sequence[FloatArray] | FloatArray) -> None:
        rows = zip(tracks, boxes, strict=True)
        lost = [_Lost(self._time_s, track, box, self._scene) for track, box in rows]
        self._lost = self._lost + lost

    def _lost_here(self) -> list[_Lost]:
        """What was lost in the scene of this frame."""
        return [lost for lost in self._lost if same_scene(lost.scene, self._scene)]


def best_pairs(boxes: FloatArray, places: FloatArray) -> dict[int, int]:
    """Pair boxes (N, 5) with objects, of which each has two places (M, 2, 5), of its own.

    The largest overlap is paired first.
    """
    shares = overlap(boxes[:, None, None], places).max(2, initial=0)
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    rows, others = np.nonzero(shares > SAME)
    for i in np.argsort(-shares[rows, others], kind="stable"):
        row, other = int(rows[i]), int(others[i])
        if row not in pairs and other not in taken:
            pairs[row] = other
            taken.add(other)
    return pairs


def _places(lost: Sequence[_Lost]) -> FloatArray:
    """Where lost objects may be (N, 2, 5): where they were searched for and last found."""
    places = [(each.box, each.track.motion.box) for each in lost]
    return np.array(places, np.float32).reshape(-1, 2, 5)


def _sorted_out(found: FloatArray, known: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Found boxes (N, 5) of different objects, and those of them apart from known ones."""
    found = found[apart(found, np.arange(len(found)), SAME)]
    return found, found[~(overlap(found[:, None], known) > SAME).any(1)]


def _stack(boxes: list[FloatArray]) -> FloatArray:
    return np.array(boxes, np.float32).reshape(-1, 5)
