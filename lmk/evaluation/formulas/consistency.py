"""Consistency: do landmarks rotate with the picture, and stay when only its colours change?

For a random similarity transform A the distance between landmarks(A(picture)) and
A(landmarks(picture)). A rotates the picture about its centre and shrinks it so that the rotated
square fits into the picture: no point of the picture leaves it. Corners that A uncovers repeat the
edge. Landmarks that never move have an error, but collapsed ones may have none: judge it together
with the spread. All distances are in pixels of the 128 px evaluation picture.

Source: Sanchez and Tzimiropoulos, NeurIPS 2019, section 4.2; angles from N(0, 15 degrees) as in
the authors' public code, which also rotates the first picture of each pair at random.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmk.arrays import FloatArray, Points
from lmk.evaluation.annotated import EVALUATION_SIZE
from lmk.geometry import apply_affine, turn_about
from lmk.system.errors import missing_extra

DEGREES = 15.0


@dataclass(frozen=True, eq=False)
class Consistency:
    """Distances in px, float32 (N, K): one row per image, one column per landmark."""

    distance_px: FloatArray

    @property
    def per_landmark(self) -> FloatArray:
        """Mean over images, float32 (K,), in the order of the landmarks."""
        return np.asarray(self.distance_px.mean(axis=0), np.float32)

    @property
    def average(self) -> float:
        """Mean over images and landmarks."""
        return float(self.distance_px.mean())


@dataclass(frozen=True, eq=False)
class MirrorConsistency:
    """Distances between the landmarks of mirrored images and the mirrored landmarks.

    A discovered landmark may stay on its side of the object, as the left and right eye of a
    supervised model do, or on its side of the picture. `partner` (K,) is the one-to-one assignment
    with the smallest mean distance over all images: landmark k of the image becomes landmark
    partner[k] of the mirrored one. `assigned` is measured with it, `same_index` without it, `known`
    with the partners that the model itself names, None if it names none.
    """

    partner: npt.NDArray[np.intp]
    assigned: Consistency
    same_index: Consistency
    known: Consistency | None


def consistency(
    found: Points, found_changed: Points, matrices: Points | None = None
) -> Consistency:
    """Compare landmarks (N, K, 2), moved by matrices (N, 2, 3), with those of the changed images.

    Without matrices only the colours changed. All in pixels of the pictures.
    """
    expected = found if matrices is None else apply_affine(matrices, found)
    distance = np.linalg.norm(found_changed.astype(np.float64) - expected, axis=-1)
    return Consistency(distance.astype(np.float32))


def mirror_consistency(
    found: Points, found_mirrored: Points, known: Sequence[int] | None = None
) -> MirrorConsistency:
    """Compare landmarks (N, K, 2) of images with those of the same images mirrored left to right.

    known: the mirror partners that the model names. Raises UnavailableError when SciPy is not
    installed.
    """
    try:
        from scipy.optimize import linear_sum_assignment
    except ImportError as error:
        raise missing_extra("scipy", "eval") from error
    expected = found.astype(np.float64)
    expected[..., 0] = EVALUATION_SIZE - 1 - expected[..., 0]
    pairwise = np.linalg.norm(expected[:, :, None] - found_mirrored[:, None], axis=-1)
    partner = linear_sum_assignment(pairwise.mean(axis=0))[1]
    return MirrorConsistency(
        partner,
        consistency(expected, found_mirrored[:, partner]),
        consistency(expected, found_mirrored),
        consistency(expected, found_mirrored[:, known]) if known is not None else None,
    )


def random_turns(count: int, seed: int) -> FloatArray:
    """Draw matrices (N, 2, 3) from pixels of a picture to pixels of the rotated picture.

    The square canvas that contains the rotated picture is |cos| + |sin| times as wide and is
    resized back to the picture's width. Matrix i depends only on seed and i.
    """
    angle = np.radians(np.random.default_rng(seed).normal(0, DEGREES, count))
    scale = 1 / (np.abs(np.cos(angle)) + np.abs(np.sin(angle)))
    center = np.full(2, (EVALUATION_SIZE - 1) / 2)
    return np.asarray(turn_about(center, center, angle, scale), np.float32)
