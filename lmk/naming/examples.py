"""Annotated pictures as examples: what a model finds in them, and where their points are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lmk.architectures.catalogue import DEFAULT, find_architecture
from lmk.architectures.spec import Architecture
from lmk.arrays import Flags, FloatArray, Images, Indices, Points
from lmk.data.mirror_names import mirror_partner
from lmk.data.resize import resize_crops
from lmk.evaluation.annotated import EVALUATION_SIZE, AnnotatedSet
from lmk.evaluation.views import MIRRORED
from lmk.geometry import resize_xy
from lmk.inference.backends.base import Backend
from lmk.model.folder import Model
from lmk.naming.features import find_features

BATCH = 16
MOST_SEARCHED = 200  # pictures; more say with the landmarks' places alone where points are


@dataclass(frozen=True, eq=False)
class Examples:
    """Annotated pictures: R rows, of which a mirrored picture is another of the same picture.

    xy_input (R, K, 2): the landmarks that the model finds; points_input (R, P, 2): the annotated
    points, NaN where there is none, both in input pixels. picture (R,): number of each row's
    picture. features (R, C, H * H): of a network of this architecture; None for too many pictures,
    and for an architecture without.
    """

    xy_input: Points
    points_input: Points
    picture: Indices
    features: FloatArray | None = None
    architecture: Architecture = field(default_factory=lambda: find_architecture(DEFAULT))

    @property
    def seen(self) -> Flags:
        """Whether each point is annotated, (R, P)."""
        return np.asarray(np.isfinite(self.points_input).all(axis=2))

    def only(self, pictures: Indices) -> Examples:
        """The rows of some pictures, by number; these are numbered anew, in order."""
        rows = np.flatnonzero(np.isin(self.picture, pictures))
        number = np.unique(self.picture[rows], return_inverse=True)[1]
        features = None if self.features is None else self.features[rows]
        places = self.xy_input[rows], self.points_input[rows]
        return Examples(*places, number, features, self.architecture)


def find_examples(
    backend: Backend, model: Model, data: AnnotatedSet, search: bool = False
) -> Examples:
    """Find a model's landmarks in annotated pictures, and its features to search in if asked.

    Where the landmarks and the points, by their names, have mirror partners, mirrored pictures are
    examples too.
    """
    images, points, picture = data.images, data.xy_input, np.arange(len(data.images))
    partners = _partners(data.names)
    if model.manifest.mirrored is not None and partners is not None:
        # The network gives the landmarks of a mirrored picture their own numbers.
        images = np.concatenate([images, MIRRORED.change(images, range(len(images)))])
        points = np.concatenate([points, _mirrored(points[:, partners])])
        picture = np.tile(picture, 2)
    inputs = resize_crops(images, backend.input_size)
    points_input = resize_xy(points, backend.input_size / EVALUATION_SIZE)
    features = None
    if search and len(data.images) <= MOST_SEARCHED and model.architecture.point_features:
        features = find_features(model, inputs)
    xy_input = find_landmarks(backend, inputs)
    return Examples(xy_input, points_input, picture, features, model.architecture)


def find_landmarks(backend: Backend, images: Images) -> FloatArray:
    """Landmarks (N, K, 2) in input px of images (N, S, S, 3), S the input size."""
    parts = range(0, len(images), BATCH)
    return np.concatenate([backend.infer(images[at : at + BATCH]).landmarks.copy() for at in parts])


def _mirrored(xy: Points) -> Points:
    """Places (..., 2) in the mirrored evaluation picture."""
    return np.asarray(xy * (-1, 1) + (EVALUATION_SIZE - 1, 0))


def _partners(names: Sequence[str]) -> list[int] | None:
    """For each point the number of its mirror partner; None if one is missing."""
    partners = [mirror_partner(name, list(names)) for name in names]
    return [names.index(p) for p in partners] if set(partners) <= set(names) else None
