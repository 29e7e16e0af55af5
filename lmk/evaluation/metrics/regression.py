"""Forward and backward error: how well landmarks and annotated points predict each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lmk.evaluation import paper
from lmk.evaluation.annotated import describe_normalizer
from lmk.evaluation.figure import FIRST, Figure, mean_figure
from lmk.evaluation.formulas.regression import (
    Pairs,
    RegressionErrors,
    cross_validated_errors,
    regression_errors,
)
from lmk.evaluation.landmarks import EvaluatedModel
from lmk.evaluation.metrics.base import Evaluation, Metric, Trial
from lmk.evaluation.protocol import Benchmark
from lmk.evaluation.table import ABSENT, Table

Curve = dict[int | None, RegressionErrors]
"""Errors by number of training images; None, for all, is always there."""

COUNTS = paper.COUNTS  # as in the paper's table 2; None is all images
FAILURE_PERCENT = 10.0
CURVE_PERCENT = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 30, 50)
FORWARD_ERROR, BACKWARD_ERROR = "forward error", "backward error"


def chosen_counts(benchmark: Benchmark) -> list[int | None]:
    """Numbers of training images in order, all (None) last: the requested ones, or the default."""
    asked = benchmark.protocol.counts
    if asked is None:
        return [count for count in COUNTS if not count or count <= benchmark.training_images]
    return [*sorted({count for count in asked if count is not None}), None]


def _obstacle(_model: EvaluatedModel, benchmark: Benchmark) -> str:
    return benchmark.regression_obstacle()


def _not_by_default(model: EvaluatedModel, benchmark: Benchmark) -> str:
    if model.landmark_names:
        return "its landmarks have names, so it is measured only on request"
    return benchmark.regression_obstacle()


def _forward(trial: Trial) -> Curve:
    return _curve(trial, swap=False)


def _backward(trial: Trial) -> Curve:
    return _curve(trial, swap=True)


def _curve(trial: Trial, swap: bool) -> Curve:
    """Errors for each number of training images; if swapped, from annotated points to landmarks."""
    benchmark = trial.benchmark
    protocol, usable, train_set = benchmark.protocol, benchmark.test_usable, benchmark.train
    lengths = benchmark.normalizer_px[usable]
    test = Pairs(trial.found[usable], benchmark.test.xy_input[usable])
    test = test.swapped() if swap else test
    settings = {"draws": protocol.draws, "seed": protocol.seed}
    if train_set is None:
        return {
            count: cross_validated_errors(
                test, lengths, folds=protocol.folds, count=count, ridge=protocol.ridge, **settings
            )
            for count in chosen_counts(benchmark)
        }
    kept = benchmark.train_usable
    train = Pairs(trial.found_train[kept], train_set.xy_input[kept])
    train = train.swapped() if swap else train
    return {
        count: regression_errors(
            train, test, lengths, count=count, ridge=protocol.ridge, **settings
        )
        for count in chosen_counts(benchmark)
    }


def _forward_figures(curve: Curve) -> list[Figure]:
    percent = curve[None].percent
    failed = 100.0 * (percent > FAILURE_PERCENT).mean(axis=0)
    return [
        mean_figure(FORWARD_ERROR, percent.mean(axis=0), "%", FIRST, "forward %"),
        mean_figure(f"{FORWARD_ERROR} above {FAILURE_PERCENT:g} %", failed, "%"),
    ]


def _backward_figures(curve: Curve) -> list[Figure]:
    percent = curve[None].percent.mean(axis=0)
    return [mean_figure(BACKWARD_ERROR, percent, "%", FIRST, "backward %")]


def _record(curve: Curve) -> dict[str, Any]:
    """Errors by training images, and for the last number the share of images below each error."""
    everything = curve[None].percent
    return {
        "by_training_images": [
            {
                "images": "all" if count is None else count,
                "mean": errors.mean,
                "std": errors.std,
                "by_draw": errors.percent.mean(axis=1).tolist(),
                "failure_rate_percent": 100 * errors.failure_rate(FAILURE_PERCENT),
            }
            for count, errors in curve.items()
        ],
        "cumulative_percent": {
            str(limit): float(100 * (everything <= limit).mean()) for limit in CURVE_PERCENT
        },
    }


def _by_count(
    benchmark: Benchmark,
    evaluations: Sequence[Evaluation],
    metric: Metric[Curve],
    published: Mapping[str, paper.Columns],
) -> list[Table]:
    """Errors by the number of training images, as the paper's table 2."""
    curves = [evaluation.get(metric) or {} for evaluation in evaluations]
    columns = _published_columns(benchmark, published)
    rows = []
    for count in next(curve for curve in curves if curve):
        cells = [
            f"{c[count].mean:.2f} ± {c[count].std:.2f}" if count in c else ABSENT for c in curves
        ]
        listed = [
            f"{column[paper.COUNTS.index(count)]:.2f}" if count in paper.COUNTS else ABSENT
            for column in columns
        ]
        rows.append(["all" if count is None else f"{count:,}", *cells, *listed])
    names = [evaluation.model.name for evaluation in evaluations]
    note = (
        "± standard deviation over draws of the training images. If there are about as many images "
        "as coordinates of the predicting points, regressors with the default ridge weight are "
        "unstable."
    )
    title = f"{metric.term} in %"
    return [Table(title, ["training images", *names, *paper.header(columns)], rows, note)]


def _published(
    benchmark: Benchmark, name: str, published: Mapping[str, paper.Columns]
) -> dict[str, str]:
    columns = _published_columns(benchmark, published)
    return {name: f"{columns[paper.PROPOSED][-1]:.2f} %"} if columns else {}


def _published_columns(
    benchmark: Benchmark, published: Mapping[str, paper.Columns]
) -> paper.Columns:
    """The paper's errors, if ours have the same unit: the distance between the eyes."""
    if benchmark.normalize != "eyes":
        return ()
    return published.get(benchmark.test.name.lower(), ())


def _notes(benchmark: Benchmark, _curves: Sequence[Curve]) -> list[str]:
    said = [_regressor(benchmark), f"Errors in % of {normalizer_note(benchmark)}"]
    there = benchmark.training_images
    missing = [f"{count:,}" for count in COUNTS if count and count > there]
    if missing and benchmark.protocol.counts is None:
        said.append(f"Not measured: {', '.join(missing)} training images; there are only {there:,}")
    return said + [f"Excluded from the regressions: {reason}" for reason in benchmark.exclusions]


def _regressor(benchmark: Benchmark) -> str:
    protocol, train = benchmark.protocol, benchmark.train
    fitted = (
        f"on {int(benchmark.train_usable.sum()):,} images of {train.file}"
        if train
        else f"by {protocol.folds}-fold cross-validation, because --regressor-data is not given"
    )
    return (
        f"Regressors fitted {fitted}; ridge weight {protocol.ridge:g} of the scatter "
        f"matrix's largest entry, {protocol.draws} draws, seed {protocol.seed}"
    )


def normalizer_note(benchmark: Benchmark) -> str:
    """Describe the length that errors are divided by, and whether it is the default."""
    chosen = "" if benchmark.protocol.normalize else " (the default here)"
    return describe_normalizer(benchmark.normalize) + chosen


FORWARD: Metric[Curve] = Metric(
    name="forward",
    term="Forward error",
    meaning="A ridge regression predicts the annotated points from the landmarks. Mean distance to "
    "them, in % of {length}. A low value means that the landmarks carry the object's "
    "shape.",
    obstacle=_obstacle,
    not_by_default=_not_by_default,
    measure=_forward,
    figures=_forward_figures,
    record=lambda curve: {"forward": _record(curve)},
    tables=lambda data, models: _by_count(data, models, FORWARD, paper.FORWARD),
    notes=_notes,
    published=lambda data: _published(data, FORWARD_ERROR, paper.FORWARD),
)
BACKWARD: Metric[Curve] = Metric(
    name="backward",
    term="Backward error",
    meaning="The opposite: a ridge regression predicts the landmarks from the annotated points; "
    "divided by the same length. A low value means that each landmark follows the object, "
    "or that no landmark moves.",
    obstacle=_obstacle,
    not_by_default=_not_by_default,
    measure=_backward,
    figures=_backward_figures,
    record=lambda curve: {"backward": _record(curve)},
    tables=lambda data, models: _by_count(data, models, BACKWARD, paper.BACKWARD),
    notes=_notes,
    published=lambda data: _published(data, BACKWARD_ERROR, paper.BACKWARD),
)
