"""PCK: the share of joints that are found, near enough by a length of the object itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmk.errors import DataError

Points = npt.NDArray[np.floating]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Pck:
    """Counts a joint, int (K,), over the images that have a reference length.

    hits: joints found; labelled: joints there were to find; excluded: images left out because
    their reference length is unknown or zero.
    """

    hits: npt.NDArray[np.intp]
    labelled: npt.NDArray[np.intp]
    excluded: int

    @property
    def overall(self) -> float:
        """Share in [0, 1] of all labelled joints that were found."""
        return float(self.hits.sum() / self.labelled.sum())

    @property
    def per_joint(self) -> npt.NDArray[np.float64]:
        """Share in [0, 1] of each joint, (K,); NaN where `labelled` is 0."""
        share = np.full(len(self.hits), np.nan)
        np.divide(self.hits, self.labelled, out=share, where=self.labelled > 0)
        return share


def pck(
    predicted: Points, annotated: Points, labelled: Flags, reference: Points, threshold: float
) -> Pck:
    """Count joints within `threshold` times the image's reference length.

    predicted and annotated (N, K, 2) in one frame; labelled bool (N, K); reference (N,) in the
    same unit. Images whose reference is NaN, infinite or not positive are left out and counted.
    Raises DataError when no labelled joint is left.
    """
    usable = np.isfinite(reference) & (reference > 0)
    distance = np.linalg.norm(predicted.astype(np.float64) - annotated, axis=-1)
    counted = labelled & usable[:, None]
    if not counted.any():
        raise DataError(f"none of {len(labelled)} images has a labelled joint and reference length")
    near = distance <= threshold * np.where(usable, reference, 0)[:, None]
    return Pck((near & counted).sum(axis=0), counted.sum(axis=0), int((~usable).sum()))


def pckh(
    predicted: Points,
    annotated: Points,
    labelled: Flags,
    names: Sequence[str],
    threshold: float = 0.5,
) -> Pck:
    """PCK with the head segment, from `neck` to `head_top`, as reference length: PCKh@threshold.

    Arrays as in `pck`, names of the K joints. An image in which either end is not labelled has no
    head segment and is left out. Raises DataError when the joints lack one of the two.

    Source: Andriluka et al., CVPR 2014, who take 0.6 of the head box's diagonal instead.
    """
    missing = {"neck", "head_top"} - set(names)
    if missing:
        raise DataError(f"PCKh needs the joints neck and head_top; missing {sorted(missing)}")
    neck, top = names.index("neck"), names.index("head_top")
    segment = np.linalg.norm(annotated[:, top].astype(np.float64) - annotated[:, neck], axis=-1)
    known = labelled[:, neck] & labelled[:, top]
    return pck(predicted, annotated, labelled, np.where(known, segment, np.nan), threshold)
