from __future__ import annotations

import math

import numpy as np
import pytest

from lmk.evaluation.bootstrap import Difference, PerImage, paired_bootstrap


def sample(total, weight=None) -> PerImage:
    total = np.asarray(total, float)
    return PerImage(total, np.ones(len(total)) if weight is None else np.asarray(weight, float))


def test_value_is_a_ratio_of_sums() -> None:
    assert sample([3, 0, 5], [4, 0, 6]).value == pytest.approx(8 / 10)


def test_interval_matches_a_slow_bootstrap() -> None:
    """Images drawn one by one, both models on the same ones; the ends agree within their noise."""
    rng = np.random.default_rng(0)
    weight = rng.integers(0, 5, 40)
    first, second = (rng.binomial(weight, share) for share in (0.6, 0.7))
    found = paired_bootstrap(sample(first, weight), sample(second, weight), resamples=4000, seed=1)
    counted = [i for i in range(40) if weight[i]]
    differences = []
    for _ in range(2000):
        drawn = [counted[i] for i in rng.integers(0, len(counted), len(counted))]
        total = sum(weight[i] for i in drawn)
        differences.append(sum(second[i] - first[i] for i in drawn) / total)
    assert found.value == pytest.approx((sum(second) - sum(first)) / sum(weight))
    low, high = np.quantile(differences, [0.025, 0.975])
    assert found.low == pytest.approx(low, abs=0.15 * (high - low))
    assert found.high == pytest.approx(high, abs=0.15 * (high - low))


def test_interval_of_many_images_is_the_normal_one() -> None:
    rng = np.random.default_rng(0)
    first = rng.normal(10, 5, 2000)
    second = first + rng.normal(0.1, 1, 2000)
    found = paired_bootstrap(sample(first), sample(second))
    half = 1.96 * (second - first).std() / math.sqrt(2000)
    assert found.high - found.value == pytest.approx(half, rel=0.1)
    assert found.value - found.low == pytest.approx(half, rel=0.1)
    # Were the images not paired, the interval would be some five times as wide.
    assert found.clear


def test_a_constant_difference_has_no_width() -> None:
    first = np.random.default_rng(0).uniform(1, 9, 30)
    found = paired_bootstrap(sample(first), sample(first + 2))
    assert found.low == pytest.approx(2)
    assert found.high == pytest.approx(2)
    same = paired_bootstrap(sample(first), sample(first))
    assert (same.value, same.low, same.high, same.clear) == (0, 0, 0, False)


def test_interval_depends_on_the_seed_alone() -> None:
    first, second = np.random.default_rng(0).uniform(1, 9, (2, 30))
    one = paired_bootstrap(sample(first), sample(second), seed=3)
    assert one == paired_bootstrap(sample(first), sample(second), seed=3)
    assert one != paired_bootstrap(sample(first), sample(second), seed=4)


def test_clear_means_that_zero_lies_outside() -> None:
    assert Difference(1, 0.5, 2).clear
    assert Difference(-1, -2, -0.5).clear
    assert not Difference(0.1, -1, 1).clear
