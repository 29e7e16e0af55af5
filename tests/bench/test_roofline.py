from __future__ import annotations

import pytest

from lmk.bench.operations import Cost
from lmk.bench.peaks import Bandwidth, Peak
from lmk.bench.roofline import roofline

COST = Cost(macs=500_000, other_operations=9, weights=10_000, activations=40_000)
PEAK = Peak("cpu", "fp16", 2, 4e9, "some runtime")


def test_shares_by_hand() -> None:
    # 10^6 operations in 0.5 ms are half of the peak's rate; 3000 pictures a second three quarters.
    found = roofline(COST, "fp16", 0.5, [1000, 3000, 2900], PEAK, Bandwidth("cpu", 2, 1e9))
    assert found.operations_per_s == pytest.approx(2e9)
    assert found.share_of_peak == pytest.approx(0.5)
    assert found.share_of_peak_in_batches == pytest.approx(0.75)
    # 10 operations a byte at 10^9 bytes a second: memory allows more than the arithmetic does.
    assert found.bytes == 100_000
    assert (found.bound_per_s, found.bound_by) == (4e9, "arithmetic")


def test_slow_memory_is_the_lower_limit() -> None:
    found = roofline(COST, "fp16", 0.5, [1000], PEAK, Bandwidth("cpu", 2, 0.25e9))
    assert (found.bound_per_s, found.bound_by) == (pytest.approx(2.5e9), "memory")
    assert found.share_of_bound == pytest.approx(0.8)
