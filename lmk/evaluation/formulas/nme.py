"""The normalised mean error: how far found points lie from the annotated ones.

Errors are in percent of a length of the object. The cumulative error curve is the share of images
with at most an error; the area under it, up to a limit, and the share of failures beyond it,
summarise the curve. Source: Sagonas et al., 300 Faces In-The-Wild Challenge, IMAVIS 2016.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lmk.arrays import DoubleArray, Flags, Points


@dataclass(frozen=True, eq=False)
class Nme:
    """Errors float64 (N, A) in percent, NaN where a point or the length is unknown.

    found (N, A, 2): the points that were compared with the annotated ones.
    """

    percent: DoubleArray
    found: Points

    @property
    def per_image(self) -> DoubleArray:
        """Mean over the known points of each image, (N,); NaN for an image without."""
        return _means(self.percent)

    @property
    def per_point(self) -> DoubleArray:
        """Mean over the images that have each point, (A,)."""
        return _means(self.percent.T)

    @property
    def known(self) -> DoubleArray:
        """`per_image` of the images that have any point."""
        errors = self.per_image
        return errors[np.isfinite(errors)]

    def area_under_curve(self, limit_percent: float) -> float:
        """Mean height, in [0, 1], of the cumulative error curve from 0 to the limit.

        An image with error e lifts the curve from e on: by 1 - e / limit in the mean.
        """
        return float(np.maximum(1 - self.known / limit_percent, 0).mean())

    def failure_rate(self, limit_percent: float) -> float:
        """Share in [0, 1] of images with a larger error."""
        return float((self.known > limit_percent).mean())


def nme(found: Points, annotated: Points, labelled: Flags, lengths: Points) -> Nme:
    """Compare points (N, A, 2), where labelled (N, A); lengths (N,), all in one unit.

    Images whose length is not above 0 are left out.
    """
    distance = np.linalg.norm(found.astype(np.float64) - annotated, axis=-1)
    usable = np.where(lengths > 0, lengths, np.nan)[:, None]
    return Nme(np.where(labelled, 100 * distance / usable, np.nan), found)


def _means(values: DoubleArray) -> DoubleArray:
    """Means of the known values of each row (R, C); NaN for a row without."""
    known = np.isfinite(values)
    count = known.sum(1)
    return np.asarray(np.where(known, values, 0).sum(1) / np.where(count > 0, count, np.nan))
