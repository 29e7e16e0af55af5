"""Pairs and midline points: the best way in which points trade places in a mirrored picture."""

from __future__ import annotations

import numpy as np

from lmk.arrays import DoubleArray, FloatArray
from lmk.system.errors import missing_extra


def mirror_distances(xy: FloatArray, xy_mirrored: FloatArray, size: int) -> DoubleArray:
    """Mean distances (K, K) from point i of pictures to point j of the mirrored ones, carried back.

    xy, xy_mirrored (N, K, 2) in pixels of pictures of size x size.
    """
    back = xy_mirrored * np.array([-1, 1]) + np.array([size - 1, 0])
    apart = np.linalg.norm(xy[:, :, None] - back[:, None], axis=-1)
    return np.asarray(apart.mean(axis=0), np.float64)


def best_involution(distances: DoubleArray) -> tuple[list[int], float]:
    """Find the partner of each point, itself or another that has it as partner.

    distances (K, K), finite. Returns the partners with the least mean of distances[i, partner[i]],
    and that mean. Exact for any K: each point is in one pair or alone, a 0/1 program.
    """
    try:
        from scipy.optimize import Bounds, LinearConstraint, milp
    except ImportError as error:
        raise missing_extra("scipy", "train") from error
    count = len(distances)
    first, second = np.triu_indices(count)
    alone = first == second
    costs = np.where(alone, distances[first, second], (distances + distances.T)[first, second])
    points = np.arange(count)[:, None]
    in_pair = ((points == first) | (points == second)).astype(float)
    found = milp(
        costs,
        constraints=LinearConstraint(in_pair, 1, 1),
        bounds=Bounds(0, 1),
        integrality=np.ones(len(costs)),
        options={"mip_rel_gap": 0},
    )
    partners = np.arange(count)
    for one, other in zip(first[found.x > 0.5], second[found.x > 0.5], strict=True):
        partners[one], partners[other] = other, one
    return partners.tolist(), float(distances[np.arange(count), partners].mean())
