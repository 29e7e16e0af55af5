"""Forward and backward errors: how well one set of points linearly predicts another.

Forward: from the discovered points to the annotated ones. Low when the discovered points carry
the object's shape. Backward: from the annotated points to the discovered ones. Low when every
discovered point follows the object; a point that does not move at all is also predicted
perfectly, so read both together with the spread.

Source: Sanchez and Tzimiropoulos, NeurIPS 2019, section 4.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmk.errors import DataError, UsageError

# As the authors' public code, so that errors at few training images compare with the paper's.
RIDGE = 1e-5
DRAWS = 10
# Points whose squared deviations stay below this many px^2 do not vary: they predict nothing.
LEAST_SCATTER = 1e-6

Array = npt.NDArray[np.float64]
Points = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Regressor:
    """An affine map: weights (2S, 2T) acts on the deviation from the source's mean (2S,)."""

    weights: Array
    source_mean: Array
    target_mean: Array


@dataclass(frozen=True)
class RegressionErrors:
    """Errors in percent of the normaliser, float64 (draws, N): one row a draw, one column an image.

    With all training images there is one draw, for every other would be the same.
    """

    percent: Array

    @property
    def mean(self) -> float:
        """Mean over images and draws."""
        return float(self.percent.mean())

    @property
    def std(self) -> float:
        """Standard deviation, over draws, of the mean over images."""
        return float(self.percent.mean(axis=1).std())


def fit_ridge(source: Points, target: Points, ridge: float = RIDGE) -> Regressor:
    """Fit target points (N, T, 2) to source points (N, S, 2) of the same images.

    Minimises |Y - X W|^2 + ridge * m * |W|^2 over W, with X and Y the deviations from the means,
    so that the bias is not penalised, and m the largest entry of X^T X, so that the ridge weight
    means the same whatever the points' unit and the number of images. With one image the map is
    constant. Raises DataError, and UsageError unless ridge > 0.
    """
    if not ridge > 0:
        raise UsageError(f"ridge weight {ridge}: expected a number above 0, such as {RIDGE}")
    if len(source) != len(target):
        raise DataError(
            f"{len(source)} images with source points, {len(target)} with target points"
        )
    check_complete(source, "source points")
    check_complete(target, "target points")
    x, y = _flat(source), _flat(target)
    source_mean, target_mean = x.mean(0), y.mean(0)
    x, y = x - source_mean, y - target_mean
    scatter = x.T @ x
    penalty = ridge * max(scatter.max(), LEAST_SCATTER)
    weights = np.linalg.solve(scatter + penalty * np.eye(len(scatter)), x.T @ y)
    return Regressor(weights, source_mean, target_mean)


def apply(regressor: Regressor, source: Points) -> Array:
    """Predict target points, float64 (N, T, 2), from source points (N, S, 2). Raises DataError."""
    check_complete(source, "source points")
    flat = (_flat(source) - regressor.source_mean) @ regressor.weights + regressor.target_mean
    return flat.reshape(len(source), -1, 2)


def point_errors(predicted: Points, expected: Points, normaliser: Points) -> Array:
    """Mean distance between points (N, T, 2) over the image's normaliser (N,), in percent, (N,).

    The normaliser is a length in the points' unit, such as the inter-ocular distance. Raises
    DataError where one is not positive or a point is missing.
    """
    check_complete(predicted, "predicted points")
    check_complete(expected, "expected points")
    bad = np.flatnonzero(~(np.isfinite(normaliser) & (normaliser > 0)))
    if len(bad):
        raise DataError(
            f"{len(bad)} of {len(normaliser)} images have no positive distance to normalise by, "
            f"the first at index {bad[0]}: leave these images out"
        )
    difference = predicted.astype(np.float64) - expected
    distance = np.linalg.norm(difference, axis=-1).mean(axis=1)
    return np.asarray(100 * distance / normaliser, np.float64)


def forward_error(
    found_train: Points,
    annotated_train: Points,
    found_test: Points,
    annotated_test: Points,
    normaliser: Points,
    *,
    count: int | None = None,
    draws: int = DRAWS,
    seed: int = 0,
    ridge: float = RIDGE,
) -> RegressionErrors:
    """Error of the annotated points predicted from the discovered ones.

    found (N, K, 2) and annotated (N, A, 2) are in one frame; normaliser (N_test,) is the test
    images' annotated length. The regressor is fitted on `count` training images, all if None,
    drawn without replacement, `draws` times; the images drawn depend on seed, draw and count
    alone, so that models are compared on the same ones. Raises UsageError when count is below 1
    and DataError when it exceeds the training images or points are missing.
    """
    errors = []
    for index in _draw(len(found_train), count, draws, seed):
        regressor = fit_ridge(found_train[index], annotated_train[index], ridge)
        errors.append(point_errors(apply(regressor, found_test), annotated_test, normaliser))
    return RegressionErrors(np.stack(errors))


def backward_error(
    found_train: Points,
    annotated_train: Points,
    found_test: Points,
    annotated_test: Points,
    normaliser: Points,
    *,
    count: int | None = None,
    draws: int = DRAWS,
    seed: int = 0,
    ridge: float = RIDGE,
) -> RegressionErrors:
    """Error of the discovered points predicted from the annotated ones; see `forward_error`."""
    return forward_error(
        annotated_train,
        found_train,
        annotated_test,
        found_test,
        normaliser,
        count=count,
        draws=draws,
        seed=seed,
        ridge=ridge,
    )


def check_complete(points: Points, what: str) -> None:
    """Raise DataError unless points (N, K, 2) are finite and there is at least one image."""
    if points.ndim != 3 or points.shape[-1] != 2 or not points.size:
        raise DataError(f"{what}: expected an array (images, points, 2), got {points.shape}")
    bad = np.flatnonzero(~np.isfinite(points).all(axis=(1, 2)))
    if len(bad):
        raise DataError(
            f"{len(bad)} of {len(points)} images lack {what}, the first at index {bad[0]}: "
            "leave these images out or annotate them"
        )


def _flat(points: Points) -> Array:
    return points.reshape(len(points), -1).astype(np.float64)


def _draw(total: int, count: int | None, draws: int, seed: int) -> list[npt.NDArray[np.intp]]:
    """Indices of the training images of each draw."""
    if count is None or count == total:
        return [np.arange(total)]
    if count < 1:
        raise UsageError(f"number of training images {count}: expected at least 1")
    if count > total:
        raise DataError(f"{count} training images asked for, only {total} there")
    return [
        np.random.default_rng([seed, draw, count]).choice(total, count, replace=False)
        for draw in range(draws)
    ]
