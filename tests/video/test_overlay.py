from __future__ import annotations

import dataclasses
import time
import tracemalloc

import numpy as np
import pytest
from video.sinks.results import no_places

from lmk.drawing.draw import LINE_BGR, landmark_color
from lmk.model.points import NamedPoints
from lmk.video import overlay
from lmk.video.overlay import Overlay, OverlayOptions, text_size, time_rows
from lmk.video.result import Objects
from lmk.video.sources.base import Frame
from lmk.video.stages import Stages
from lmk.video.trails import FRAMES

GREY = 128
SIZE_WH = (640, 360)
OPTIONS = [field.name for field in dataclasses.fields(OverlayOptions)]


def frame(index: int = 0, size_wh: tuple[int, int] = SIZE_WH) -> Frame:
    return Frame(index, index / 25, np.full((size_wh[1], size_wh[0], 3), GREY, np.uint8))


def objects(
    xy: list, opacity: float = 1.0, ids: tuple[int, ...] = (3,), model: str = "dots"
) -> Objects:
    """Objects (N) with the same landmarks (K, 2), in boxes of 200 pixels at (100, 80)."""
    points = np.array([xy] * len(ids), np.float32)
    boxes = np.array([[100, 80, 200, 200]] * len(ids), np.float32)
    ones = np.ones(points.shape[:2], np.float32)
    places = boxes, np.zeros(len(ids)), points
    values = 0.9 * ones, opacity * ones, ones[:, 0]
    return Objects(model, np.array(ids), *places, *values, *no_places(len(ids)))


NAMED = NamedPoints(("pupil", "heel"), ((0, 1),))


def named(
    points: list,
    seen: float = 1.0,
    side: float = 200,
    points_of: NamedPoints = NAMED,
    model: str = "feet",
) -> Objects:
    """An object with points (P, 2) and three landmarks far from them."""
    found = objects([[400.0, 300], [430, 300], [460, 300]], ids=(3,), model=model)
    return dataclasses.replace(
        found,
        boxes=np.array([[100, 80, side, side]], np.float32),
        points=np.array([points], np.float32),
        points_opacity=np.full((1, len(points)), seen, np.float32),
        named=points_of,
    )


def changed(drawn: np.ndarray) -> np.ndarray:
    return (drawn != GREY).any(-1)


def test_a_held_landmark_fades() -> None:
    xy = [[150.0, 120], [250, 200]]
    color = np.array(landmark_color(0), float)
    for opacity in (1.0, 0.5, 0.1):
        drawn = Overlay()(frame(), [objects(xy, opacity)])
        expected = opacity * color + (1 - opacity) * GREY
        np.testing.assert_allclose(drawn[120, 150], expected, atol=1)
    assert not changed(Overlay()(frame(), [objects(xy, 0.0)])).any()


def test_a_faded_landmark_at_the_edge_stays_inside() -> None:
    for xy in ([[0.0, 0]], [[639, 359]], [[-30, 700]], [[3e9, -3e9]]):
        Overlay()(frame(), [objects(xy, 0.5)])


def test_the_frame_itself_stays() -> None:
    given = frame()
    Overlay(OverlayOptions(*[True] * len(OPTIONS)), Stages())(given, [objects([[150, 120]])])
    assert (given.image_bgr == GREY).all()


@pytest.mark.parametrize("option", OPTIONS)
def test_each_option_draws_something_of_its_own(option: str) -> None:
    drawn = []
    for on in (False, True):
        stages = Stages()
        stages.add("model", 12.0)
        made = Overlay(stages=stages)
        if on:
            assert made.toggle(option) == (option != "names")
        for index in range(4):
            points = named([[150, 300], [250, 310]])
            found = [objects([[150.0 + 8 * index, 120], [250, 200]]), points]
            image = made(frame(index), found)
        drawn.append(image)
    assert 30 < (drawn[0] != drawn[1]).any(-1).sum() < 15_000


def test_names_are_written_beside_their_landmarks_or_else_numbers() -> None:
    found = [objects([[150.0, 120], [150, 200]])]
    plain = Overlay()(frame(), found)
    widths = []
    for names in ({"dots": ["left eye, outer corner", "n"]}, {"others": ["a", "b"]}):
        labelled = Overlay(OverlayOptions(labels=True), names=names)(frame(), found)
        new = (labelled != plain).any(-1)
        for y in (120, 200):
            rows, columns = np.nonzero(new[y - 15 : y + 15])
            assert columns.min() > 150
            assert abs(rows.mean() - 15) < 3
            widths.append(np.ptp(columns))
    assert widths[0] > 8 * widths[1]
    assert widths[2] < 15


def test_a_model_with_named_points_shows_them_with_their_names_and_skeleton() -> None:
    points = [[150.0, 120], [150, 220]]
    drawn = Overlay()(frame(), [named(points)])
    assert not changed(drawn)[280:, 380:].any()  # the landmarks
    for k, (x, y) in enumerate(points):
        assert drawn[int(y), int(x)].tolist() == list(landmark_color(k))
    assert drawn[170, 150].tolist() == list(LINE_BGR)
    assert changed(drawn)[110:130, 160:200].any()
    plain = Overlay(OverlayOptions(names=False))(frame(), [named(points)])
    rows, columns = np.nonzero((drawn != plain).any(-1))
    assert columns.min() > 150 + 4
    assert (np.minimum(abs(rows - 120), abs(rows - 220)) < 15).all()
    with_landmarks = Overlay(OverlayOptions(landmarks=True))(frame(), [named(points)])
    assert with_landmarks[300, 430].tolist() == list(landmark_color(1))
    assert (with_landmarks[:280] == drawn[:280]).all()


def test_labels_of_landmarks_are_written_only_where_landmarks_are_drawn() -> None:
    points = [[150.0, 120], [150, 220]]
    plain = Overlay()(frame(), [named(points)])
    for option in ("labels", "scores"):
        only = Overlay(OverlayOptions(**{option: True}))(frame(), [named(points)])
        assert (only == plain).all()
        both = Overlay(OverlayOptions(landmarks=True, **{option: True}))(frame(), [named(points)])
        assert changed(both)[285:315, 435:445].any()


def test_an_object_too_small_for_readable_names_has_none() -> None:
    points = [[150.0, 120], [150, 220]]
    for side, there in ((60, False), (200, True)):
        drawn = [
            Overlay(OverlayOptions(names=names))(frame(), [named(points, side=side)])
            for names in (True, False)
        ]
        assert (drawn[0] != drawn[1]).any() == there


def test_trails_follow_the_named_points() -> None:
    made = Overlay(OverlayOptions(trails=True, names=False))
    for index in range(10):
        drawn = made(frame(index), [named([[100.0 + 20 * index, 60], [100 + 20 * index, 200]])])
    assert changed(drawn)[60, 110:280].all()
    assert changed(drawn)[200, 110:280].all()
    assert not changed(drawn)[280:].any()


def test_trails_show_where_landmarks_were_and_no_longer_than_the_history() -> None:
    made = Overlay(OverlayOptions(trails=True))
    for index in range(FRAMES + 20):
        drawn = made(frame(index), [objects([[20.0 + 10 * index, 300]])])
    oldest, newest = 20 + 10 * 20, 20 + 10 * (FRAMES + 19)
    columns = np.nonzero(changed(drawn))[1]
    assert abs(columns.min() - oldest) <= 3
    assert abs(columns.max() - newest) <= 6
    color = landmark_color(0)
    assert drawn[300, newest - 40].tolist() == list(color)
    rows = [changed(drawn)[:, x].sum() for x in (oldest + 30, newest - 30)]
    assert rows[0] < rows[1]  # thin where it is long ago


def test_a_trail_ends_with_its_object_and_sources_and_models_have_their_own() -> None:
    made = Overlay(OverlayOptions(trails=True))
    for index in range(5):
        near = objects([[100.0 + 20 * index, 50]], ids=(3,))
        made(frame(index), [near], "camera 0")
        made(frame(index), [objects([[100.0 + 20 * index, 300]])], "camera 1")
    other = made(frame(5), [objects([[200.0, 50]], model="cats")], "camera 0")
    assert not changed(other)[:, :190].any()
    again = made(frame(6), [objects([[200.0, 50]])], "camera 0")  # the number is given again
    assert not changed(again)[:, :190].any()
    still = made(frame(5), [objects([[200.0, 300]])], "camera 1")
    assert changed(still)[300, 101:200].all()
    assert not changed(still)[:200].any()


def test_the_same_frame_again_adds_nothing_to_trails() -> None:
    made = Overlay(OverlayOptions(trails=True))
    first = made(frame(0), [objects([[100.0, 50]])])
    assert (made(frame(0), [objects([[100.0, 50]])]) == first).all()
    moved = made(frame(1), [objects([[200.0, 50]])])
    assert (made(frame(1), [objects([[200.0, 50]])]) == moved).all()


def test_history_takes_no_memory_that_grows() -> None:
    made = Overlay(OverlayOptions(trails=True))

    def run(start: int) -> None:
        for index in range(start, start + 300):
            numbers = (index, index + 1)  # every object is gone after two frames
            made(frame(index, (64, 48)), [objects([[20.0, 30]], ids=numbers)])

    run(0)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    run(300)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 20_000


def test_times_are_the_medians_the_rate_and_what_was_dropped() -> None:
    stages = Stages()
    for ms in (1.0, 9.0, 2.0):
        stages.add("model", ms)
    stages.drop("replaced by a newer frame", 3)
    rows = (("frames/s", "-"), ("model", "2.0 ms"), ("dropped, replaced by a newer frame", "3"))
    assert time_rows(stages) == rows


def test_times_change_twice_a_second_and_not_more(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(overlay.time, "monotonic", lambda: now[0])
    stages = Stages()
    stages.add("model", 1.0)
    made = Overlay(OverlayOptions(times=True), stages)
    first = made(frame(), [])
    stages.add("model", 555.0)
    now[0] += 0.4
    assert (made(frame(), []) == first).all()
    now[0] += 0.2
    assert (made(frame(), []) != first).any()


@pytest.mark.parametrize("size_wh", [(1, 1), (2, 3000), (3000, 2)])
def test_frames_too_small_for_text_are_drawn_all_the_same(size_wh: tuple[int, int]) -> None:
    stages = Stages()
    stages.add("model", 1.0)
    made = Overlay(OverlayOptions(*[True] * len(OPTIONS)), stages)
    assert made(frame(0, size_wh), [objects([[0.0, 0]])]).shape == (*size_wh[::-1], 3)


def test_text_grows_with_the_picture_within_limits() -> None:
    sizes = [text_size(frame(0, (10, height)).image_bgr) for height in (100, 1080, 4320, 9000)]
    assert sizes == [11, 25, 64, 64]


def test_landmarks_in_full_hd_cost_little() -> None:
    made, given = Overlay(), frame(0, (1920, 1080))
    found = [objects([[200.0 + 30 * k, 400] for k in range(10)], ids=(1, 2, 3))]
    spent = []
    for _ in range(15):
        start = time.process_time()
        made(given, found)
        spent.append(time.process_time() - start)
    assert np.median(spent) < 6e-3  # 0.7 ms when this machine does nothing else
