"""Fit named points to few annotated pictures, by ridge regression in the frame of the pose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lmk.arrays import DoubleArray, Flags, FloatArray, Points
from lmk.model.points import PointMap, pose_weights
from lmk.system.errors import DataError

WEIGHTS = 10.0 ** np.arange(-5, 3)  # ridge weights, in units of the mean squared deviation


@dataclass(frozen=True, eq=False)
class Fit:
    """A map from landmarks to points, and how far it was off.

    errors_px (N, P): distance of each annotated point from that of a map fitted on the other
    pictures, in input pixels; NaN where it is not annotated, and with one picture.
    """

    point_map: PointMap
    errors_px: FloatArray


def fit_points(xy_input: Points, points_input: Points, mean: Points) -> Fit:
    """Fit P points to N >= 1 pictures.

    xy_input (N, K, 2): the landmarks that the model finds; points_input (N, P, 2): the annotated
    points, NaN where there is none, both in input pixels. mean (K, 2): the mean landmarks of
    training. Raises DataError for a point that no picture has.
    """
    seen: Flags = np.asarray(np.isfinite(points_input).all(axis=2))
    if len(missing := np.flatnonzero(~seen.any(axis=0))):
        raise DataError(f"point {missing[0]} is annotated in no picture")
    turns, upright, centre = _aligned(xy_input, mean)
    target = ((points_input - centre) @ np.linalg.inv(turns)).astype(np.float64)
    deviation = (upright - mean + mean.mean(0)).reshape(len(upright), -1)
    count, points = points_input.shape[:2]
    weights, biases = np.zeros((deviation.shape[1], points, 2)), np.zeros((points, 2))
    errors = np.full((count, points), np.nan, np.float32)
    scale = np.hypot(*turns[:, 0].T)
    for p in range(points):
        rows = np.flatnonzero(seen[:, p])
        weights[:, p], biases[p], left_out = _ridge(deviation[rows], target[rows, p])
        errors[rows, p] = left_out * scale[rows]
    return Fit(_point_map(weights, biases, mean), errors)


def _aligned(xy: Points, mean: Points) -> tuple[DoubleArray, DoubleArray, DoubleArray]:
    """Matrices (N, 2, 2) of poses, landmarks in the pose's frame and centred, and their centres."""
    centre = xy.mean(1, keepdims=True).astype(np.float64)
    turns = (xy.reshape(len(xy), -1) @ pose_weights(mean)).reshape(-1, 2, 2)
    return turns, (xy - centre) @ np.linalg.inv(turns), centre


def _ridge(x: DoubleArray, y: DoubleArray) -> tuple[DoubleArray, DoubleArray, DoubleArray]:
    """The map (D, 2) and bias (2,) of the weight with least leave-one-out error, and those (n,)."""
    if len(x) == 1:
        return np.zeros((x.shape[1], 2)), y[0], np.full(1, np.nan)
    x_mean, y_mean = x.mean(0), y.mean(0)
    u, s, vt = np.linalg.svd(x - x_mean, full_matrices=False)
    unit = max(float((s * s).mean()), 1e-9)
    best = None
    for weight in WEIGHTS * unit:
        shrink = s * s / (s * s + weight)
        leverage = 1 / len(x) + (u * u * shrink).sum(1)
        residual = (y - y_mean - (u * shrink) @ (u.T @ (y - y_mean))) / np.maximum(
            1 - leverage, 1e-6
        )[:, None]
        errors = np.hypot(*residual.T)
        if best is None or errors.mean() < best[0]:
            best = errors.mean(), weight, errors
    assert best is not None
    _, weight, errors = best
    matrix = (vt.T * (s / (s * s + weight))) @ (u.T @ (y - y_mean))
    return matrix, y_mean - x_mean @ matrix, errors


def _point_map(weights: DoubleArray, biases: DoubleArray, mean: Points) -> PointMap:
    """The map, of weights (2K, P, 2) that act on the centred landmarks minus the centred mean."""
    count, points = len(mean), len(biases)
    centred = np.eye(2 * count) - np.kron(np.ones((count, count)) / count, np.eye(2))
    flat = weights.reshape(2 * count, -1)
    bias = biases.ravel() - (mean - mean.mean(0)).ravel() @ flat
    average = np.kron(np.ones((count, points)) / count, np.eye(2))
    arrays = mean, centred @ flat, bias, average, np.zeros(2 * points)
    return PointMap(*(np.asarray(array, np.float32) for array in arrays))
