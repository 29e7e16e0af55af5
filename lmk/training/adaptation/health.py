"""Warnings about landmarks and cores, from figures of the evaluation batch and the manifest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lmk.arrays import FloatArray
from lmk.evaluation.formulas.spread import spread

COLLAPSED_PX = 3.0
STILL_RATIO = 0.7
BORDER_PX = 4.0
BORDER_SHARE = 0.5
WEAK_PCKH = 40.0


def figures(
    xy: FloatArray, xy_deformed: FloatArray, moved: FloatArray, input_size: int
) -> dict[str, float]:
    """Measure landmarks (N, K, 2) of views and of deformed views, all in input pixels.

    `moved` (N, K, 2) is where the transform between the two puts those of the views.

    nearest_px    distance to the nearest other landmark; nothing for a single landmark
    stillness     distance between the landmarks of the deformed view and where the transform
                  moved those of the view, over the distance by which it moved them: 0
                  follows the picture, 1 stays where it was
    border_share  share of pictures in which a landmark is within BORDER_PX of the frame's edge,
                  of the landmark that is there most often
    """
    error = np.linalg.norm(xy_deformed - moved, axis=-1).mean()
    distance = np.linalg.norm(moved - xy, axis=-1).mean()
    border = (np.minimum(xy, input_size - 1 - xy) < BORDER_PX).any(axis=-1).mean(axis=0)
    found = {
        "stillness": float(error / max(distance, 1e-6)),
        "border_share": float(border.max()),
    }
    if xy.shape[1] > 1:
        found["nearest_px"] = spread(xy).nearest_px
    return found


def warnings(found: Mapping[str, float], input_size: int) -> dict[str, str]:
    """Say what is wrong with such figures, by the figure's name; empty when nothing is."""
    said = {}
    nearest = found.get("nearest_px", np.inf)
    if nearest < COLLAPSED_PX:
        said["nearest_px"] = (
            f"landmarks lie on one another: {nearest:.1f} px of {input_size} from one to the next. "
            "Raise --separation, or --separation-scale"
        )
    if found["stillness"] > STILL_RATIO:
        said["stillness"] = (
            f"landmarks do not move with the picture: {100 * found['stillness']:.0f} % of a "
            "transform is not followed. Raise --equivariance, or the rates; a weak core also does "
            "this"
        )
    if found["border_share"] > BORDER_SHARE:
        said["border_share"] = (
            f"a landmark is at the border of {100 * found['border_share']:.0f} % of the pictures. "
            "Lower --separation-scale or --keypoints, or frame the objects with more margin"
        )
    return said


def core_warning(untrained: bool, core_figures: Mapping[str, Any]) -> str | None:
    """Warn, with the figure, of a core that seems untrained or weak.

    `untrained` means that its batch norms have never seen a picture; `core_figures` are those of
    its manifest.
    """
    if untrained:
        return "the core's batch norms have never seen a picture: it is not trained"
    pckh = core_figures.get("PCKh@0.5")
    if isinstance(pckh, (int, float)) and pckh < WEAK_PCKH:
        return (
            f"the core finds {pckh:.0f} % of its own joints (PCKh@0.5); adaptations are weak below "
            f"{WEAK_PCKH:.0f} %: train it longer with lmk pretrain --core"
        )
    return None
