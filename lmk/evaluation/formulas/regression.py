"""Forward and backward errors: how well one set of points linearly predicts another.

Forward: from the landmarks to the annotated points. Low when the landmarks carry the object's
shape. Backward: from the annotated points to the landmarks. Low when every landmark follows the
object. A landmark that does not move at all is also predicted perfectly, so judge both together
with the spread.

Source: Sanchez and Tzimiropoulos, NeurIPS 2019, section 4.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmk.arrays import DoubleArray, Indices, Points
from lmk.system.errors import DataError, UsageError

# As the authors' public code, so that errors at few training images compare with the paper's.
RIDGE = 1e-5
DRAWS = 10
FOLDS = 5
# Points whose squared deviations stay below this many px^2 do not vary: they predict nothing.
LEAST_SCATTER = 1e-6


@dataclass(frozen=True, eq=False)
class Pairs:
    """Two sets of points of the same N images: source (N, S, 2) and target (N, T, 2), one unit.

    Raises DataError unless all points are annotated and there is at least one image.
    """

    source: Points
    target: Points

    def __post_init__(self) -> None:
        _check_complete(self.source, "source points")
        _check_complete(self.target, "target points")
        if len(self.source) != len(self.target):
            raise DataError(
                f"{len(self.source)} images with source points, {len(self.target)} with target "
                "points: expected the same images"
            )

    def __len__(self) -> int:
        return len(self.source)

    def swapped(self) -> Pairs:
        """Swap source and target."""
        return Pairs(self.target, self.source)

    def __getitem__(self, index: npt.NDArray[np.generic] | slice) -> Pairs:
        return Pairs(self.source[index], self.target[index])


@dataclass(frozen=True, eq=False)
class Regressor:
    """Affine maps: weights (..., 2S, 2T) act on the deviation from the source's mean (..., 2S)."""

    weights: DoubleArray
    source_mean: DoubleArray
    target_mean: DoubleArray

    def __call__(self, source: Points) -> DoubleArray:
        """Predict target points, float64 (..., N, T, 2), from source points (N, S, 2)."""
        deviation = _flat(source) - self.source_mean[..., None, :]
        flat = deviation @ self.weights + self.target_mean[..., None, :]
        return flat.reshape(*flat.shape[:-1], -1, 2)


@dataclass(frozen=True, eq=False)
class RegressionErrors:
    """Predictions and their errors, one row per draw of training images.

    percent: float64 (draws, N), mean distance of an image's points in percent of its normaliser;
    predicted: float64 (draws, N, T, 2). With all training images there is one draw, since
    every other would be the same.
    """

    percent: DoubleArray
    predicted: DoubleArray

    @property
    def mean(self) -> float:
        """Mean over images and draws."""
        return float(self.percent.mean())

    @property
    def std(self) -> float:
        """Standard deviation, over draws, of the mean over images."""
        return float(self.percent.mean(axis=1).std())

    def failure_rate(self, limit_percent: float) -> float:
        """Share in [0, 1] of images, over all draws, with an error above the limit."""
        return float((self.percent > limit_percent).mean())


def fit_ridge(source: Points, target: Points, ridge: float = RIDGE) -> Regressor:
    """Fit target points (..., N, T, 2) to source points (..., N, S, 2), each draw `...` on its own.

    Minimises |Y - X W|^2 + ridge * m * |W|^2 over W, with X and Y the deviations from the means,
    so that the bias is not penalised, and m the largest entry of X^T X, so that the ridge weight
    means the same for every unit of the points and number of images. With one image the map is
    constant. Raises UsageError unless ridge > 0.
    """
    if not ridge > 0:
        raise UsageError(f"ridge weight {ridge}: expected a number above 0, such as {RIDGE}")
    x, y = _flat(source), _flat(target)
    source_mean, target_mean = x.mean(axis=-2), y.mean(axis=-2)
    x, y = x - source_mean[..., None, :], y - target_mean[..., None, :]
    transposed = x.swapaxes(-1, -2)
    scatter = transposed @ x
    penalty = ridge * np.maximum(scatter.max(axis=(-1, -2)), LEAST_SCATTER)
    eye = np.eye(scatter.shape[-1])
    weights = np.linalg.solve(scatter + penalty[..., None, None] * eye, transposed @ y)
    return Regressor(weights, source_mean, target_mean)


def point_errors(predicted: Points, expected: Points, normalizer: Points) -> DoubleArray:
    """Mean distance between points (..., N, T, 2) over the image's length (N,), in percent.

    The normalizer is a length in the points' unit, such as the inter-ocular distance. Raises
    DataError where one is not positive.
    """
    bad = np.flatnonzero(~(np.isfinite(normalizer) & (normalizer > 0)))
    if len(bad):
        raise DataError(
            f"{len(bad)} of {len(normalizer)} images have no positive distance to normalise by, "
            f"the first at index {bad[0]}: exclude these images"
        )
    difference = predicted.astype(np.float64) - expected
    distance = np.linalg.norm(difference, axis=-1).mean(axis=-1)
    return np.asarray(100 * distance / normalizer, np.float64)


def regression_errors(
    train: Pairs,
    test: Pairs,
    normalizer: Points,
    *,
    count: int | None = None,
    draws: int = DRAWS,
    seed: int = 0,
    ridge: float = RIDGE,
) -> RegressionErrors:
    """Predict the test images' target points with regressors fitted on training images.

    From landmarks to annotated points this is the forward error, in the opposite direction the
    backward error. normalizer (N_test,) is the test images' annotated length in both. Each
    regressor is fitted on `count` training images, all if None, drawn without replacement, `draws`
    times; the images drawn depend only on seed, draw and counts, so that models are compared on the
    same ones. Raises UsageError when count or draws is below 1 and DataError when count exceeds the
    images.
    """
    index = draw_images(len(train), count, draws, seed)
    predicted = fit_ridge(train.source[index], train.target[index], ridge)(test.source)
    return RegressionErrors(point_errors(predicted, test.target, normalizer), predicted)


def cross_validated_errors(
    pairs: Pairs,
    normalizer: Points,
    *,
    folds: int = FOLDS,
    count: int | None = None,
    draws: int = DRAWS,
    seed: int = 0,
    ridge: float = RIDGE,
) -> RegressionErrors:
    """Predict every image once, by regressors fitted on images of the other folds.

    For sets without their own training images. `count` images, all if None, are drawn from the
    other folds as in `regression_errors`. Raises what that raises, and UsageError unless 2 <= folds
    <= N.
    """
    assigned = assign_folds(len(pairs), folds, seed)
    rows = 1 if count is None else draws
    percent = np.empty((rows, len(pairs)))
    predicted = np.empty((rows, *pairs.target.shape))
    for fold in range(folds):
        held_out = assigned == fold
        fold_errors = regression_errors(
            pairs[~held_out],
            pairs[held_out],
            normalizer[held_out],
            count=count,
            draws=draws,
            seed=seed,
            ridge=ridge,
        )
        # If a fold leaves exactly `count` images, its single draw counts as all draws.
        percent[:, held_out] = fold_errors.percent
        predicted[:, held_out] = fold_errors.predicted
    return RegressionErrors(percent, predicted)


def assign_folds(total: int, folds: int, seed: int) -> Indices:
    """Number of the fold of each image, (total,), at random: sizes differ by one image at most."""
    if not 2 <= folds <= total:
        raise UsageError(f"{folds} folds: expected from 2 to the number of images, {total}")
    assigned: Indices = np.random.default_rng([seed, folds]).permutation(total) % folds
    return assigned


def draw_images(total: int, count: int | None, draws: int, seed: int) -> Indices:
    """Indices (draws, count) of the training images of each draw; one draw if it takes all."""
    if draws < 1:
        raise UsageError(f"{draws} draws of training images: expected at least 1")
    if count is None or count == total:
        return np.arange(total)[None]
    if count < 1:
        raise UsageError(f"number of training images {count}: expected at least 1")
    if count > total:
        raise DataError(f"{count} training images requested, but only {total} available")
    chosen = [
        np.random.default_rng([seed, draw, count]).choice(total, count, replace=False)
        for draw in range(draws)
    ]
    return np.stack(chosen)


def _check_complete(points: Points, what: str) -> None:
    if points.ndim != 3 or points.shape[-1] != 2 or not points.size:
        raise DataError(f"{what}: expected an array (images, points, 2), got {points.shape}")
    bad = np.flatnonzero(~np.isfinite(points).all(axis=(1, 2)))
    if len(bad):
        raise DataError(
            f"{len(bad)} of {len(points)} images lack {what}, the first at index {bad[0]}: exclude "
            "these images or annotate them"
        )


def _flat(points: Points) -> DoubleArray:
    return points.reshape(*points.shape[:-2], -1).astype(np.float64)
