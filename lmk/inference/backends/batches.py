"""Run any number of pictures through a model whose batch size is limited."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lmk.arrays import FloatArray, Images
from lmk.system.errors import WeightsError

Run = Callable[[Images], tuple[FloatArray, FloatArray]]


def in_batches(
    run: Run, images: Images, smallest: int, largest: int | None
) -> tuple[FloatArray, FloatArray]:
    """Call `run` on batches of `smallest` to `largest` (None: any number of) pictures.

    images uint8 (N, S, S, 3), N >= 1; a short last batch is padded with its last picture, and the
    extra results are dropped. Returns landmarks (N, K, 2) and scores (N, K). Raises WeightsError
    for a model that returns other shapes.
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
    landmarks, scores = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return landmarks, scores


def _whole(run: Run, images: Images) -> tuple[FloatArray, FloatArray]:
    landmarks, scores = run(images)
    if landmarks.shape != (*scores.shape, 2) or len(scores) != len(images):
        raise WeightsError(
            f"the model returned landmarks {landmarks.shape} and scores {scores.shape} for "
            f"{len(images)} pictures, expected (B, K, 2) and (B, K): export it again"
        )
    return landmarks, scores
