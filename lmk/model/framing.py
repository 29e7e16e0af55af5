"""The framing of a model: where its landmarks lie in the crops that it was trained on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

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
    side. input_size: side of the network's input, px.
    """

    landmarks_input: tuple[tuple[float, float], ...]
    spread_px: float
    score: float
    finder: str | None = None
    finder_box: tuple[float, float, float, float] = (0.1, 0.1, 0.8, 0.8)
    input_size: int = 128

    def boxes_round_landmarks(self, xy_image: FloatArray, scores: FloatArray) -> FloatArray:
        """The boxes of objects as in training, from their landmarks.

        xy_image (N, K, 2), scores (N, K). Returns square boxes (N, 4), x, y, width, height in image
        pixels: those in which the mean landmarks of training are closest to the given ones: least
        squares over scale and shift, weighted by score.
        """
        scale, shift = self._fit(xy_image, scores)
        side = scale * self.input_size
        # The crop's edge lies half a pixel outside the centre of its first pixel, in both frames.
        corner = shift - 0.5 * scale[:, None] + 0.5
        return boxes_of_crops(np.c_[corner, side, side])

    def misfit_px(self, xy_image: FloatArray, scores: FloatArray) -> FloatArray:
        """Root mean square distance (N,) of landmarks from that fit, in input pixels."""
        scale, shift = self._fit(xy_image, scores)
        fitted = self._mean() * scale[:, None, None] + shift[:, None]
        square = ((xy_image - fitted) ** 2).sum(-1)
        weights = _weights(scores)
        return np.asarray(np.sqrt((weights * square).sum(1)) / scale, np.float32)

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

    def _mean(self) -> FloatArray:
        return np.asarray(self.landmarks_input, np.float32)

    def _fit(self, xy_image: FloatArray, scores: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Scale (N,) and shift (N, 2) from input to image pixels."""
        weights, mean = _weights(scores), self._mean()
        centre_input = np.einsum("nk,kc->nc", weights, mean)
        centre_image = np.einsum("nk,nkc->nc", weights, xy_image)
        from_centre = mean - centre_input[:, None]
        covariance = np.einsum("nk,nkc,nkc->n", weights, from_centre, xy_image)
        variance = np.einsum("nk,nkc,nkc->n", weights, from_centre, from_centre)
        scale = np.maximum(covariance / variance, 1 / self.input_size)  # a crop of a pixel at least
        return scale, centre_image - scale[:, None] * centre_input


def framing_from_json(text: str) -> Framing:
    """Read what `Framing.to_json` wrote. Raises ValueError."""
    return read_as(Framing, parse_json(text))


def _weights(scores: FloatArray) -> FloatArray:
    """Scores (N, K) that sum to 1; equal ones if all are 0."""
    safe = np.maximum(scores, 1e-6)
    weights: FloatArray = safe / safe.sum(1, keepdims=True)
    return weights
