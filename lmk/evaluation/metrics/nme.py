"""The normalised mean error of a model's named points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lmk.evaluation.bootstrap import PerImage
from lmk.evaluation.figure import FIRST, USUAL, Figure
from lmk.evaluation.formulas.nme import Nme, nme
from lmk.evaluation.landmarks import EvaluatedModel
from lmk.evaluation.metrics.base import Evaluation, Metric, Trial
from lmk.evaluation.metrics.regression import FAILURE_PERCENT, normalizer_note
from lmk.evaluation.protocol import Benchmark
from lmk.evaluation.table import ABSENT, Table

NAME = "NME"
AREA_NAME = f"AUC up to {FAILURE_PERCENT:g} %"
FAILURES_NAME = f"NME above {FAILURE_PERCENT:g} %"


def shared_points(model: EvaluatedModel, benchmark: Benchmark) -> list[tuple[int, int]]:
    """Pairs of numbers: of the annotated points that a model finds by name, and of its points."""
    own = model.backend.points.names
    return [(k, own.index(name)) for k, name in enumerate(benchmark.test.names) if name in own]


def _obstacle(model: EvaluatedModel, benchmark: Benchmark) -> str:
    test, own = benchmark.test, model.backend.points.names
    if not own:
        return "it has no named points"
    shared = [annotated for annotated, _ in shared_points(model, benchmark)]
    if not shared:
        return (
            f"its points are {', '.join(own)}, those of {test.file} are "
            f"{', '.join(test.names) or 'none'}"
        )
    if not (test.labelled[:, shared].any(axis=1) & (benchmark.normalizer_px > 0)).any():
        return (
            f"no image of {test.file} has one of its points and a length above 0 to normalise by "
            f"({benchmark.normalize})"
        )
    return ""


def _measure(trial: Trial) -> Nme:
    """Errors (N, A) of all annotated points; NaN for those that the model does not have."""
    test = trial.benchmark.test
    found = np.full(test.xy_input.shape, np.nan)
    for annotated, own in shared_points(trial.model, trial.benchmark):
        found[:, annotated] = trial.found_points[:, own]
    labelled = test.labelled & np.isfinite(found).all(axis=2)
    return nme(found, test.xy_input, labelled, trial.benchmark.normalizer_px)


def _figures(measured: Nme) -> list[Figure]:
    errors = measured.per_image
    known = np.isfinite(errors)
    weight = known.astype(np.float64)

    def figure(name: str, values: Any, place: int, key: str = "") -> Figure:
        per_image = PerImage(np.where(known, values, 0.0), weight)
        return Figure(name, per_image.value, "%", per_image, place, key)

    filled = np.where(known, errors, 0.0)
    area = 100 * np.maximum(1 - filled / FAILURE_PERCENT, 0)
    failed = 100.0 * (filled > FAILURE_PERCENT)
    return [
        figure(NAME, filled, FIRST, NAME),
        figure(AREA_NAME, area, USUAL),
        figure(FAILURES_NAME, failed, USUAL),
    ]


def _record(measured: Nme) -> dict[str, Any]:
    shares = [None if np.isnan(error) else float(error) for error in measured.per_point]
    return {
        "nme": {
            "mean_percent": float(measured.known.mean()),
            "per_point_percent": shares,
            "area_under_curve": measured.area_under_curve(FAILURE_PERCENT),
            "failure_rate": measured.failure_rate(FAILURE_PERCENT),
            "images": len(measured.known),
        }
    }


def _tables(benchmark: Benchmark, evaluations: Sequence[Evaluation]) -> list[Table]:
    measured = [evaluation.get(NME) for evaluation in evaluations]
    rows = []
    for index, name in enumerate(benchmark.test.names):
        errors = [None if m is None else m.per_point[index] for m in measured]
        cells = [ABSENT if e is None or np.isnan(e) else f"{e:.2f}" for e in errors]
        rows.append([name, *cells])
    header = ["point", *(evaluation.model.name for evaluation in evaluations)]
    return [Table(f"{NAME} in %, by point", header, rows)]


def _notes(benchmark: Benchmark, measured: Sequence[Nme]) -> list[str]:
    said = [f"{NAME} in % of {normalizer_note(benchmark)}"]
    left_out = len(benchmark.test.images) - max(len(one.known) for one in measured)
    if left_out:
        said.append(f"Excluded from {NAME}: {left_out} images without points or length")
    return said


NME: Metric[Nme] = Metric(
    name="nme",
    term=f"{NAME}, {AREA_NAME}",
    meaning="Normalised mean error: the distance of the model's named points from the annotated "
    "points of the same names, in % of {length}, as the mean over the image's points. The area "
    f"under the curve of the share of images with at most an error, from 0 to {FAILURE_PERCENT:g} "
    "%, is 100 % when no image has any error.",
    obstacle=_obstacle,
    measure=_measure,
    figures=_figures,
    record=_record,
    tables=_tables,
    notes=_notes,
)
