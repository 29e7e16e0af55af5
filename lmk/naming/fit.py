"""Fit named points to few annotated pictures.

In the frame of the pose (`model/points.py`) few pictures say much: where a point lies is nearly the
same in all of them, and it moves with the landmarks near it (`naming/neighbours.py`). With many
pictures a map in the frame of the input is better, because there the landmarks also say what the
pose hides. Both are ridge regressions. Their weights, and a blend of both, are those with the least
error on left-out pictures, if that is clearly less than with those that are known to be good: few
pictures cannot choose. In the same way it is chosen how points are then searched for in the
network's features (`naming/search.py`), if that is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

import numpy as np

from lmk.arrays import DoubleArray, FloatArray, Indices, Points
from lmk.model.points import LEAST_SCALE2, PointMap, PointSearch, map_in_frames, pose_weights
from lmk.naming.examples import Examples
from lmk.naming.expected import expected
from lmk.naming.neighbours import neighbour_shares
from lmk.naming.ridge import Ridge
from lmk.naming.search import Setting, make_search, try_searches
from lmk.system.errors import DataError

# The first of each is best for few pictures, see benchmarks/naming.py.
POSE_WEIGHTS = (30.0, *(10.0**power for power in range(-3, 4)))
INPUT_WEIGHTS = (3.0, *POSE_WEIGHTS[1:])
BLENDS = (1.0, 0.75, 0.5, 0.25, 0.0)  # share of the frame of the pose
Choice = TypeVar("Choice")


@dataclass(frozen=True, eq=False)
class Fit:
    """A map from landmarks to points, and how far it was off.

    errors_px (N, P): distance of each annotated point of a picture from that of a map fitted on the
    other pictures, in input pixels; NaN where it is not annotated, and with one picture. weights:
    of the ridge in the frame of the pose, and in that of the input. blend: share of the first.
    search: how points are searched for; None for not.
    """

    point_map: PointMap
    errors_px: FloatArray
    weights: tuple[float, float]
    blend: float
    search: Setting | None


def fit_points(
    examples: Examples, mean: Points, blends: Sequence[float] = BLENDS, search: bool = False
) -> Fit:
    """Fit P points to the rows of N >= 1 pictures.

    mean (K, 2): the mean landmarks of training. blends: to choose from. search: whether points may
    be searched for in the features, if the examples have some. Raises DataError for a point that no
    row has.
    """
    if len(missing := np.flatnonzero(~examples.seen.any(axis=0))):
        raise DataError(f"point {missing[0]} is annotated in no picture")
    frames = _in_pose(examples, mean), _in_input(examples)
    weights = POSE_WEIGHTS, INPUT_WEIGHTS
    tried = [_best(*pair, examples) for pair in zip(frames, weights, strict=True)]
    (in_pose, posed), (in_input, placed) = tried
    blended = {share: share * posed + (1 - share) * placed for share in blends}
    blend = _choose(blended, examples)
    maps = [_fit(frame, examples, weight) for frame, (weight, _) in zip(frames, tried, strict=True)]
    point_map = _point_map(*maps[0], *maps[1], mean, blend)
    setting, residuals = None, blended[blend]
    if search and examples.features is not None:
        setting, residuals, found = _search(examples, examples.features, residuals)
        point_map = replace(point_map, search=found)
    _, first = np.unique(examples.picture, return_index=True)
    errors_px = np.hypot(*np.moveaxis(residuals[first], 2, 0)).astype(np.float32)
    return Fit(point_map, errors_px, (in_pose, in_input), blend, setting)


def _search(
    examples: Examples, features: FloatArray, residuals: DoubleArray
) -> tuple[Setting | None, DoubleArray, PointSearch | None]:
    """Choose how points are searched for, given the residuals (R, P, 2) of the map.

    Returns the setting, the residuals with it, and the search; no setting and search for none.
    """
    points, architecture = examples.points_input, examples.architecture
    tried = try_searches(features, points, points - residuals, examples.picture, architecture)
    ways: list[tuple[Setting | None, DoubleArray]] = [*tried.residuals.items(), (None, residuals)]
    setting = _choose(dict(ways), examples)
    search = make_search(tried.detectors, setting, architecture) if setting else None
    return setting, dict(ways)[setting], search


class _Frame(NamedTuple):
    """Examples in a frame: landmarks (R, 2K), points (R, P, 2), matrices (R, 2, 2) to the input.

    prior (2K, 2P): the map that is expected; `y` is what it leaves of the points.
    """

    x: DoubleArray
    y: DoubleArray
    back: DoubleArray
    prior: DoubleArray


def _in_pose(examples: Examples, mean: Points) -> _Frame:
    xy = examples.xy_input.astype(np.float64)
    centre = xy.mean(1, keepdims=True)
    turns = (xy.reshape(len(xy), -1) @ pose_weights(mean)).reshape(-1, 2, 2)
    scale2 = np.maximum((turns * turns).sum(1, keepdims=True), LEAST_SCALE2)
    upright = turns.swapaxes(1, 2) / scale2
    shape = mean.astype(np.float64) - mean.mean(0)
    x = (xy - centre) @ upright - shape
    y = (examples.points_input - centre) @ upright
    shares = neighbour_shares(shape, x, y)
    prior = np.kron(shares.T, np.eye(2))
    return _Frame(x.reshape(len(x), -1), y - shares @ x, turns, prior)


def _in_input(examples: Examples) -> _Frame:
    x = examples.xy_input.reshape(len(examples.xy_input), -1).astype(np.float64)
    same = np.broadcast_to(np.eye(2), (len(x), 2, 2))
    y = examples.points_input.astype(np.float64)
    return _Frame(x, y, same, np.zeros((x.shape[1], 2 * y.shape[1])))


def _best(frame: _Frame, weights: Sequence[float], examples: Examples) -> tuple[float, DoubleArray]:
    """The weight with the least error on left-out pictures, and the residuals there (R, P, 2)."""
    tried = {weight: _left_out(frame, examples, weight) for weight in weights}
    best = _choose(tried, examples)
    return best, tried[best]


def _choose(tried: Mapping[Choice, DoubleArray], examples: Examples) -> Choice:
    """The value with the least residuals (R, P, 2), or the first if that is not clearly worse.

    Clearly: zero is below the interval of the mean difference.
    """
    errors = {value: _by_picture(residuals, examples) for value, residuals in tried.items()}
    first = next(iter(tried))
    if len(errors[first]) < 2:
        return first
    best = min(errors, key=lambda value: float(errors[value].mean()))
    gain = errors[first] - errors[best]
    clear = expected(gain).low > 0
    return best if clear else first


def _left_out(frame: _Frame, examples: Examples, weight: float) -> DoubleArray:
    """Residuals (R, P, 2) in input pixels; NaN for a point that only one picture has."""
    residuals = np.full(frame.y.shape, np.nan)
    for p, rows in _rows(examples):
        if len(np.unique(examples.picture[rows])) > 1:
            ridge = Ridge(frame.x[rows], frame.y[rows, p], examples.picture[rows])
            residuals[rows, p] = ridge.left_out(weight)
    return np.asarray((residuals[:, :, None] @ frame.back[:, None])[:, :, 0])


def _fit(frame: _Frame, examples: Examples, weight: float) -> tuple[DoubleArray, DoubleArray]:
    """Matrix (2K, 2P) and constant (2P,) of the maps of all points."""
    fitted = [
        Ridge(frame.x[rows], frame.y[rows, p], examples.picture[rows]).fit(weight)
        for p, rows in _rows(examples)
    ]
    matrices, constants = zip(*fitted, strict=True)
    return frame.prior + np.concatenate(matrices, axis=1), np.concatenate(constants)


def _rows(examples: Examples) -> Iterator[tuple[int, Indices]]:
    """Number of each point, and the rows that have it."""
    return ((p, np.flatnonzero(seen)) for p, seen in enumerate(examples.seen.T))


def _by_picture(residuals: DoubleArray, examples: Examples) -> DoubleArray:
    """Mean length of the known residuals (R, P, 2) of each picture that has any."""
    distances = np.hypot(residuals[..., 0], residuals[..., 1])
    known = np.isfinite(distances)
    count = np.bincount(examples.picture, known.sum(1))
    total = np.bincount(examples.picture, np.where(known, distances, 0).sum(1))
    return np.asarray(total[count > 0] / count[count > 0])


def _point_map(
    posed: DoubleArray,
    posed_constant: DoubleArray,
    placed: DoubleArray,
    placed_constant: DoubleArray,
    mean: Points,
    blend: float,
) -> PointMap:
    """Both maps as one; the first acts on centred landmarks minus the centred mean."""
    count, points = len(mean), len(posed_constant) // 2
    average = np.kron(np.ones((count, 1)) / count, np.eye(2))  # (2K, 2) to the centre
    centred = np.eye(2 * count) - average @ np.kron(np.ones((1, count)), np.eye(2))
    constant = posed_constant - (mean - mean.mean(0)).ravel() @ posed
    centre = average @ np.kron(np.ones((1, points)), np.eye(2))
    return map_in_frames(
        mean,
        blend * centred @ posed,
        blend * constant,
        blend * centre + (1 - blend) * placed,
        (1 - blend) * placed_constant,
    )
