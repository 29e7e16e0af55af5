"""A figure: one number of a model, with the contribution of each image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmk.evaluation.bootstrap import PerImage

FIRST, USUAL, LAST = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Figure:
    """One number of a model.

    name: of the figure. unit: "%", or "px" of the 128 px evaluation picture. per_image:
    contribution of each image, from which the bootstrap computes intervals; None if there is none.
    place: FIRST, USUAL or LAST among the figures of an evaluation. manifest_key: its key in a
    model's manifest, "" for a figure that is not saved there.
    """

    name: str
    value: float
    unit: str
    per_image: PerImage | None = None
    place: int = USUAL
    manifest_key: str = ""

    def __str__(self) -> str:
        return f"{self.value:.2f} {self.unit}"


def mean_figure(
    name: str,
    values: npt.NDArray[np.float64],
    unit: str,
    place: int = USUAL,
    manifest_key: str = "",
) -> Figure:
    """Make a figure that is the mean of one value per image, (N,)."""
    per_image = PerImage(values, np.ones(len(values)))
    return Figure(name, per_image.value, unit, per_image, place, manifest_key)
