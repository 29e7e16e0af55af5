"""PCK: the share of joints that are found within a fraction of a length of the object.

Joints are the annotated points of a body; each of them is predicted by one landmark of a core.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmk.arrays import Flags, Points
from lmk.system.errors import DataError

HEAD = ("neck", "head_top")


@dataclass(frozen=True, eq=False)
class Pck:
    """Which joints were found, bool (N, K), and which of them count.

    counted: labelled, in an image with a reference length. found: counted, and close enough.
    excluded: number of images whose reference length is unknown or zero.
    """

    found: Flags
    counted: Flags
    excluded: int

    @property
    def hits(self) -> npt.NDArray[np.intp]:
        """Number of images in which each joint was found, (K,)."""
        return np.asarray(self.found.sum(axis=0))

    @property
    def labelled(self) -> npt.NDArray[np.intp]:
        """Number of images in which each joint counts, (K,)."""
        return np.asarray(self.counted.sum(axis=0))

    @property
    def overall(self) -> float:
        """Share in [0, 1] of found joints among all that count."""
        return float(self.found.sum() / self.counted.sum())

    @property
    def per_joint(self) -> npt.NDArray[np.float64]:
        """Share in [0, 1] of each joint, (K,); NaN where it counts in no image."""
        share = np.full(len(self.hits), np.nan)
        np.divide(self.hits, self.labelled, out=share, where=self.labelled > 0)
        return share


def pck(
    predicted: Points, annotated: Points, labelled: Flags, reference: Points, threshold: float
) -> Pck:
    """Count joints within `threshold` times the image's reference length.

    predicted and annotated (N, K, 2) in one frame; labelled bool (N, K); reference (N,) in the
    same unit. Images whose reference is NaN, infinite or not positive are excluded and counted.
    Raises DataError when no labelled joint is left.
    """
    usable = np.isfinite(reference) & (reference > 0)
    distance = np.linalg.norm(predicted.astype(np.float64) - annotated, axis=-1)
    counted = labelled & usable[:, None]
    if not counted.any():
        raise DataError(f"none of {len(labelled)} images has a labelled joint and reference length")
    near = distance <= threshold * np.where(usable, reference, 0)[:, None]
    return Pck(near & counted, counted, int((~usable).sum()))


def pckh(
    predicted: Points,
    annotated: Points,
    labelled: Flags,
    names: Sequence[str],
    threshold: float = 0.5,
) -> Pck:
    """PCK with the head segment, from `neck` to `head_top`, as reference length: PCKh@threshold.

    Arrays as in `pck`, names of the K joints. An image in which either end is not labelled has no
    head segment and is excluded. Raises DataError when the joints lack one of the two.

    Source: Andriluka et al., CVPR 2014, who use 0.6 of the diagonal of the head box.
    """
    if not set(HEAD) <= set(names):
        raise DataError(f"PCKh needs the joints neck and head_top, got {', '.join(names)}")
    reference = _head_segments(annotated, labelled, names)
    return pck(predicted, annotated, labelled, reference, threshold)


def pckh_obstacle(annotated: Points, labelled: Flags, names: Sequence[str]) -> str:
    """What the annotations lack for PCKh; empty if it can be measured."""
    if not set(HEAD) <= set(names):
        return "has no points neck and head_top"
    if not (_head_segments(annotated, labelled, names) > 0).any():
        return "has no image with both neck and head_top labelled"
    return ""


def _head_segments(annotated: Points, labelled: Flags, names: Sequence[str]) -> Points:
    """Length from neck to head top, (N,); NaN where either is not labelled."""
    neck, top = (names.index(name) for name in HEAD)
    length = np.linalg.norm(annotated[:, top].astype(np.float64) - annotated[:, neck], axis=-1)
    return np.where(labelled[:, neck] & labelled[:, top], length, np.nan)
