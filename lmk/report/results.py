"""What was measured, as one object that tables, page and JSON are made from."""

from __future__ import annotations

from dataclasses import dataclass

from lmk.evaluation.annotated import describe_normalizer
from lmk.evaluation.benchmark import COUNTS, Benchmark
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
        benchmark, protocol = self.benchmark, self.benchmark.protocol
        said = [f"{len(benchmark.test.images):,} test images of {benchmark.test.file}"]
        if any(e.forward or e.backward for e in self.evaluations):
            said += [_regressor(benchmark), f"Errors in % of {_normalizer(benchmark)}"]
            said += _missing_counts(benchmark)
        said += [f"Left out of the regressions: {reason}" for reason in benchmark.exclusions]
        said += [
            f"Joints left out of {name}: {measured.excluded} images without reference length"
            for e in self.evaluations[:1]
            for name, measured in (("PCK", e.pck), ("PCKh", e.pckh))
            if measured and measured.excluded
        ]
        if any(e.robustness for e in self.evaluations):
            drawn = min(protocol.robustness_images, len(benchmark.test.images))
            said.append(f"Mirrored, lit and noisy: {drawn} of the test images, drawn at random")
        by_model: dict[str, list[str]] = {}
        for e in self.evaluations:
            skipped = [f"not measured: {reason}" for reason in e.skipped]
            for fact in (e.detector.backend.description, *skipped):
                by_model.setdefault(fact, []).append(e.detector.name)
        return said + [f"{', '.join(names)}: {fact}" for fact, names in by_model.items()]


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
