"""The framing of a model: where its landmarks lie in the crops that it was trained on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np

from lmk.arrays import FloatArray
from lmk.geometry import boxes_of_crops
from lmk.system.schema import parse_json, read_as


@dataclass(frozen=True)
class Framing:
    """What defines a crop like those of training.

    landmarks_input: the mean landmarks of the training crops, K points (x, y) in input pixels.
    spread_px: distance of landmarks of a training crop from the best fit of these, root mean
    square, at the 99th percentile. score: the mean score of an object's landmarks, at the 1st
    percentile. finder: the detector of such objects, as in `--region`, such as cascade:face.
    finder_box: where its box lies in a training crop, (x, y, width, height) as shares of the crop's
    side. input_size: side of the network's input, px. find_score: the mean score of landmarks from
    which a search of a frame takes them for an object: the best of a picture of parts of training
    crops reaches it once in twenty. None where it was not measured.
    """

    landmarks_input: tuple[tuple[float, float], ...]
    spread_px: float
    score: float
    finder: str | None = None
    finder_box: tuple[float, float, float, float] = (0.1, 0.1, 0.8, 0.8)
    input_size: int = 128
    find_score: float | None = None

    def fit(self, xy_image: FloatArray, scores: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The boxes of objects as in training, from their landmarks, and how well those fit.

        xy_image (N, K, 2), scores (N, K). Returns square boxes (N, 4), x, y, width, height in image
        pixels: those in which the mean landmarks of training are closest to the given ones: least
        squares over scale and shift, weighted by score. And the root mean square distance (N,) of
        the landmarks from that fit, in input pixels.
        """
        safe = np.maximum(scores, 1e-6)
        share = (safe / safe.sum(1, keepdims=True))[:, None]  # (N, 1, K), equal if all scores are 0
        centre_input, centre_image = share @ self._mean, share @ xy_image
        places_input, places_image = self._mean - centre_input, xy_image - centre_image
        weights = share.swapaxes(1, 2)
        weighted = weights * places_input
        scale = (weighted * places_image).sum((1, 2)) / (weighted * places_input).sum((1, 2))
        scale = np.maximum(scale, 1 / self.input_size)[:, None]  # a crop of a pixel at least
        rest = places_image / scale[..., None] - places_input
        misfit_px = np.sqrt((weights * rest * rest).sum((1, 2)))
        # The crop's edge lies half a pixel outside the centre of its first pixel, in both frames.
        corner = centre_image[:, 0] - scale * (centre_input[:, 0] + 0.5) + 0.5
        side = scale * self.input_size
        return boxes_of_crops(np.concatenate([corner, side, side], axis=1)), misfit_px

    def boxes_round_found(self, found_xywh: FloatArray) -> FloatArray:
        """The boxes of objects as in training, from those of a detector, (N, 4)."""
        x, y, width, height = self.finder_box
        # By area, because a detector's box may have another shape than the mean one.
        side = np.sqrt(found_xywh[:, 2] * found_xywh[:, 3] / (width * height))
        centre = found_xywh[:, :2] + found_xywh[:, 2:] / 2
        corner = centre - side[:, None] * np.array([x + width / 2, y + height / 2], np.float32)
        return boxes_of_crops(np.c_[corner, side, side])

    def to_json(self) -> str:
        """One line that `framing_from_json` reads back."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @property
    def least_score(self) -> float:
        """The mean score from which on landmarks are taken for an object, as far as measured."""
        return self.score if self.find_score is None else self.find_score

    @cached_property
    def _mean(self) -> FloatArray:
        return np.asarray(self.landmarks_input, np.float32)


def framing_from_json(text: str) -> Framing:
    """Read what `Framing.to_json` wrote. Raises ValueError."""
    return read_as(Framing, parse_json(text))
