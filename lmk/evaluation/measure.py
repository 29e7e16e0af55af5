"""Measure one or several models on the same benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lmk.evaluation.landmarks import EvaluatedModel
from lmk.evaluation.metrics.base import Evaluation, Trial
from lmk.evaluation.metrics.catalogue import load_metrics
from lmk.evaluation.protocol import Benchmark
from lmk.system.errors import DataError, UsageError
from lmk.system.progress import Reporter

BY_NAME = {"nme", "pck", "pckh"}
"""The metrics of points by their names, which do not depend on the number of landmarks."""


def measure(model: EvaluatedModel, benchmark: Benchmark, report: Reporter) -> Evaluation:
    """Measure a model. Raises DataError for a requested metric that cannot be measured."""
    chosen, skipped = choose_metrics(model, benchmark)
    trial = Trial(model, benchmark, report)
    found = trial.found
    measured = {metric: metric.measure(trial) for metric in load_metrics() if metric.name in chosen}
    return Evaluation(model, found, measured, skipped)


def measure_all(
    models: Sequence[EvaluatedModel], benchmark: Benchmark, report: Reporter
) -> list[Evaluation]:
    """Measure each model.

    Models with different numbers of landmarks are compared by their named points alone. Raises
    UsageError when that is not possible, because other errors depend on the number.
    """
    counts = {model.name: model.backend.num_landmarks for model in models}
    if len(set(counts.values())) > 1:
        asked = benchmark.protocol.metrics
        if not all(model.backend.points for model in models) or not {*(asked or ())} <= BY_NAME:
            found = ", ".join(f"{name} has {count}" for name, count in counts.items())
            raise UsageError(
                f"models with different numbers of landmarks are compared by their named points "
                f"alone ({', '.join(sorted(BY_NAME))}), which all must have, because other errors "
                f"depend on the number: {found}"
            )
        protocol = replace(benchmark.protocol, metrics=asked or ("nme",))
        benchmark = replace(benchmark, protocol=protocol)
    return [measure(model, benchmark, report) for model in models]


def choose_metrics(model: EvaluatedModel, benchmark: Benchmark) -> tuple[set[str], list[str]]:
    """Choose the requested metrics, or all that can be measured, with reasons for the others.

    Raises DataError when a requested one cannot be measured.
    """
    asked = benchmark.protocol.metrics
    if asked is not None:
        known = {metric.name: metric for metric in load_metrics()}
        for name in asked:
            if obstacle := known[name].obstacle(model, benchmark):
                raise DataError(f"{name} of {model.name}: {obstacle}")
        return set(asked), []
    by_reason: dict[str, list[str]] = {}
    for metric in load_metrics():
        reason = (metric.not_by_default or metric.obstacle)(model, benchmark)
        by_reason.setdefault(reason, []).append(metric.name)
    chosen = set(by_reason.pop("", []))
    return chosen, [f"{', '.join(names)}: {reason}" for reason, names in by_reason.items()]
