from __future__ import annotations

import itertools
import math
import random

import pytest

from lmk.video.sources.timeline import Timeline

NO_NUMBER = math.nan


@pytest.mark.parametrize(
    ("readings_s", "expected_s"),
    [
        ([0.3, 0.333, 0.4, 0.48], [0.033, 0.1, 0.18]),  # variable rate, late start
        ([0, 0, 0, 0], [0.05, 0.1, 0.15]),  # none: the rate's
        ([0, 0.05, 0.02, 0.13], [0.05, 0.1, 0.13]),  # one runs backwards
        ([0, NO_NUMBER, NO_NUMBER, 0.16], [0.05, 0.1, 0.16]),
        ([50, 51, 7, 7.5, 9], [1, 1.05, 1.55, 3.05]),  # set back by 44 s
        ([50, 51, 4000, 4001], [1, 3950, 3951]),  # set forward: nobody can tell that from a pause
    ],
)
def test_times_always_grow(readings_s: list[float], expected_s: list[float]) -> None:
    timeline = Timeline(readings_s[0], 20.0)
    assert [timeline.time_s(reading) for reading in readings_s[1:]] == pytest.approx(expected_s)


def test_without_a_rate_frames_of_the_same_time_are_a_millisecond_apart() -> None:
    timeline = Timeline(5.0, None)
    assert [timeline.time_s(5.0), timeline.time_s(5.0)] == pytest.approx([0.001, 0.002])


@pytest.mark.parametrize("first_s", [math.nan, math.inf, -math.inf, 1e300])
def test_a_first_reading_that_is_no_time_leaves_a_frame_between_the_first_two(
    first_s: float,
) -> None:
    timeline = Timeline(first_s, 20.0)
    readings_s = [NO_NUMBER, 50.0, 50.25]
    assert [timeline.time_s(reading) for reading in readings_s] == pytest.approx([0.05, 0.1, 0.35])


@pytest.mark.parametrize("seed", range(20))
def test_times_increase_and_are_finite_whatever_the_readings(seed: int) -> None:
    chance = random.Random(seed)

    def reading_s() -> float:
        strange = [NO_NUMBER, math.inf, -math.inf, 1e308, -1e308, 1e11, -1e11, 99e9, 0.0, -0.0]
        usual = [chance.uniform(-9, 9), chance.uniform(-1e10, 1e10), chance.gauss(0, 1e-9)]
        return chance.choice([*strange, *usual])

    timeline = Timeline(reading_s(), chance.choice([None, 0.001, 25.0, 1000.0]))
    times_s = [0.0] + [timeline.time_s(reading_s()) for _ in range(500)]
    assert all(earlier < later for earlier, later in itertools.pairwise(times_s))
    assert math.isfinite(times_s[-1])
