from __future__ import annotations

import numpy as np
import pytest
from located import located

from lmk.geometry import boxes_of_crops, crops_of_boxes
from lmk.inference.boxes import overlap
from lmk.inference.regions.base import Detector
from lmk.inference.regions.places import fixed
from lmk.inference.rounds import Located
from lmk.model.framing import Framing
from lmk.model.points import NamedPoints
from lmk.system.errors import UsageError
from lmk.video.filters.base import Smoothing
from lmk.video.tracker import Tracker, Tracking, best_pairs

MEAN = np.array([[40.0, 50.0], [90.0, 46.0], [66.0, 100.0]], np.float32)
FRAMING = Framing(tuple((float(x), float(y)) for x, y in MEAN), spread_px=5.0, score=0.6)
FRAME = np.zeros((300, 400, 3), np.uint8)


class Finds:
    """A finder that gives the next of a list of boxes, and counts how often it was asked."""

    def __init__(self, *found: list[list[float]]) -> None:
        self.found, self.asked = list(found), 0

    def __call__(self, _: np.ndarray) -> np.ndarray:
        boxes = self.found[min(self.asked, len(self.found) - 1)]
        self.asked += 1
        return np.array(boxes, np.float32).reshape(-1, 4)


def tracker(find: Finds, follow: bool, exact: bool = True) -> Tracker:
    return Tracker("dots", Detector(find, exact), FRAMING, Tracking(follow, search_s=2.0), None)


def mean_in(box: list[float]) -> np.ndarray:
    """Landmarks round which the framing puts a square box."""
    *corner, side, _ = crops_of_boxes(box)[0]
    return (MEAN + 0.5) * side / 128 - 0.5 + corner


def step(found: Tracker, time_s: float, xy: list[np.ndarray], score: float = 0.9):
    """One frame: the boxes that are asked for first, and the objects; `xy` answers each request."""
    search, given = found.track(FRAME, time_s, smooth=True), np.array(xy, np.float32)
    boxes = first = next(search)
    while True:
        answer = given.reshape(-1, 3, 2)[: len(boxes)]
        try:
            boxes = search.send(located(answer, np.full((len(boxes), 3), score, np.float32)))
        except StopIteration as end:
            return first[:, :4], end.value


def test_named_points_stay_with_their_object_and_fade_with_it() -> None:
    """Two objects that a search finds in the other order; a weak one keeps its points a while."""
    first, second = [100, 50, 80, 80], [300, 200, 60, 60]
    find, points = Finds([first, second], [second, first]), NamedPoints(("left", "right"))
    smoothing = Smoothing(low_score=0.3, fade_s=1.0)
    framing, tracking = None, Tracking(follow=False, search_s=2.0)
    follows = Tracker("dots", Detector(find, exact=True), framing, tracking, smoothing, points)
    seen = {}
    for time_s, places, score in ((0.0, (first, second), 0.9), (0.25, (second, first), 0.1)):
        search = follows.track(FRAME, time_s, smooth=True)
        next(search)
        xy = np.float32([mean_in(place) for place in places])
        scores = np.full((2, 3), score, np.float32)
        with pytest.raises(StopIteration) as end:
            search.send(Located(xy, scores, xy[:, :2] + 5))
        seen[time_s] = end.value.value
    before, after = seen.values()
    assert before.named == points
    np.testing.assert_allclose(before.points, before.xy[:, :2] + 5, atol=1e-3)
    assert before.points_opacity.tolist() == [[1, 1]] * 2
    assert (before.ids.tolist(), after.ids.tolist()) == ([1, 2], [2, 1])
    np.testing.assert_allclose(after.points, before.points[::-1], atol=1e-3)
    np.testing.assert_allclose(after.points_opacity, 0.75)


def test_overlap_by_hand() -> None:
    box = np.array([0, 0, 4, 2], np.float32)
    others = np.array([[2, 1, 4, 4], [0, 0, 4, 2], [9, 9, 1, 1]], np.float32)
    expected = [2 / (8 + 16 - 2), 1, 0]
    np.testing.assert_allclose(overlap(box, others), expected)
    pairs = overlap(others[:, None], np.stack([box, box + 30]))
    np.testing.assert_allclose(pairs, np.c_[expected, [0, 0, 0]])


def test_a_followed_object_is_found_once_and_then_comes_from_its_landmarks() -> None:
    find = Finds([[100, 50, 80, 80]])
    follows = tracker(find, follow=True)
    first, objects = step(follows, 0.0, [mean_in([108, 54, 90, 90])])
    assert first.tolist() == [[100, 50, 80, 80]]
    assert objects.ids.tolist() == [1]
    second, objects = step(follows, 0.1, [mean_in([120, 60, 90, 90])])
    np.testing.assert_allclose(second, [[108, 54, 90, 90]], atol=1e-3)
    np.testing.assert_allclose(objects.boxes, second)
    assert objects.ids.tolist() == [1]
    assert find.asked == 1
    # Two seconds later it looks round again; what it follows already is no new object.
    find.found = [[[118, 60, 80, 80], [10, 200, 60, 60]]]
    third, objects = step(follows, 2.0, [mean_in([120, 60, 90, 90]), mean_in([10, 200, 60, 60])])
    assert find.asked == 2
    np.testing.assert_allclose(third[0], [120, 60, 90, 90], atol=1e-3)
    assert objects.ids.tolist() == [1, 2]


@pytest.mark.parametrize("loss", ["low score", "wrong shape"])
def test_a_lost_object_is_searched_for_at_once(loss: str) -> None:
    find = Finds([[100, 50, 80, 80]])
    follows = tracker(find, follow=True)
    step(follows, 0.0, [mean_in([100, 50, 80, 80])])
    if loss == "low score":
        _, objects = step(follows, 0.1, [mean_in([100, 50, 80, 80])], score=0.45)
    else:
        _, objects = step(follows, 0.1, [mean_in([100, 50, 80, 80])[::-1]])
    assert len(objects.ids) == len(objects.xy) == len(objects.boxes) == 0
    assert find.asked == 2
    boxes, objects = step(follows, 0.2, [mean_in([100, 50, 80, 80])])
    assert find.asked == 3
    assert boxes.tolist() == [[100, 50, 80, 80]]
    assert objects.ids.tolist() == [1]


def test_an_object_lost_beside_another_is_searched_for_within_the_second() -> None:
    left, right = [20, 50, 80, 80], [220, 50, 80, 80]
    find = Finds([left, right])
    follows = tracker(find, follow=True)
    both = [mean_in(left), mean_in(right)]
    assert step(follows, 0.0, both)[1].ids.tolist() == [1, 2]
    lost = [both[0], both[1][::-1]]
    ids = [step(follows, t, xy)[1].ids.tolist() for t, xy in ((0.1, lost), (0.15, both))]
    assert (ids, find.asked) == ([[1], [1]], 2)  # once in the frame of the loss
    assert step(follows, 0.32, both)[1].ids.tolist() == [1, 2]
    step(follows, 1.9, both)
    assert find.asked == 3  # nothing is lost any more


@pytest.mark.parametrize("follow", [True, False])
@pytest.mark.parametrize(
    ("place", "back_s", "number"),
    [([110, 55, 80, 80], 0.9, 1), ([110, 55, 80, 80], 1.3, 2), ([170, 50, 80, 80], 0.9, 2)],
)
def test_an_object_found_again_soon_and_nearby_keeps_its_number_and_starts_afresh(
    follow: bool, place: list[float], back_s: float, number: int
) -> None:
    finder = Detector(Finds([[100, 50, 80, 80]], [], [place]), exact=True)
    looks = Tracker("dots", finder, FRAMING, Tracking(follow), Smoothing())
    step(looks, 0.0, [mean_in([100, 50, 80, 80])], score=0.45 if follow else 0.9)
    step(looks, 0.1, [])
    _, objects = step(looks, back_s, [mean_in(place)])
    assert objects.ids.tolist() == [number]
    np.testing.assert_allclose(objects.xy, [mean_in(place)], atol=1e-3)  # no filter lags behind


@pytest.mark.parametrize("follow", [True, False])
def test_pictures_share_no_objects(follow: bool) -> None:
    box = [100, 50, 80, 80]
    looks = tracker(Finds([box], [], [box], [box]), follow)
    ids = [step(looks, 0.0, [mean_in(box)])[1].ids.tolist() for _ in range(4)]
    assert ids == [[1], [], [2], [3]]


def test_two_tracks_that_run_into_one_leave_the_older() -> None:
    follows = tracker(Finds([[0, 0, 80, 80], [200, 100, 80, 80]]), follow=True)
    same = mean_in([50, 50, 80, 80])
    _, objects = step(follows, 0.0, [same, same + 4])
    assert objects.ids.tolist() == [1]
    np.testing.assert_allclose(objects.boxes, [[0, 0, 80, 80]])


def test_of_three_tracks_each_is_compared_with_those_that_are_kept() -> None:
    """The second runs into the first and goes, so that the third, beside it, stays."""
    follows = tracker(Finds([[0, 0, 80, 80], [100, 0, 80, 80], [200, 0, 80, 80]]), follow=True)
    # 80 pixels wide at x = 50, 66, 82: neighbours overlap by 64 / 96, the ends by 48 / 112.
    places = [mean_in([x, 50, 80, 80]) for x in (50, 66, 82)]
    _, objects = step(follows, 0.0, places)
    assert objects.ids.tolist() == [1, 3]
    np.testing.assert_allclose(objects.xy, [places[0], places[2]], rtol=1e-6)
    boxes, _ = step(follows, 0.1, [places[0], places[2]])
    np.testing.assert_allclose(boxes, [[50, 50, 80, 80], [82, 50, 80, 80]], atol=1e-3)


def test_an_object_that_leaves_its_crop_is_found_in_the_same_frame() -> None:
    """Its landmarks in the old crop are wrong; a search of the frame finds it, with its number."""
    find = Finds([[100, 50, 80, 80]], [[130, 50, 80, 80]])
    follows = tracker(find, follow=True)
    step(follows, 0.0, [mean_in([100, 50, 80, 80])])
    search = follows.track(FRAME, 0.04, smooth=True)
    np.testing.assert_allclose(next(search)[:, :4], [[100, 50, 80, 80]], rtol=1e-6)
    good = np.full((1, 3), 0.9, np.float32)
    again = search.send(located(mean_in([100, 50, 80, 80])[None, ::-1], good))
    np.testing.assert_allclose(again[:, :4], [[130, 50, 80, 80]])
    with pytest.raises(StopIteration) as end:
        search.send(located(mean_in([132, 50, 80, 80])[None], good))
    objects = end.value.value
    assert objects.ids.tolist() == [1]
    np.testing.assert_allclose(objects.xy, [mean_in([132, 50, 80, 80])], rtol=1e-5)


def test_a_moving_object_is_looked_for_where_it_will_be() -> None:
    follows = tracker(Finds([[0, 50, 80, 80]]), follow=True)
    for frame in range(4):
        boxes, _ = step(follows, frame / 25, [mean_in([30.0 * frame, 50, 80, 80])])
    np.testing.assert_allclose(boxes, [[90, 50, 80, 80]], atol=1)


def test_a_box_missed_for_a_frame_changes_no_numbers() -> None:
    """Both overlap, and come back in the other order."""
    left, right = [100, 50, 80, 80], [130, 50, 80, 80]
    looks = tracker(Finds([left, right], [right], [right, left], [left], [left, right]), False)
    xy = [np.zeros((3, 2))] * 2
    numbers = [step(looks, t / 10, xy)[1].ids.tolist() for t in range(5)]
    assert numbers == [[1, 2], [2], [2, 1], [1], [1, 2]]


def test_a_frame_on_which_the_model_fails_leaves_all_as_it_was() -> None:
    left, right = [100, 50, 80, 80], [250, 50, 80, 80]
    looks = tracker(Finds([left, right], [right], [left, [125, 50, 80, 80], right]), follow=False)
    step(looks, 0.0, [np.zeros((3, 2))] * 2)
    failed = looks.track(FRAME, 0.1, smooth=True)
    next(failed)
    failed.close()
    _, objects = step(looks, 0.2, [np.zeros((3, 2))] * 3)
    assert objects.ids.tolist() == [1, 3, 2]


def test_a_search_that_was_due_when_the_model_failed_is_made_again() -> None:
    find = Finds([[100, 50, 80, 80]])
    follows = tracker(find, follow=True)
    here = [mean_in([100, 50, 80, 80]), mean_in([10, 200, 60, 60])]
    step(follows, 0.0, here)
    find.found = [[[100, 50, 80, 80], [10, 200, 60, 60]]]
    failed = follows.track(FRAME, 2.0, smooth=True)
    next(failed)
    failed.close()
    assert step(follows, 2.1, here)[1].ids.tolist() == [1, 2]


def test_two_boxes_of_a_detector_on_one_object_are_one() -> None:
    find = Finds([[100, 50, 80, 80], [120, 50, 80, 80]])
    boxes, objects = step(tracker(find, True), 0.0, [mean_in([105, 50, 80, 80])] * 2)
    assert len(boxes) == 1
    assert objects.ids.tolist() == [1]


def test_an_object_that_moves_while_it_is_not_seen_well_keeps_its_number() -> None:
    """Its landmarks are poor for a while, but the detector still finds it."""
    find = Finds(*([[100.0 + 10 * i, 50, 80, 80]] for i in range(30)))
    follows = tracker(find, follow=True)
    step(follows, 0.0, [mean_in([100, 50, 80, 80])])
    for i in range(1, 13):
        step(follows, i / 25, [mean_in(find.found[find.asked][0])], score=0.3)
    _, objects = step(follows, 0.52, [mean_in(find.found[find.asked][0])])
    assert objects.ids.tolist() == [1]


def test_an_object_that_stops_in_a_gap_keeps_its_number() -> None:
    places = [[0.0, 50, 80, 80], [25.0, 50, 80, 80], [50.0, 50, 80, 80], [50.0, 50, 80, 80]]
    looks = tracker(Finds(*([place] for place in places)), follow=False)
    times = (0.0, 0.04, 0.08, 0.25)
    ids = [step(looks, t, [np.zeros((3, 2))])[1].ids.tolist() for t in times]
    assert ids == [[1]] * 4


def test_what_a_search_finds_replaces_an_object_lost_in_its_frame() -> None:
    """The box found overlaps the prediction, and so was taken for the object that is not there."""
    find = Finds([[100, 50, 80, 80]], [[130, 50, 80, 80]])
    follows = tracker(find, follow=True)
    step(follows, 0.0, [mean_in([100, 50, 80, 80])])
    search = follows.track(FRAME, 2.0, smooth=True)
    assert len(next(search)) == 1
    good = np.full((1, 3), 0.9, np.float32)
    again = search.send(located(mean_in([100, 50, 80, 80])[None, ::-1], good))
    np.testing.assert_allclose(again[:, :4], [[130, 50, 80, 80]])
    assert find.asked == 2
    with pytest.raises(StopIteration) as end:
        search.send(located(mean_in([130, 50, 80, 80])[None], good))
    assert end.value.value.ids.tolist() == [1]


def test_what_is_done_with_results_changes_no_track() -> None:
    looks = tracker(Finds([[100, 50, 80, 80]]), follow=False)
    looks._finder = Detector(fixed([100, 50, 80, 80]), exact=True)
    _, objects = step(looks, 0.0, [np.zeros((3, 2))])
    objects.boxes[:] *= 2
    boxes, _ = step(looks, 0.1, [np.zeros((3, 2))])
    assert boxes.tolist() == [[100, 50, 80, 80]]


def test_best_pairs_by_hand() -> None:
    """The largest overlap first, then what is left of its row and column."""
    assert best_pairs(np.empty((0, 5), np.float32), np.ones((2, 2, 5), np.float32)) == {}
    assert best_pairs(np.ones((2, 5), np.float32), np.empty((0, 2, 5), np.float32)) == {}
    boxes = np.array([[0, 0, 10, 10], [4, 0, 10, 10]], np.float32)
    others = np.array([[3, 0, 10, 10], [4.5, 0, 10, 10], [90, 0, 10, 10]], np.float32)
    # Widths in common: 7 and 5.5 of the first, 9 and 9.5 of the second.
    nowhere = np.full_like(others, 500)
    for places in ((others, nowhere), (nowhere, others)):
        assert best_pairs(boxes, np.stack(places, axis=1)) == {1: 1, 0: 0}


def test_objects_found_in_every_frame_keep_their_numbers() -> None:
    left, right, new = [10, 10, 60, 60], [200, 20, 60, 60], [300, 200, 60, 60]
    find = Finds([left, right], [[205, 22, 60, 60], [14, 12, 60, 60]], [new, [16, 14, 60, 60]])
    looks = tracker(find, follow=False)
    xy = [np.zeros((3, 2))] * 2
    assert [step(looks, t / 10, xy)[1].ids.tolist() for t in range(3)] == [[1, 2], [2, 1], [3, 1]]


def test_a_detectors_box_is_framed_as_in_training_and_a_persons_is_taken_as_it_is() -> None:
    framing = Framing(FRAMING.landmarks_input, 5.0, 0.6, finder_box=(0.25, 0.25, 0.5, 0.5))
    framed = boxes_of_crops([30, 40, 80, 80])
    for exact, expected in ((True, [[50, 60, 40, 40]]), (False, framed)):
        finder = Detector(fixed((50, 60, 40, 40)), exact)
        looks = Tracker("dots", finder, framing, Tracking(), None)
        np.testing.assert_allclose(next(looks.track(FRAME, 0.0, True))[:, :4], expected, rtol=1e-6)


def test_following_needs_a_framing() -> None:
    with pytest.raises(UsageError, match="it has no framing"):
        Tracker("old", Detector(Finds([]), True), None, Tracking(follow=True), None)


def turned(xy: np.ndarray, degrees: float) -> np.ndarray:
    """Landmarks turned about the middle of a box of side 80 at (100, 50)."""
    turn = np.deg2rad(degrees)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    middle = np.array([139.5, 89.5])
    return ((xy - middle) @ rotation.T + middle).astype(np.float32)


def test_the_crop_turns_with_the_object_and_the_results_say_so() -> None:
    follows = tracker(Finds([[100, 50, 80, 80]]), follow=True)
    xy, good = mean_in([100, 50, 80, 80]), np.full((1, 3), 0.9, np.float32)
    for frame, (angle, before) in enumerate([(0, 0), (8, 0), (40, 0), (75, 40), (90, 75)]):
        search = follows.track(FRAME, frame / 25, smooth=True)
        boxes = next(search)
        np.testing.assert_allclose(boxes, [[100, 50, 80, 80, before]], atol=1)
        with pytest.raises(StopIteration) as end:
            search.send(located(turned(xy, angle)[None], good))
        objects = end.value.value
        assert objects.boxes.shape == (1, 4)
        assert objects.angles.tolist() == boxes[:, 4].tolist()
        assert objects.ids.tolist() == [1]


class Slow:
    """A search that asks for nine boxes over the frame, and returns those with an object."""

    begun, pause_s = 0, 0.2

    def search(self, *_: object):
        self.begun += 1
        x, y = (each.ravel() for each in np.meshgrid([0, 100, 200], [0, 100, 200]))
        boxes = np.c_[x, y, 80 + 0 * x, 80 + 0 * x, 0 * x].astype(np.float32)
        _, scores, _ = yield boxes
        return boxes[scores.mean(1) > 0.5]


def seen(boxes: np.ndarray, place: list[float]) -> Located:
    """What a network finds: the object in boxes at its place, and nothing in the others."""
    hit = overlap(np.float32(place), boxes) > 0.5
    xy = np.where(hit[:, None, None], mean_in(place), 0).astype(np.float32)
    return located(xy, np.where(hit, 0.9, 0.1)[:, None].repeat(3, 1).astype(np.float32))


def run_frame(found: Tracker, time_s: float, place: list[float]):
    """One frame with an object: the number of boxes of each request, and the numbers found."""
    search, counts = found.track(FRAME, time_s, smooth=False), []
    boxes = next(search)
    while True:
        counts.append(len(boxes))
        try:
            boxes = search.send(seen(boxes, place))
        except StopIteration as end:
            return counts, end.value.ids.tolist()


class FourBoxes:
    """A budget that is never spent faster."""

    count = 4

    def timed(self, boxes: np.ndarray):
        return (yield boxes)


def test_a_search_of_a_camera_is_spread_over_its_frames() -> None:
    finder = Slow()
    follows = Tracker("dots", finder, FRAMING, Tracking(True, 2.0, search_ms=33), None)
    follows._budget = FourBoxes()
    place = [200.0, 200, 80, 80]  # nine boxes, four a frame; then it is looked at once more
    frames = [run_frame(follows, frame / 25, place) for frame in range(4)]
    assert frames == [([4], []), ([4], []), ([1, 1], [1]), ([1], [1])]
    # It is lost, and another one appears: the search begins in the same frame, near the loss.
    place = [100.0, 200, 80, 80]
    counts, ids = run_frame(follows, 4 / 25, place)
    assert (counts, ids, finder.begun) == ([1, 4], [], 2)
    frames = [run_frame(follows, (5 + frame) / 25, place) for frame in range(2)]
    assert frames == [([4], []), ([1, 1], [2])]
    # After two seconds it looks round again, in one batch with what it tracks.
    assert run_frame(follows, 3.0, place) == ([1 + 4], [2])


def test_a_failed_frame_ends_a_search_that_was_spread() -> None:
    follows = Tracker("dots", Slow(), FRAMING, Tracking(True, 2.0, search_ms=33), None)
    search = follows.track(FRAME, 0.0, smooth=False)
    next(search)
    with pytest.raises(RuntimeError):
        search.throw(RuntimeError("the model failed"))
    assert follows._pending is None
    assert run_frame(follows, 0.04, [200.0, 200, 80, 80])[0] == [4]


def test_a_slow_search_that_found_nothing_waits_before_the_next() -> None:
    finder = Slow()
    follows = Tracker("dots", finder, FRAMING, Tracking(True), None)
    for frame in range(25):  # a second
        run_frame(follows, frame / 25, [500.0, 500, 80, 80])
    assert finder.begun == 5
    assert run_frame(follows, 1.2, [200.0, 200, 80, 80])[1] == [1]


NOISE = np.random.default_rng(0).integers(0, 255, (4, *FRAME.shape)).astype(np.uint8)


def in_scene(found: Tracker, image: np.ndarray, time_s: float, there: bool = True) -> list[int]:
    """One frame, and the numbers of the objects; the object is always at the same place."""
    search = found.track(image, time_s, smooth=False)
    boxes = next(search)
    while True:
        scores = np.full((len(boxes), 3), 0.9 if there else 0.1, np.float32)
        xy = np.tile(mean_in([100, 50, 80, 80]), (len(boxes), 1, 1)).astype(np.float32)
        try:
            boxes = search.send(located(xy, scores))
        except StopIteration as end:
            return end.value.ids.tolist()


def test_after_a_cut_an_object_is_another_one_also_in_the_same_place() -> None:
    find = Finds([[100, 50, 80, 80]])
    follows = tracker(find, follow=True)
    assert [in_scene(follows, NOISE[0], frame / 25) for frame in range(3)] == [[1]] * 3
    assert find.asked == 1
    assert [in_scene(follows, NOISE[1], frame / 25) for frame in (3, 4)] == [[2]] * 2
    assert find.asked == 2


def test_after_a_flash_objects_have_their_numbers_again() -> None:
    find = Finds([[100, 50, 80, 80]], [], [[100, 50, 80, 80]])
    follows = tracker(find, follow=True)
    assert in_scene(follows, NOISE[0], 0.0) == [1]
    assert in_scene(follows, np.full_like(FRAME, 255), 0.04, there=False) == []
    assert in_scene(follows, NOISE[0], 0.08) == [1]


def test_when_time_begins_again_the_frame_is_searched_again() -> None:
    finder = Slow()
    follows = Tracker("dots", finder, FRAMING, Tracking(True), None)
    place = [200.0, 200, 80, 80]
    assert [run_frame(follows, 9.0 + frame / 25, place)[1] for frame in (0, 1)] == [[1], [1]]
    assert run_frame(follows, 0.0, place)[1] == [2]
    assert run_frame(follows, 0.0, place)[1] == [3]


def test_a_number_waits_for_the_end_of_a_search_that_is_spread() -> None:
    """It is found again two seconds after its loss: the search looked into one box a frame."""
    follows = Tracker("dots", Slow(), FRAMING, Tracking(True, 2.0, search_ms=33), None)
    follows._budget = FourBoxes()
    follows._budget.count = 1
    place, nowhere = [200.0, 200, 80, 80], [900.0, 900, 80, 80]
    ids = [run_frame(follows, frame / 4, place)[1] for frame in range(10)]
    assert ids[-1] == [1]
    ids = [run_frame(follows, (10 + frame) / 4, nowhere)[1] for frame in range(1)]
    ids += [run_frame(follows, (11 + frame) / 4, place)[1] for frame in range(20)]
    assert ids[0] == []
    assert ids[-1] == [1]
