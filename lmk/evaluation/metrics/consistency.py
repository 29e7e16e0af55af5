"""Consistency: do landmarks rotate with the picture?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lmk.evaluation import paper, views
from lmk.evaluation.annotated import EVALUATION_SIZE
from lmk.evaluation.figure import FIRST, USUAL, Figure, mean_figure
from lmk.evaluation.formulas.consistency import DEGREES, Consistency, consistency, random_turns
from lmk.evaluation.metrics.base import Evaluation, Metric, Trial, always
from lmk.evaluation.protocol import Benchmark
from lmk.evaluation.table import ABSENT, Table

NAME = "consistency"


def distance_figure(
    name: str, measured: Consistency, place: int = USUAL, manifest_key: str = ""
) -> Figure:
    """Mean distance over landmarks and images as a figure."""
    distance_px = measured.distance_px.mean(axis=1, dtype=np.float64)
    return mean_figure(name, distance_px, "px", place, manifest_key)


def distances_record(measured: Consistency) -> dict[str, Any]:
    """Distances in JSON."""
    return {
        "average_px": measured.average,
        "per_point_px": measured.per_landmark.tolist(),
        "sorted_px": np.sort(measured.per_landmark).tolist(),
        "images": len(measured.distance_px),
    }


def _measure(trial: Trial) -> Consistency:
    count, seed = len(trial.benchmark.test.images), trial.benchmark.protocol.seed
    found_turned = trial.found_in(views.turned(count, seed))
    return consistency(trial.found, found_turned, random_turns(count, seed))


def _by_landmark(benchmark: Benchmark, evaluations: Sequence[Evaluation]) -> list[Table]:
    """Per landmark, sorted, as the paper's table 3 with rows and columns swapped."""
    columns = _published_columns(benchmark)
    measured = [evaluation.get(CONSISTENCY) for evaluation in evaluations]
    orders = [np.argsort(m.per_landmark) if m else None for m in measured]
    landmarks = max(len(order) for order in orders if order is not None)
    rows = []
    for rank in range(landmarks):
        cells = [
            f"{m.per_landmark[order[rank]]:.2f} (no. {order[rank]})"
            if m and order is not None
            else ABSENT
            for m, order in zip(measured, orders, strict=True)
        ]
        listed = [f"{c[rank]:.2f}" if rank < len(c) - 1 else ABSENT for c in columns]
        rows.append([str(rank + 1), *cells, *listed])
    averages = [f"{m.average:.2f}" if m else ABSENT for m in measured]
    rows.append(["average", *averages, *(f"{c[-1]:.2f}" for c in columns)])
    names = [evaluation.model.name for evaluation in evaluations]
    note = (
        f"The landmark's number is in brackets. Pictures are rotated by N(0, {DEGREES:g} degrees) "
        "and shrunk to fit, so that no point leaves the picture."
    )
    title = f"Consistency in px of the {EVALUATION_SIZE} px evaluation picture, by landmark"
    return [Table(title, ["rank", *names, *paper.header(columns)], rows, note)]


def _published(benchmark: Benchmark) -> dict[str, str]:
    columns = _published_columns(benchmark)
    return {NAME: f"{columns[paper.PROPOSED][-1]:.2f} px"} if columns else {}


def _published_columns(benchmark: Benchmark) -> paper.Columns:
    return paper.CONSISTENCY.get(benchmark.test.name.lower(), ())


CONSISTENCY = Metric(
    name="consistency",
    term="Consistency",
    meaning="Distance between the landmarks of a rotated image and the rotated landmarks of the "
    f"image, in pixels of the {EVALUATION_SIZE} px evaluation picture, for every input size of the "
    f"network. Rotations by N(0, {DEGREES:g} degrees) about the centre; the canvas that contains "
    f"the rotated image is resized to {EVALUATION_SIZE} px, so that no point leaves the picture; "
    "uncovered corners repeat the edge.",
    obstacle=always,
    measure=_measure,
    figures=lambda measured: [distance_figure(NAME, measured, FIRST, "consistency px")],
    record=lambda measured: {"consistency": distances_record(measured)},
    tables=_by_landmark,
    published=_published,
)
