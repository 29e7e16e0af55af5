from __future__ import annotations

import time

import numpy as np
import pytest

from lmk.bench.measure import calls_per_second, distribution, drift_percent, repeat, warm_up


def test_percentiles_are_numpys_and_the_rest_is_python_statistics() -> None:
    import statistics

    times = np.random.default_rng(0).gamma(3, 2, 1234).tolist()
    found = distribution(times)
    expected = [np.percentile(times, share) for share in (50, 90, 95, 99)]
    assert [found.p50, found.p90, found.p95, found.p99] == pytest.approx(expected)
    assert found.mean == pytest.approx(statistics.fmean(times))
    assert found.std == pytest.approx(statistics.pstdev(times))
    assert found.count == 1234


def test_percentiles_of_a_few_by_hand() -> None:
    found = distribution([10, 20, 30, 40, 50])
    assert (found.min, found.p50, found.p90) == (10, 30, 46)


def test_drift_compares_the_last_third_with_the_first() -> None:
    assert drift_percent([10, 10, 99, 50, 50, 50, 12, 12, 1]) == pytest.approx(20)
    assert drift_percent([8.0]) == 0


def test_warm_up_counts_ten_calls_and_keeps_the_slowest() -> None:
    delays = iter([0.03, *[0.001] * 20])
    found = warm_up(lambda: time.sleep(next(delays)), seconds=0)
    assert found.calls == 10
    assert found.slowest_ms >= 30
    assert found.last_ms < found.slowest_ms
    assert found.seconds >= 0.039


def test_repeat_makes_the_least_calls_however_short_the_time() -> None:
    calls = iter(range(100))
    assert repeat(lambda: next(calls), seconds=0, least=7) == list(range(7))


def test_the_first_call_does_not_count_in_the_rate() -> None:
    delays = iter([0.2, *[0.005] * 100])
    assert calls_per_second(lambda: time.sleep(next(delays)), 0.05) > 60
