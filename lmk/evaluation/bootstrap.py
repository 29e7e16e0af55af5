"""The confidence interval of a difference of two models: the paired bootstrap over test images.

Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13 (percentile
intervals).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lmk.arrays import DoubleArray

RESAMPLES = 2000
LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class PerImage:
    """Contribution of each image to a figure: sum of `total` (N,) over sum of `weight` (N,)."""

    total: DoubleArray
    weight: DoubleArray

    @property
    def value(self) -> float:
        """The figure over all images."""
        return float(self.total.sum() / self.weight.sum())


@dataclass(frozen=True)
class Difference:
    """Another model's figure minus that of the reference, with its interval."""

    value: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether 0 lies outside the interval."""
        return self.low > 0 or self.high < 0


def paired_bootstrap(
    reference: PerImage, other: PerImage, resamples: int = RESAMPLES, seed: int = 0
) -> Difference:
    """Compare two models on the same images, in the same order, with an interval of LEVEL.

    Every resample draws N images with replacement, the same ones for both models. The regressors
    are not fitted again: the interval does not cover another choice of training images.
    """
    weighted = (reference.weight > 0) & (other.weight > 0)
    count = int(weighted.sum())
    drawn = _draw_counts(count, resamples, seed)
    figures = [
        (drawn @ per_image.total[weighted]) / (drawn @ per_image.weight[weighted])
        for per_image in (reference, other)
    ]
    ends = np.quantile(figures[1] - figures[0], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Difference(other.value - reference.value, float(ends[0]), float(ends[1]))


def _draw_counts(count: int, resamples: int, seed: int) -> DoubleArray:
    """How often each of `count` images is drawn, float64 (resamples, count)."""
    index = np.random.default_rng(seed).integers(0, count, (resamples, count))
    flat = index + count * np.arange(resamples)[:, None]
    times = np.bincount(flat.ravel(), minlength=resamples * count)
    return times.reshape(resamples, count).astype(np.float64)
