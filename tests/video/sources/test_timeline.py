from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

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


# Often equal, nearly equal or beyond all times.
STRANGE = [math.nan, math.inf, -math.inf, 1e308, -1e308, 1e11, -1e11, 99e9, 5e-324, 0.0, -0.0]
READINGS = st.sampled_from(STRANGE) | st.floats() | st.floats(-9, 9)


@example(0.0, 200 * [99e9, -99e9], 1000.0)  # a frame is then less than the nearest two times
@given(READINGS, st.lists(READINGS), st.none() | st.floats())
def test_times_increase_and_are_finite_whatever_the_readings_and_the_rate(
    first_s: float, readings_s: list[float], fps: float | None
) -> None:
    timeline = Timeline(first_s, fps)
    times_s = [0.0, *map(timeline.time_s, readings_s)]
    assert all(earlier < later for earlier, later in itertools.pairwise(times_s))
    assert math.isfinite(times_s[-1])


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, unique=True).map(sorted))
def test_readings_that_increase_are_the_times(readings_ms: list[int]) -> None:
    first_s, *readings_s = [reading / 1000 for reading in readings_ms]
    timeline = Timeline(first_s, 25.0)
    times_s = [timeline.time_s(reading) for reading in readings_s]
    assert times_s == [reading - first_s for reading in readings_s]
