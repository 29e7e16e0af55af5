"""The error to expect on new pictures, from the errors on left-out ones."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from lmk.arrays import DoubleArray, FloatArray, Points

LEVEL = 0.95
FAR, LEAST_FAR_PX = 4.0, 4.0  # how far off a point must be to be said, in medians and in px
FEWEST = 5  # pictures with a point, of which one can be unlike the others


@dataclass(frozen=True)
class Expected:
    """A mean error and the interval that has it in 95 of 100 cases; NaN with a single picture."""

    mean: float
    low: float
    high: float


def expected(errors: Points) -> Expected:
    """The mean of the errors (N,) of N pictures, and its interval by Student's t.

    Errors that are NaN are left out.
    """
    known = errors[np.isfinite(errors)].astype(np.float64)
    if len(known) < 2:
        return Expected(float(known.mean()) if len(known) else np.nan, np.nan, np.nan)
    half = student_t(len(known) - 1) * float(known.std(ddof=1)) / np.sqrt(len(known))
    mean = float(known.mean())
    return Expected(mean, max(mean - half, 0.0), mean + half)


def student_t(freedom: int) -> float:
    """The quantile of Student's t of the two-sided interval of LEVEL.

    Within 2 % from 3 degrees of freedom. Source: Abramowitz and Stegun, 26.7.5.
    """
    z = NormalDist().inv_cdf((1 + LEVEL) / 2)
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return float(sum(term / freedom**power for power, term in enumerate(terms)))


def by_picture(errors: Points) -> DoubleArray:
    """Mean error (N,) of the annotated points of each picture (N, P); NaN for none."""
    known = np.isfinite(errors)
    total = np.where(known, errors, 0).sum(1, dtype=np.float64)
    count = known.sum(1)
    return np.asarray(total / np.where(count > 0, count, np.nan))


def far_off(errors_px: FloatArray) -> list[tuple[int, int]]:
    """Picture and point, by number, of errors (N, P) unlike those of the other pictures.

    The largest comes first.
    """
    found = []
    for point, errors in enumerate(errors_px.T):
        known = errors[np.isfinite(errors)]
        if len(known) >= FEWEST:
            limit = max(FAR * float(np.median(known)), LEAST_FAR_PX)
            found += [(int(picture), point) for picture in np.flatnonzero(errors > limit)]
    return sorted(found, key=lambda place: -float(errors_px[place]))
