"""Searches that ask for landmarks, answered together in batches."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import accumulate
from typing import TypeAlias, TypeVar

import numpy as np

from lmk.arrays import FloatArray, Image, Images
from lmk.geometry import apply_affine
from lmk.inference.backends.base import Backend
from lmk.inference.crops import cut_batch
from lmk.system.errors import UsageError, WeightsError

Result = TypeVar("Result")

Search: TypeAlias = Generator[FloatArray, tuple[FloatArray, FloatArray], Result]
"""Yields boxes (N, 5) of an image, x, y, width, height in image pixels and the angle in degrees;
receives the landmarks (N, K, 2), image pixels, and scores (N, K) that the model finds in them;
returns its result."""


class ModelError(WeightsError):
    """A model that failed on a batch, or returned NaN."""


FARTHEST = 16  # sides of the input in which landmarks may lie
HIGHEST_SCORE = 1.01  # half precision may round above 1

Clock: TypeAlias = Callable[[str], AbstractContextManager[None]]
"""Measures a stage: region, crop, model or follow."""


def in_rounds(
    backend: Backend,
    searches: Sequence[tuple[Image, Search[Result]]],
    clock: Clock = lambda _: nullcontext(),
) -> list[Result]:
    """Run searches, each in its image, and return their results.

    In each round, the boxes that all of them yield are one batch of the model. All searches are
    closed, also after an error. Raises ModelError, and what a search raises.
    """
    try:
        return _run(backend, searches, clock)
    finally:
        for _, search in searches:
            search.close()


def _run(
    backend: Backend, searches: Sequence[tuple[Image, Search[Result]]], clock: Clock
) -> list[Result]:
    results: dict[int, Result] = {}
    answers: dict[int, tuple[FloatArray, FloatArray] | None] = dict.fromkeys(range(len(searches)))
    stage = "region"
    while answers:
        asked: dict[int, FloatArray] = {}
        with clock(stage):
            for number, answer in answers.items():
                search = searches[number][1]
                try:
                    asked[number] = search.send(answer) if answer else next(search)
                except StopIteration as end:
                    results[number] = end.value
        found = _locate(backend, [(searches[n][0], boxes) for n, boxes in asked.items()], clock)
        answers, stage = dict(zip(asked, found, strict=True)), "follow"
    return [results[number] for number in range(len(searches))]


def _locate(
    backend: Backend, pairs: Sequence[tuple[Image, FloatArray]], clock: Clock
) -> list[tuple[FloatArray, FloatArray]]:
    """Landmarks and scores in the boxes of each image, all in one batch."""
    if not pairs:
        return []
    ends = list(accumulate(len(boxes) for _, boxes in pairs))
    if not ends[-1]:
        shape = (0, backend.num_landmarks)
        return [(np.empty((*shape, 2), np.float32), np.empty(shape, np.float32)) for _ in pairs]
    with clock("crop"):
        crops, input_to_image = cut_batch(pairs, backend.input_size)
    with clock("model"):
        xy, scores = locate(backend, crops, input_to_image)
    starts = [0, *ends[:-1]]
    return [(xy[start:end], scores[start:end]) for start, end in zip(starts, ends, strict=True)]


def locate(
    backend: Backend, crops: Images, input_to_image: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Run the network on crops and return its landmarks in the image.

    crops uint8 RGB (N, S, S, 3), N >= 1; input_to_image (N, 2, 3). Returns xy float32 (N, K, 2) in
    image pixels and scores float32 (N, K). Raises ModelError, and UsageError where the runtime
    cannot be used.
    """
    try:
        xy_input, scores = backend.infer(crops)
    except UsageError:  # the call is wrong, not the model
        raise
    except Exception as error:  # a runtime may raise anything
        raise ModelError(f"{backend.description} failed: {error}") from error
    # False for NaN, too. Landmarks are means of places in the input, scores are shares.
    near = np.abs(xy_input) <= FARTHEST * backend.input_size
    if not (near.all() and (scores >= 0).all() and (scores <= HIGHEST_SCORE).all()):
        raise ModelError(
            f"the model returned NaN or impossible landmarks or scores on {backend.description}: "
            "its weights are broken. Train it again, or export it again with the parity check"
        )
    return apply_affine(input_to_image, xy_input), scores
