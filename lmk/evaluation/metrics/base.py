"""A metric: its requirements, its computation from landmarks, and its presentation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar, cast

from lmk.arrays import FloatArray, Indices
from lmk.evaluation.figure import Figure
from lmk.evaluation.landmarks import EvaluatedModel
from lmk.evaluation.protocol import Benchmark
from lmk.evaluation.table import Table
from lmk.evaluation.views import View
from lmk.system.progress import Reporter

Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class Trial:
    """A model on a benchmark: gives metrics the landmarks that they request, each computed once.

    All landmarks are float32 (N, K, 2) in pixels of the evaluation pictures.
    """

    model: EvaluatedModel
    benchmark: Benchmark
    report: Reporter

    @cached_property
    def found(self) -> FloatArray:
        """Landmarks of the test images."""
        return self.model.find(self.benchmark.test.images, self.report)

    @cached_property
    def found_points(self) -> FloatArray:
        """Named points of the test images, float32 (N, P, 2)."""
        return self.model.find_points(self.benchmark.test.images, self.report)

    @cached_property
    def found_train(self) -> FloatArray:
        """Landmarks of the images that regressors are fitted on, by default the test images."""
        train = self.benchmark.train
        return self.model.find(train.images, self.report) if train else self.found

    def found_in(self, view: View, index: Indices | None = None) -> FloatArray:
        """Landmarks of the test images in a view: of all, or of those at index."""
        images = self.benchmark.test.images
        return self.model.find(images if index is None else images[index], self.report, view)


@dataclass(frozen=True, eq=False)
class Metric(Generic[Value]):
    """One way to measure a model; it returns a Value, from which the figures are made.

    name: for `--metrics`. term, meaning: its definition on the page; "{length}" in it stands for
    the length that errors are divided by. obstacle: why it cannot be measured, empty if it can.
    measure: compute it. figures: its figures. Optional: not_by_default: why it is only measured on
    request, `obstacle` if None. record: its entry in JSON besides the figures. tables: its own
    tables, of all models. notes: sentences on how it was measured, from the values of those models
    that have one. published: the paper's figures for these data, by the names of ours.
    """

    name: str
    term: str
    meaning: str
    obstacle: Callable[[EvaluatedModel, Benchmark], str]
    measure: Callable[[Trial], Value]
    figures: Callable[[Value], list[Figure]]
    not_by_default: Callable[[EvaluatedModel, Benchmark], str] | None = None
    record: Callable[[Value], dict[str, Any]] = lambda _: {}
    tables: Callable[[Benchmark, Sequence[Evaluation]], list[Table]] = lambda *_: []
    notes: Callable[[Benchmark, Sequence[Value]], list[str]] = lambda *_: []
    published: Callable[[Benchmark], dict[str, str]] = lambda _: {}


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The values of one model.

    found float32 (N, K, 2): landmarks of the test images in pixels of the evaluation pictures.
    measured: the value of each measured metric, in the catalogue's order. skipped: in words, the
    metrics that model and data do not allow, and why.
    """

    model: EvaluatedModel
    found: FloatArray
    measured: dict[Metric[Any], Any]
    skipped: list[str]

    def get(self, metric: Metric[Value]) -> Value | None:
        """The value of a metric, None if it was not measured."""
        return cast("Value | None", self.measured.get(metric))

    def figures(self) -> list[Figure]:
        """All figures of the measured metrics, the most important first."""
        found = [
            figure for metric, value in self.measured.items() for figure in metric.figures(value)
        ]
        return sorted(found, key=lambda figure: figure.place)


def always(_model: EvaluatedModel, _benchmark: Benchmark) -> str:
    """No obstacle: any model can be measured on any pictures."""
    return ""
