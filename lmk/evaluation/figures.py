"""The figures that stand for an evaluation, each with its share of every image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmk.evaluation.benchmark import FAILURE_PERCENT, PCK_THRESHOLD, PCKH_THRESHOLD
from lmk.evaluation.bootstrap import Sample
from lmk.evaluation.consistency import Consistency
from lmk.evaluation.pck import Pck
from lmk.evaluation.protocol import Curve, Evaluation

FAILURE = f"forward error above {FAILURE_PERCENT:g} %"
MIRRORED = "mirrored, best assignment"


@dataclass(frozen=True, eq=False)
class Figure:
    """One number of a model.

    name: what it is; unit "%" or "px" of the 128 x 128 input; sample: by image, None for a figure
    that is none of single images.
    """

    name: str
    value: float
    unit: str
    sample: Sample | None = None

    def __str__(self) -> str:
        return f"{self.value:.2f} {self.unit}"


def figures(evaluation: Evaluation) -> list[Figure]:
    """List the figures of what was measured, in order of importance."""
    found = []
    if evaluation.forward:
        found.append(_regression("forward error", evaluation.forward))
    if evaluation.backward:
        found.append(_regression("backward error", evaluation.backward))
    if evaluation.consistency:
        found.append(_distance("consistency", evaluation.consistency))
    if evaluation.forward:
        percent = evaluation.forward[None].percent
        failed = 100.0 * (percent > FAILURE_PERCENT).mean(axis=0)
        found.append(_mean(FAILURE, failed, "%"))
    if changed := evaluation.robustness:
        found.append(_distance(MIRRORED, changed.mirrored.assigned))
        found.append(_distance("mirrored, same index", changed.mirrored.same_index))
        found.append(_distance("other brightness", changed.brightness))
        found.append(_distance("noise", changed.noise))
    if evaluation.spread:
        spread = evaluation.spread
        found.append(Figure("nearest neighbour", spread.nearest_px, "px"))
        found.append(Figure("motion", spread.motion_px, "px"))
    if evaluation.pckh:
        found.append(_share(f"PCKh@{PCKH_THRESHOLD:g}", evaluation.pckh))
    if evaluation.pck:
        found.append(_share(f"PCK@{PCK_THRESHOLD:g}", evaluation.pck))
    return found


def _regression(name: str, curve: Curve) -> Figure:
    return _mean(name, curve[None].percent.mean(axis=0), "%")


def _distance(name: str, measured: Consistency) -> Figure:
    return _mean(name, measured.distance_px.mean(axis=1, dtype=np.float64), "px")


def _mean(name: str, values: npt.NDArray[np.float64], unit: str) -> Figure:
    sample = Sample(values, np.ones(len(values)))
    return Figure(name, sample.value, unit, sample)


def _share(name: str, measured: Pck) -> Figure:
    hits = 100.0 * measured.found.sum(axis=1)
    sample = Sample(hits, measured.counted.sum(axis=1).astype(np.float64))
    return Figure(name, sample.value, "%", sample)
