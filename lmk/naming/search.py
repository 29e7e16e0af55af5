"""Fit the search for points in the network's features (`model/points.py`).

The linear detector of a point responds with a Gaussian about it, by ridge regression over the
pixels near it in all annotated pictures. Three pictures are enough, because each has dozens of
pixels. Pictures are left out exactly, by subtracting their share of the regression's moments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lmk.architectures.spec import Architecture
from lmk.arrays import DoubleArray, FloatArray, Indices, Points
from lmk.geometry import input_to_heatmap
from lmk.model.points import PointSearch, heatmap_grid

NEAR, WIDTH = 3.0, 1.0  # heatmap px: the pixels of the regression, deviation of its Gaussian
RIDGE = 30.0  # on features of unit variance
LEAST_SCALE = 1e-3  # of the largest deviation: features that hardly vary would be noise
GROUPS = 20  # at most, of pictures that are left out together


class Setting(NamedTuple):
    """Of a search: the factor of responses, and the deviation of its Gaussian in heatmap px."""

    sharpness: float
    reach: float


# The first is good for few pictures, see benchmarks/naming.py.
SETTINGS = (Setting(4, 1), Setting(6, 1), Setting(3, 0.7), Setting(4, 1.5))


@dataclass(frozen=True, eq=False)
class Searches:
    """Detectors (P, C) of unit sharpness, and what searches with such detectors find.

    residuals: of every setting, (R, P, 2) in input px, with detectors that do not know the picture;
    NaN where those of the map are.
    """

    detectors: DoubleArray
    residuals: Mapping[Setting, DoubleArray]


def try_searches(
    features: FloatArray,
    points_input: Points,
    mapped_input: Points,
    picture: Indices,
    architecture: Architecture,
) -> Searches:
    """Fit detectors to features (R, C, H * H), and search with those of the other pictures.

    points_input (R, P, 2): the annotated points, NaN where there is none. mapped_input (R, P, 2):
    where the map that does not know the picture puts them, NaN if there is no such map. picture
    (R,): number of each row's picture.
    """
    group = np.unique(picture, return_inverse=True)[1] % GROUPS
    scale = features.std((0, 2), dtype=np.float64)
    scale = np.maximum(scale, LEAST_SCALE * scale.max())
    places = np.moveaxis(input_to_heatmap(points_input, architecture.stride), 1, 0)
    fitted = [_fit_detector(features, scale, xy_heatmap, group) for xy_heatmap in places]
    residuals = {setting: np.full(points_input.shape, np.nan) for setting in SETTINGS}
    for number in range(group.max() + 1):
        rows = np.flatnonzero(group == number)
        detectors = np.stack([left_out[number] for _, left_out in fitted])
        for setting, found in residuals.items():
            search = make_search(detectors, setting, architecture)
            found[rows] = points_input[rows] - search(mapped_input[rows], features[rows])
    return Searches(np.stack([every for every, _ in fitted]), residuals)


def make_search(
    detectors: DoubleArray, setting: Setting, architecture: Architecture
) -> PointSearch:
    """The search with detectors (P, C) of unit sharpness."""
    return PointSearch(
        np.asarray(setting.sharpness * detectors, np.float32),
        setting.reach * architecture.stride,
        heatmap_grid(architecture.heatmap_size, architecture.stride),
    )


def _fit_detector(
    features: FloatArray, scale: DoubleArray, xy_heatmap: Points, group: Indices
) -> tuple[DoubleArray, DoubleArray]:
    """The detector (C,) of a point (R, 2), and those without each group of pictures (G, C)."""
    side, size = round(features.shape[2] ** 0.5), len(scale) + 1  # the last channel is constant
    pixels = np.stack(np.divmod(np.arange(side**2), side)[::-1], 1)
    squares = np.zeros((group.max() + 1, size, size))
    products = np.zeros((group.max() + 1, size))
    for row in np.flatnonzero(np.isfinite(xy_heatmap).all(axis=1)):
        away2 = ((pixels - xy_heatmap[row]) ** 2).sum(1)
        near = away2 < NEAR**2
        seen = np.c_[features[row][:, near].T / scale, np.ones(near.sum())]
        squares[group[row]] += seen.T @ seen
        products[group[row]] += seen.T @ np.exp(-away2[near] / (2 * WIDTH**2))
    ridge = RIDGE * np.diag([*np.ones(size - 1), 0]) + 1e-6 * np.eye(size)
    all_squares, all_products = squares.sum(0) + ridge, products.sum(0)
    every = np.linalg.solve(all_squares, all_products)
    left_out = np.linalg.solve(all_squares - squares, (all_products - products)[..., None])
    return every[:-1] / scale, left_out[:, :-1, 0] / scale
