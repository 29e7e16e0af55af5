"""The results of an evaluation, from which tables, page and JSON are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lmk.evaluation.comparison import Differences
from lmk.evaluation.metrics.base import Evaluation, Metric
from lmk.evaluation.metrics.catalogue import load_metrics
from lmk.evaluation.protocol import Benchmark


@dataclass(frozen=True, eq=False)
class Results:
    """Models on one benchmark, compared with the first.

    command: the call that made them, as the user wrote it.
    """

    benchmark: Benchmark
    evaluations: list[Evaluation]
    differences: Differences
    command: str

    @property
    def names(self) -> list[str]:
        """Names of the models, all different."""
        return [evaluation.model.name for evaluation in self.evaluations]

    @property
    def title(self) -> str:
        """The models and the data."""
        return f"{', '.join(self.names)} on {self.benchmark.test.name}"

    def measured(self) -> list[tuple[Metric[Any], list[Any]]]:
        """Metrics with a value for any model, in order, each with these values."""
        values = [
            (metric, [e.measured[metric] for e in self.evaluations if metric in e.measured])
            for metric in load_metrics()
        ]
        return [(metric, found) for metric, found in values if found]

    def notes(self) -> list[str]:
        """Describe in sentences how it was measured, and what was excluded."""
        test = self.benchmark.test
        said = [f"{len(test.images):,} test images of {test.file}"]
        for metric, values in self.measured():
            said += metric.notes(self.benchmark, values)
        # Forward and backward errors share their notes.
        return list(dict.fromkeys(said + _facts(self.evaluations)))


def _facts(evaluations: list[Evaluation]) -> list[str]:
    """The runtime of each model and its metrics that were not measured, grouped by equal facts."""
    by_fact: dict[str, list[str]] = {}
    for evaluation in evaluations:
        skipped = [f"not measured: {reason}" for reason in evaluation.skipped]
        for fact in (evaluation.model.backend.description, *skipped):
            by_fact.setdefault(fact, []).append(evaluation.model.name)
    return [f"{', '.join(names)}: {fact}" for fact, names in by_fact.items()]
