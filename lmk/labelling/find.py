"""Find the objects of a batch of inputs; what fails on one of them is its error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lmk.arrays import FloatArray, Image
from lmk.inference.landmarker import Landmarker, Landmarks
from lmk.inference.rounds import ModelError
from lmk.labelling.inputs.read import Decoded
from lmk.system.errors import DataError, UsageError, WeightsError
from lmk.system.text import printable

MODEL_FAILURES = 10  # in a row, after which the model is broken and the work ends


@dataclass(frozen=True, eq=False)
class Labels:
    """What was found in an input.

    xy float32 (N, L, 2), the named points, or the landmarks of a model without, in pixels of the
    upright image; scores float32 (N, L); angles float32 (N,), degrees, of the crops. error: why
    the input has no labels, else empty.
    """

    number: int
    time_s: float
    name: str
    xy: FloatArray
    scores: FloatArray
    angles: FloatArray
    error: str = ""


class ObjectFinder:
    """Finds the objects of batches with a model."""

    def __init__(self, landmarker: Landmarker) -> None:
        self._landmarker, self._failures_in_a_row = landmarker, 0
        self._places = len(landmarker.point_names) or landmarker.num_landmarks

    def find(self, batch: Sequence[Decoded]) -> list[Labels]:
        """The labels of every input. Raises WeightsError for a model that fails all the time."""
        images = [one.image_bgr for one in batch if one.image_bgr is not None]
        found = iter(self._found(images))
        return [
            self._labels(one, next(found) if one.image_bgr is not None else "") for one in batch
        ]

    def _found(self, images: list[Image]) -> list[Landmarks | str]:
        """What is in each image, or the reason why that is not known."""
        if not images:
            return []
        try:
            found = _split(self._landmarker(images), len(images))
        except (UsageError, DataError, ModelError):
            return [self._alone(image) for image in images]
        self._failures_in_a_row = 0
        return [*found]

    def _alone(self, image: Image) -> Landmarks | str:
        """Of a batch that failed, at least the other images have labels."""
        try:
            found = self._landmarker([image])
        except ModelError as error:
            self._failures_in_a_row += 1
            if self._failures_in_a_row >= MODEL_FAILURES:
                raise WeightsError(
                    f"the model failed {MODEL_FAILURES} times in a row; last error: {error}. "
                    "Choose another --runtime or --device"
                ) from error
            return printable(str(error))
        except (UsageError, DataError) as error:  # such as a box outside of this image
            return printable(str(error))
        self._failures_in_a_row = 0
        return found

    def _labels(self, one: Decoded, found: Landmarks | str) -> Labels:
        where = one.number, one.time_s, one.name
        if isinstance(found, str):
            none = np.empty((0, self._places, 2), np.float32)
            return Labels(*where, none, none[..., 0], none[:, 0, 0], one.error or found)
        xy, scores = found.xy, found.score
        if found.points.shape[1]:  # each is as certain as all landmarks together, as in lmk run
            xy = found.points
            scores = scores.mean(1, keepdims=True).repeat(xy.shape[1], 1)
        return Labels(*where, xy, scores, found.angles)


def _split(found: Landmarks, images: int) -> list[Landmarks]:
    """The rows of each image, which come in order."""
    ends = np.searchsorted(found.image_index, range(images + 1))
    fields = vars(found)
    return [
        Landmarks(**{name: values[start:end] for name, values in fields.items()})
        for start, end in pairwise(ends)
    ]
