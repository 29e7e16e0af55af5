"""PCK and PCKh: the share of joints, the annotated points of a body, that a core finds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lmk.arrays import Points
from lmk.evaluation.bootstrap import PerImage
from lmk.evaluation.figure import LAST, USUAL, Figure
from lmk.evaluation.formulas.pck import Pck, pck, pckh, pckh_obstacle
from lmk.evaluation.landmarks import EvaluatedModel
from lmk.evaluation.metrics.base import Evaluation, Metric, Trial
from lmk.evaluation.metrics.regression import normalizer_note
from lmk.evaluation.protocol import Benchmark
from lmk.evaluation.table import ABSENT, Table

PCK_THRESHOLD, PCKH_THRESHOLD = 0.1, 0.5
PCK_NAME, PCKH_NAME = f"PCK@{PCK_THRESHOLD:g}", f"PCKh@{PCKH_THRESHOLD:g}"
TERM = f"{PCKH_NAME}, {PCK_NAME}"
MEANING = (
    "Share of labelled joints found within half the segment from neck to head top, and "
    f"within {PCK_THRESHOLD:g} of {{length}}."
)


def _joints_obstacle(model: EvaluatedModel, benchmark: Benchmark) -> str:
    """Why landmarks cannot be assigned to the annotated points; empty if they can."""
    names, landmarks = benchmark.test.names, model.backend.num_landmarks
    if not names:
        return f"{benchmark.test.file} has no annotated points"
    if own := model.backend.points.names:
        return "" if set(names) <= set(own) else "it lacks some of the annotated points"
    if model.landmark_names is None and landmarks != len(names):
        return f"its {landmarks} landmarks have no names, but there are {len(names)} points"
    if model.landmark_names and not set(names) <= set(model.landmark_names):
        return "its landmarks have other names than the annotated points"
    return ""


def _pck_obstacle(model: EvaluatedModel, benchmark: Benchmark) -> str:
    test = benchmark.test
    if obstacle := _joints_obstacle(model, benchmark):
        return obstacle
    if not (test.labelled.any(axis=1) & (benchmark.normalizer_px > 0)).any():
        return (
            f"no image of {test.file} has a labelled point and a length above 0 to normalise by "
            f"({benchmark.normalize})"
        )
    return ""


def _pckh_obstacle(model: EvaluatedModel, benchmark: Benchmark) -> str:
    test = benchmark.test
    if obstacle := _joints_obstacle(model, benchmark):
        return obstacle
    lacks = pckh_obstacle(test.xy_input, test.labelled, test.names)
    return f"{test.file} {lacks}" if lacks else ""


def _unnamed(model: EvaluatedModel, benchmark: Benchmark) -> str:
    """Why landmarks are assigned to the annotated points only on request."""
    named = model.landmark_names or model.backend.points
    unnamed = "" if named else "its landmarks have no names"
    return _joints_obstacle(model, benchmark) or unnamed


def _pck(trial: Trial) -> Pck:
    test, lengths = trial.benchmark.test, trial.benchmark.normalizer_px
    return pck(_joints(trial), test.xy_input, test.labelled, lengths, PCK_THRESHOLD)


def _pckh(trial: Trial) -> Pck:
    test = trial.benchmark.test
    return pckh(_joints(trial), test.xy_input, test.labelled, test.names, PCKH_THRESHOLD)


def _joints(trial: Trial) -> Points:
    """For each annotated point the model's point or landmark with its name, (N, A, 2).

    The landmarks of an exported file have no names and are assigned to the points in order.
    """
    known, names = trial.model.landmark_names, trial.benchmark.test.names
    if own := trial.model.backend.points.names:
        return trial.found_points[:, [own.index(name) for name in names]]
    return trial.found if known is None else trial.found[:, [known.index(name) for name in names]]


def _figure(name: str, measured: Pck, place: int, manifest_key: str = "") -> Figure:
    hits = 100.0 * measured.found.sum(axis=1)
    per_image = PerImage(hits, measured.counted.sum(axis=1).astype(np.float64))
    return Figure(name, per_image.value, "%", per_image, place, manifest_key)


def _record(measured: Pck) -> dict[str, Any]:
    shares = zip(measured.per_joint, measured.labelled, strict=True)
    return {
        "overall": measured.overall,
        "per_joint": [float(share) if labelled else None for share, labelled in shares],
        "labelled": measured.labelled.tolist(),
        "images_excluded": measured.excluded,
    }


def _by_joint(benchmark: Benchmark, name: str, evaluations: Sequence[Evaluation]) -> list[Table]:
    """Found share per joint: by PCKh if that was measured, else by PCK."""
    measured = [_pckh_or_pck(evaluation) for evaluation in evaluations]
    rows = []
    for index, joint in enumerate(benchmark.test.names):
        shares = [
            None if m is None or not m.labelled[index] else m.per_joint[index] for m in measured
        ]
        rows.append([joint, *(ABSENT if s is None else f"{100 * s:.1f}" for s in shares)])
    header = ["joint", *(evaluation.model.name for evaluation in evaluations)]
    return [Table(f"{name} in %, by joint", header, rows)]


def _pckh_or_pck(evaluation: Evaluation) -> Pck | None:
    found = evaluation.get(PCKH)
    return found or evaluation.get(PCK)


def _pck_table(benchmark: Benchmark, evaluations: Sequence[Evaluation]) -> list[Table]:
    if any(PCKH in evaluation.measured for evaluation in evaluations):
        return []  # there is one table by joint, and PCKh comes first
    return _by_joint(benchmark, PCK_NAME, evaluations)


def _pck_notes(benchmark: Benchmark, measured: Sequence[Pck]) -> list[str]:
    return [
        f"PCK within {PCK_THRESHOLD:g} of {normalizer_note(benchmark)}",
        *_excluded("PCK", measured),
    ]


def _excluded(name: str, measured: Sequence[Pck]) -> list[str]:
    excluded = max(one.excluded for one in measured)
    return [f"Excluded from {name}: {excluded} images without reference length"] if excluded else []


PCK: Metric[Pck] = Metric(
    name="pck",
    term=TERM,
    meaning=MEANING,
    obstacle=_pck_obstacle,
    not_by_default=lambda model, data: _unnamed(model, data) or _pck_obstacle(model, data),
    measure=_pck,
    figures=lambda measured: [_figure(PCK_NAME, measured, LAST)],
    record=lambda measured: {"pck": _record(measured)},
    tables=_pck_table,
    notes=_pck_notes,
)
PCKH: Metric[Pck] = Metric(
    name="pckh",
    term=TERM,
    meaning=MEANING,
    obstacle=_pckh_obstacle,
    not_by_default=lambda model, data: _unnamed(model, data) or _pckh_obstacle(model, data),
    measure=_pckh,
    figures=lambda measured: [_figure(PCKH_NAME, measured, USUAL, PCKH_NAME)],
    record=lambda measured: {"pckh": _record(measured)},
    tables=lambda data, models: _by_joint(data, PCKH_NAME, models),
    notes=lambda _, measured: _excluded("PCKh", measured),
)
