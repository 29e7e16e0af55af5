"""Which picture adds most: the one whose landmarks are least like those of the annotated ones."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from lmk.arrays import FloatArray, Points
from lmk.model.points import pose_weights

JUNK = 5.0  # percent of the pictures, those with the lowest scores, are asked for last


def shapes(xy_input: Points, mean: Points) -> FloatArray:
    """Landmarks (N, K, 2) without their pose, as vectors (N, 2K), in px of the mean ones."""
    centred = xy_input - xy_input.mean(1, keepdims=True)
    turns = (xy_input.reshape(len(xy_input), -1) @ pose_weights(mean)).reshape(-1, 2, 2)
    scale2 = np.maximum((turns * turns).sum(1, keepdims=True), 1e-6)
    upright = centred @ turns.swapaxes(1, 2) / scale2
    return np.asarray((upright - (mean - mean.mean(0))).reshape(len(upright), -1), np.float32)


def next_picture(
    described: FloatArray, scores: FloatArray, done: Collection[int], left: Collection[int]
) -> int | None:
    """The number of the picture to annotate next, None if none is left.

    described (N, D): `shapes` of all pictures; scores (N,): their mean scores. done: numbers of the
    annotated ones, left: of those that may be asked for. The first is the most usual one; then
    always the one that is farthest from its nearest annotated one.
    """
    candidates = np.array(sorted(left), np.intp)
    if not len(candidates):
        return None
    usual = candidates[scores[candidates] >= np.percentile(scores, JUNK)]
    candidates = usual if len(usual) else candidates
    if not done:
        away = -np.linalg.norm(described[candidates] - np.median(described, axis=0), axis=1)
    else:
        known = described[np.array(sorted(done), np.intp)]
        away = np.full(len(candidates), np.inf)
        for one in known:
            away = np.minimum(away, np.linalg.norm(described[candidates] - one, axis=1))
    return int(candidates[away.argmax()])
