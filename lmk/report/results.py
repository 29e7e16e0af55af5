"""What was measured, as one object that tables, page and JSON are made from."""

from __future__ import annotations

from dataclasses import dataclass

from lmk.evaluation.annotated import describe_normalizer
from lmk.evaluation.benchmark import COUNTS, PCK_THRESHOLD, Benchmark
from lmk.evaluation.comparison import Differences
from lmk.evaluation.protocol import Evaluation


@dataclass(frozen=True, eq=False)
class Results:
    """Models on one benchmark; the first is the one that the differences are taken from."""

    benchmark: Benchmark
    evaluations: list[Evaluation]
    differences: Differences
    command: str

    @property
    def names(self) -> list[str]:
        """Names of the models, each another."""
        return [evaluation.detector.name for evaluation in self.evaluations]

    @property
    def title(self) -> str:
        """Which models on which data."""
        return f"{', '.join(self.names)} on {self.benchmark.test.name}"

    def notes(self) -> list[str]:
        """Say in sentences how it was measured, and what was left out."""
        benchmark, evaluations = self.benchmark, self.evaluations
        said = [f"{len(benchmark.test.images):,} test images of {benchmark.test.file}"]
        if any(e.forward or e.backward for e in evaluations):
            said += [_regressor(benchmark), f"Errors in % of {_normalizer(benchmark)}"]
            said += _missing_counts(benchmark)
            said += [f"Left out of the regressions: {reason}" for reason in benchmark.exclusions]
        if any(e.robustness for e in evaluations):
            drawn = min(benchmark.protocol.robustness_images, len(benchmark.test.images))
            said.append(f"Mirrored, lit and noisy: {drawn} of the test images, drawn at random")
        if any(e.pck for e in evaluations):
            said.append(f"PCK within {PCK_THRESHOLD:g} of {_normalizer(benchmark)}")
        for name, joints in (
            ("PCK", [e.pck for e in evaluations]),
            ("PCKh", [e.pckh for e in evaluations]),
        ):
            if excluded := max(measured.excluded if measured else 0 for measured in joints):
                said.append(f"Left out of {name}: {excluded} images without reference length")
        return said + _facts(evaluations)


def _facts(evaluations: list[Evaluation]) -> list[str]:
    """Say what each model ran on and what was not measured of it, models with the same together."""
    by_fact: dict[str, list[str]] = {}
    for evaluation in evaluations:
        skipped = [f"not measured: {reason}" for reason in evaluation.skipped]
        for fact in (evaluation.detector.backend.description, *skipped):
            by_fact.setdefault(fact, []).append(evaluation.detector.name)
    return [f"{', '.join(names)}: {fact}" for fact, names in by_fact.items()]


def _missing_counts(benchmark: Benchmark) -> list[str]:
    there = benchmark.training_images
    missing = [f"{count:,}" for count in COUNTS if count and count > there]
    if not missing or benchmark.protocol.counts is not None:
        return []
    return [f"Not measured: {', '.join(missing)} training images, for there are {there:,}"]


def _regressor(benchmark: Benchmark) -> str:
    protocol, train = benchmark.protocol, benchmark.train
    fitted = (
        f"on {int(benchmark.train_usable.sum()):,} images of {train.file}"
        if train
        else f"by {protocol.folds}-fold cross-validation, for want of --regressor-data"
    )
    return (
        f"Regressors fitted {fitted}; ridge weight {protocol.ridge:g} of the scatter "
        f"matrix's largest entry, {protocol.draws} draws, seed {protocol.seed}"
    )


def _normalizer(benchmark: Benchmark) -> str:
    chosen = "" if benchmark.protocol.normalize else " (the default here)"
    return describe_normalizer(benchmark.normalize) + chosen
