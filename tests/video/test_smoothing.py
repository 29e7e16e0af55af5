from __future__ import annotations

import math

import numpy as np
import pytest

from lmk.video.filters.base import Smoothing
from lmk.video.smoothing import Smoother

BOX = np.array([20.0, 10.0, 50.0, 40.0], np.float32)  # a crop of side 50 at (20, 10)
SURE = np.ones(2, np.float32)


def smooth_one(
    smoother: Smoother, time_s: float, xy: np.ndarray, scores: np.ndarray, box: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    shown, opacity = smoother(time_s, ["only"], xy[None], scores[None], box[None])
    return shown[0], opacity[0]


def one_euro(times: list[float], values: list[float], cutoff: float, beta: float) -> list[float]:
    """The filter of the paper for one number, line by line from its appendix."""

    def alpha(rate: float, cutoff: float) -> float:
        tau = 1 / (2 * math.pi * cutoff)
        return 1 / (1 + tau * rate)

    out, speed, before = [values[0]], 0.0, values[0]
    for last, now, value in zip(times, times[1:], values[1:], strict=False):
        rate = 1 / (now - last)
        a = alpha(rate, 1.0)
        speed = a * (value - before) * rate + (1 - a) * speed
        a = alpha(rate, cutoff + beta * abs(speed))
        before = a * value + (1 - a) * before
        out.append(before)
    return out


def test_smoothing_is_the_one_euro_filter_at_uneven_times() -> None:
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.uniform(0.01, 0.08, 40)).tolist()
    x = np.cumsum(rng.normal(0, 4, 40)) + 60
    # Moving along x alone, so that the speed of a point is that of its x; in sides of 50 pixels.
    smoother = Smoother(Smoothing(cutoff_hz=1.3, per_speed=5.0))
    found = []
    for time_s, value in zip(times, x, strict=True):
        xy = np.array([[value, 30.0], [7.0, 9.0]], np.float32)
        found.append(smooth_one(smoother, time_s, xy, SURE, BOX)[0])
    np.testing.assert_allclose(
        np.array(found)[:, 0, 0], one_euro(times, x.tolist(), 1.3, 5.0 / 50), rtol=1e-4
    )
    np.testing.assert_allclose(np.array(found)[:, 1], [[7, 9]] * 40, rtol=1e-5)


def test_times_that_repeat_or_run_backwards_change_nothing() -> None:
    smoother = Smoother(Smoothing())
    xy = np.array([[30.0, 30.0], [40.0, 20.0]], np.float32)
    first, _ = smooth_one(smoother, 5.0, xy, SURE, BOX)
    for time_s in (5.0, 4.0):
        again, _ = smooth_one(smoother, time_s, xy + 9, SURE, BOX)
        np.testing.assert_array_equal(again, first)


def test_a_lost_landmark_stays_in_its_place_in_the_crop_and_fades() -> None:
    smoother = Smoother(Smoothing(cutoff_hz=1e6, low_score=0.4, fade_s=0.5))
    xy = np.array([[30.0, 30.0], [45.0, 20.0]], np.float32)
    smooth_one(smoother, 1.0, xy, SURE, BOX)
    # The object moves by (10, 4) and grows to twice its size; the second landmark is lost.
    moved = np.array([30.0, 14.0, 100.0, 80.0], np.float32)
    guess = np.array([[50.0, 54.0], [3.0, 3.0]], np.float32)
    shown, opacity = smooth_one(smoother, 1.2, guess, np.array([0.9, 0.1], np.float32), moved)
    np.testing.assert_allclose(
        shown, [[50, 54], [30 + 2 * 25.5 - 0.5, 4 + 2 * 15.5 - 0.5]], rtol=1e-4
    )
    np.testing.assert_allclose(opacity, [1, 0.6], rtol=1e-5)
    _, opacity = smooth_one(smoother, 1.9, guess, np.array([0.9, 0.1], np.float32), moved)
    np.testing.assert_allclose(opacity, [1, 0])
    _, opacity = smooth_one(smoother, 2.0, guess, SURE, moved)
    np.testing.assert_allclose(opacity, [1, 1])


def test_a_landmark_never_seen_is_not_shown() -> None:
    _, opacity = smooth_one(Smoother(Smoothing()), 0.0, np.ones((2, 2)), np.array([0.9, 0.0]), BOX)
    assert opacity.tolist() == [1, 0]


def test_what_rests_is_steadier_and_what_moves_does_not_lag() -> None:
    rng = np.random.default_rng(1)
    times = np.arange(90) / 30
    rest, moving = Smoother(Smoothing()), Smoother(Smoothing())
    still, behind = [], []
    for time_s in times:
        noise = rng.normal(0, 0.5, (1, 2))
        still.append(
            smooth_one(rest, time_s, np.array([[60.0, 40.0]]) + noise, SURE[:1], BOX)[0][0, 0]
        )
        place = np.array([[60.0 + 100 * time_s, 40.0]])  # two sides a second
        behind.append(place[0, 0] - smooth_one(moving, time_s, place, SURE[:1], BOX)[0][0, 0])
    assert np.std(still[30:]) < 0.5 / 2
    assert behind[-1] == pytest.approx(0, abs=50 * 0.03)


def test_each_of_several_objects_is_smoothed_as_if_it_were_alone() -> None:
    """Objects appear, change places, and disappear; "a" is a new object when it comes back."""
    rng = np.random.default_rng(2)
    together, alone, last = Smoother(Smoothing()), {}, []
    frames = (["a"], ["a", "b"], ["c", "b", "a"], ["b"], [], ["c", "b"], ["b", "a", "c"], ["a"])
    for step, objects in enumerate(frames):
        count, time_s = len(objects), step / 20
        xy = rng.uniform(0, 90, (count, 2, 2)).astype(np.float32)
        scores = rng.uniform(0.2, 1, (count, 2)).astype(np.float32)
        boxes = rng.uniform(20, 50, (count, 4)).astype(np.float32)
        found = together(time_s, objects, xy, scores, boxes)
        assert (len(found[0]), len(found[1])) == (count, count)
        for row, key in enumerate(objects):
            if key not in last:
                alone[key] = Smoother(Smoothing())
                np.testing.assert_allclose(found[0][row], xy[row], rtol=1e-5)  # nothing lags
            expected = smooth_one(alone[key], time_s, xy[row], scores[row], boxes[row])
            np.testing.assert_allclose(found[0][row], expected[0], rtol=1e-5, atol=1e-4)
            np.testing.assert_allclose(found[1][row], expected[1], atol=1e-6)
        last = objects
