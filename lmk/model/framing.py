"""The framing of a model: where its landmarks lie in the crops that it was trained on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from statistics import NormalDist
from typing import Annotated

import numpy as np
import numpy.typing as npt
from msgspec import Meta

from lmk.arrays import FloatArray
from lmk.geometry import boxes_of_crops
from lmk.system.schema import FINDER, Number, PictureSide, Share, parse_json, read_as

UPRIGHT, TURNED = 12.0, 24.0  # degrees to which a crop stays upright, and from which it turns fully

FinderWord = Annotated[str, Meta(pattern=FINDER)]
"""A detector that is part of lmk: never a file, because framings come with models."""
Side = Annotated[float, Meta(gt=0, le=1e9)]


@dataclass(frozen=True)
class Framing:
    """What defines a crop like those of training.

    landmarks_input: the mean landmarks of the training crops, K points (x, y) in input pixels.
    spread_px: distance of landmarks of a training crop from the best fit of these, root mean
    square, at the 99th percentile. score: the mean score of an object's landmarks, at the 1st
    percentile. finder: the detector of such objects, as in `--region`, such as cascade:face.
    finder_box: where its box lies in a training crop, (x, y, width, height) as shares of the crop's
    side. input_size: side of the network's input, px. find_scores: median and upward deviation
    of the best mean score of landmarks that a search finds in a picture without an object, made of
    parts of training crops. None where they were not measured.
    """

    landmarks_input: tuple[tuple[Number, Number], ...]
    spread_px: Annotated[float, Meta(ge=0, le=1e9)]
    score: Share
    finder: FinderWord | None = None
    finder_box: tuple[Number, Number, Side, Side] = (0.1, 0.1, 0.8, 0.8)
    input_size: PictureSide = 128
    find_scores: tuple[Share, Annotated[float, Meta(gt=0, le=1)]] | None = None

    def fit(
        self, xy_image: FloatArray, scores: FloatArray, turned: bool = False
    ) -> tuple[FloatArray, FloatArray]:
        """The boxes of objects as in training, from their landmarks, and how well those fit.

        xy_image (N, K, 2), scores (N, K). Returns square boxes (N, 5), x, y, width, height in image
        pixels and the angle in degrees: those in which the mean landmarks of training are closest
        to the given ones: least squares over scale and shift, weighted by score. With `turned` also
        over the angle, which is otherwise 0; small ones stay 0, as objects of training have them.
        And the root mean square distance (N,) of the landmarks from that fit, in input pixels.
        """
        safe = np.maximum(scores, 1e-6)
        share = safe / safe.sum(1, keepdims=True)  # (N, K), equal if all scores are 0
        mean, found = self._mean, xy_image[..., 0] + 1j * xy_image[..., 1]  # x + iy: turns multiply
        centre_input, centre_image = (
            (share * points).sum(1, keepdims=True) for points in (mean, found)
        )
        places_input, places_image = mean - centre_input, found - centre_image
        weighted = share * places_input.conj()
        degrees = np.zeros(len(found), np.float32)
        if turned:
            degrees = _followed(np.angle((weighted * places_image).sum(1), deg=True))
        turn = np.exp(1j * np.deg2rad(degrees))[:, None]
        extent = np.maximum((weighted * places_input).real.sum(1), 1e-6)
        scale = (weighted * places_image / turn).real.sum(1) / extent
        scale = np.maximum(scale, 1 / self.input_size)[:, None]  # a crop of a pixel at least
        rest = places_image / (turn * scale) - places_input
        misfit_px = np.sqrt((share * np.abs(rest) ** 2).sum(1)).astype(np.float32)
        middle_input = (self.input_size - 1) / 2 * (1 + 1j)
        middle = centre_image + scale * turn * (middle_input - centre_input)
        side = scale * self.input_size
        # A box counts from the outer edge of the first pixel, half a pixel from its centre.
        corner = np.c_[middle.real, middle.imag] + 0.5 - side / 2
        return boxes_of_crops(np.c_[corner, side, side, degrees]), misfit_px

    def confidence(self, scores: FloatArray) -> FloatArray:
        """How surely landmarks with scores (N, K) are those of an object, (N,) in [0, 1].

        It is the share of pictures without an object in which all landmarks have a lower mean
        score, which is taken as normally distributed. NaN where it was not measured.
        """
        if self.find_scores is None:
            return np.full(len(scores), np.nan, np.float32)
        best = NormalDist(*self.find_scores)
        return np.array([best.cdf(float(mean)) for mean in scores.mean(1)], np.float32)

    def least_score(self, confidence: float) -> float:
        """The mean score from which on landmarks are an object with such confidence, in (0, 1).

        That of most training crops where it was not measured.
        """
        if self.find_scores is None:
            return self.score
        return NormalDist(*self.find_scores).inv_cdf(confidence)

    def boxes_round_found(self, found_xywh: FloatArray) -> FloatArray:
        """The boxes (N, 4) of objects as in training, from those of a detector."""
        x, y, width, height = self.finder_box
        # By area, because a detector's box may have another shape than the mean one.
        side = np.sqrt(found_xywh[:, 2] * found_xywh[:, 3] / (width * height))
        centre = found_xywh[:, :2] + found_xywh[:, 2:] / 2
        corner = centre - side[:, None] * np.array([x + width / 2, y + height / 2], np.float32)
        return boxes_of_crops(np.c_[corner, side, side])

    def to_json(self) -> str:
        """One line that `framing_from_json` reads back."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @cached_property
    def _mean(self) -> npt.NDArray[np.complex64]:
        x, y = np.asarray(self.landmarks_input, np.float32).T
        return np.asarray(x + 1j * y, np.complex64)


def _followed(degrees: FloatArray) -> FloatArray:
    """The angle of a crop round an object that is turned by an angle, without a jump.

    A network finds the landmarks of an object that is turned by less than UPRIGHT as well as those
    of others, and crops that stay upright are cut in less time.
    """
    size = np.abs(degrees)
    followed = np.where(size < TURNED, np.maximum(2 * (size - UPRIGHT), 0), size)
    return np.asarray(np.sign(degrees) * followed, np.float32)


def confidence_of(scores: FloatArray, framing: Framing | None) -> FloatArray:
    """See `Framing.confidence`; NaN (N,) without framing."""
    unknown = np.full(len(scores), np.nan, np.float32)
    return framing.confidence(scores) if framing else unknown


def framing_from_json(text: str) -> Framing:
    """Read what `Framing.to_json` wrote. Raises ValueError."""
    return read_as(Framing, parse_json(text))
