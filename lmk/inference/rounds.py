"""Searches that ask for landmarks, answered together in batches."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import accumulate
from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np

from lmk.arrays import FloatArray, Image, Images
from lmk.geometry import apply_affine
from lmk.inference.backends.base import Backend
from lmk.inference.crops import cut_batch
from lmk.system.errors import UsageError, WeightsError

Result = TypeVar("Result")


class Located(NamedTuple):
    """What a model finds in N boxes of an image.

    xy (N, K, 2), the landmarks, and points (N, P, 2), the named points, in image pixels; scores of
    the landmarks (N, K) in [0, 1]. All float32.
    """

    xy: FloatArray
    scores: FloatArray
    points: FloatArray


Search: TypeAlias = Generator[FloatArray, Located, Result]
"""Yields boxes (N, 5) of an image, x, y, width, height in image pixels and the angle in degrees;
receives what the model finds in them; returns its result."""


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
    answers: dict[int, Located | None] = dict.fromkeys(range(len(searches)))
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
) -> list[Located]:
    """What is in the boxes of each image, all in one batch."""
    if not pairs:
        return []
    ends = list(accumulate(len(boxes) for _, boxes in pairs))
    if not ends[-1]:
        counts = backend.num_landmarks, len(backend.points)
        xy, points = (np.empty((0, count, 2), np.float32) for count in counts)
        return [Located(xy, xy[..., 0], points) for _ in pairs]
    with clock("crop"):
        crops, input_to_image = cut_batch(pairs, backend.input_size)
    with clock("model"):
        found = locate(backend, crops, input_to_image)
    parts = [slice(start, end) for start, end in zip([0, *ends[:-1]], ends, strict=True)]
    return [Located(*(values[part] for values in found)) for part in parts]


def locate(backend: Backend, crops: Images, input_to_image: FloatArray) -> Located:
    """Run the network on crops and return what it finds in the image.

    crops uint8 RGB (N, S, S, 3), N >= 1; input_to_image (N, 2, 3). Raises ModelError, and
    UsageError where the runtime cannot be used.
    """
    try:
        xy_input, scores, points_input = backend.infer(crops)
    except UsageError:  # the call is wrong, not the model
        raise
    except Exception as error:  # a runtime may raise anything
        raise ModelError(f"{backend.description} failed: {error}") from error
    # False for NaN, too. Landmarks are means of places in the input, scores are shares.
    farthest = FARTHEST * backend.input_size
    near = (np.abs(xy_input) <= farthest).all() and (np.abs(points_input) <= farthest).all()
    if not (near and (scores >= 0).all() and (scores <= HIGHEST_SCORE).all()):
        raise ModelError(
            "the model returned NaN or impossible landmarks, points or scores on "
            f"{backend.description}: its weights are broken. Train it again, or export it again "
            "with the parity check"
        )
    xy, points = (apply_affine(input_to_image, each) for each in (xy_input, points_input))
    return Located(xy, scores, points)
