"""Spread: have landmarks collapsed?"""

from __future__ import annotations

from lmk.evaluation.annotated import EVALUATION_SIZE
from lmk.evaluation.figure import Figure
from lmk.evaluation.formulas.spread import Spread, spread
from lmk.evaluation.landmarks import EvaluatedModel
from lmk.evaluation.metrics.base import Metric
from lmk.evaluation.protocol import Benchmark


def _obstacle(model: EvaluatedModel, _benchmark: Benchmark) -> str:
    return "a single landmark has no neighbour" if model.backend.num_landmarks < 2 else ""


def _figures(measured: Spread) -> list[Figure]:
    nearest, motion = "nearest neighbour", "motion"
    return [
        Figure(nearest, measured.nearest_px, "px", manifest_key=f"{nearest} px"),
        Figure(motion, measured.motion_px, "px", manifest_key=f"{motion} px"),
    ]


SPREAD = Metric(
    name="spread",
    term="Nearest neighbour, motion",
    meaning="Nearest neighbour: distance from a landmark to the nearest other one in the image. "
    "Motion: distance of a landmark from its own mean place. Both in pixels of the "
    f"{EVALUATION_SIZE} px evaluation picture. Collapsed landmarks can have small errors, "
    "but these two figures are then small too.",
    obstacle=_obstacle,
    measure=lambda trial: spread(trial.found),
    figures=_figures,
)
