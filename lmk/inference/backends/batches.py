"""Run any number of pictures through a model whose batch size is limited."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lmk.arrays import Images
from lmk.inference.backends.base import Inferred
from lmk.system.errors import WeightsError

Run = Callable[[Images], Inferred]


def in_batches(run: Run, images: Images, smallest: int, largest: int | None) -> Inferred:
    """Call `run` on batches of `smallest` to `largest` (None: any number of) pictures.

    images uint8 (N, S, S, 3), N >= 1; a short last batch is padded with its last picture, and the
    extra results are dropped. Raises WeightsError for a model that returns other shapes.
    """
    if len(images) >= smallest and (largest is None or len(images) <= largest):
        return _whole(run, images)
    step = largest or smallest
    found = []
    for start in range(0, len(images), step):
        part = images[start : start + step]
        missing = max(smallest - len(part), 0)
        filled = np.concatenate([part, part[-1:].repeat(missing, 0)])
        found.append([values[: len(part)] for values in _whole(run, filled)])
    return Inferred(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _whole(run: Run, images: Images) -> Inferred:
    found = run(images)
    of_each = {len(part) for part in found} == {len(images)}
    if not of_each or found.landmarks.shape != (*found.scores.shape, 2):
        raise WeightsError(
            f"the model returned landmarks {found.landmarks.shape}, scores {found.scores.shape} "
            f"and points {found.points.shape} for {len(images)} pictures, expected (B, K, 2), "
            "(B, K) and (B, P, 2): export it again"
        )
    return found
