"""Annotated pictures as examples: what a model finds in them, and where their points are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lmk.arrays import Flags, Indices, Points
from lmk.data.mirror_names import mirror_partner
from lmk.evaluation.annotated import EVALUATION_SIZE, AnnotatedSet
from lmk.evaluation.landmarks import EvaluatedModel
from lmk.evaluation.views import MIRRORED
from lmk.geometry import resize_xy
from lmk.system.progress import Reporter


@dataclass(frozen=True, eq=False)
class Examples:
    """Annotated pictures: R rows, of which a mirrored picture is another of the same picture.

    xy_input (R, K, 2): the landmarks that the model finds; points_input (R, P, 2): the annotated
    points, NaN where there is none, both in input pixels. picture (R,): number of each row's
    picture.
    """

    xy_input: Points
    points_input: Points
    picture: Indices

    @property
    def seen(self) -> Flags:
        """Whether each point is annotated, (R, P)."""
        return np.asarray(np.isfinite(self.points_input).all(axis=2))

    def only(self, pictures: Indices) -> Examples:
        """The rows of some pictures, by number; these are numbered anew, in order."""
        rows = np.flatnonzero(np.isin(self.picture, pictures))
        number = np.unique(self.picture[rows], return_inverse=True)[1]
        return Examples(self.xy_input[rows], self.points_input[rows], number)


def find_examples(
    evaluated: EvaluatedModel, mirrored: Sequence[int] | None, data: AnnotatedSet, report: Reporter
) -> Examples:
    """Find a model's landmarks in annotated pictures.

    mirrored: the landmarks' mirror partners; with those of the points, by their names, mirrored
    pictures are examples too.
    """
    scale = evaluated.backend.input_size / EVALUATION_SIZE
    xy, points = evaluated.find(data.images, report), data.xy_input
    picture, partners = np.arange(len(xy)), _partners(data.names)
    if mirrored is not None and partners is not None:
        # Mirrored landmarks keep the order in which the network finds them.
        xy = np.concatenate([xy, evaluated.find(data.images, report, MIRRORED)])
        points = np.concatenate([points, _mirrored(points[:, partners])])
        picture = np.tile(picture, 2)
    return Examples(resize_xy(xy, scale), resize_xy(points, scale), picture)


def _mirrored(xy: Points) -> Points:
    """Places (..., 2) in the mirrored evaluation picture."""
    return np.asarray(xy * (-1, 1) + (EVALUATION_SIZE - 1, 0))


def _partners(names: Sequence[str]) -> list[int] | None:
    """For each point the number of its mirror partner; None if one is missing."""
    partners = [mirror_partner(name, list(names)) for name in names]
    return [names.index(p) for p in partners] if set(partners) <= set(names) else None
