"""Several models on the same benchmark."""

from __future__ import annotations

from collections.abc import Sequence

from lmk.evaluation.benchmark import Benchmark
from lmk.evaluation.bootstrap import Difference, paired_bootstrap
from lmk.evaluation.figures import figures
from lmk.evaluation.landmarks import Detector
from lmk.evaluation.protocol import Evaluation, evaluate
from lmk.system.errors import UsageError
from lmk.system.progress import Reporter

Differences = list[dict[str, Difference]]
"""For each model but the first, by the figure's name: the model's figure less the first one's."""


def evaluate_all(
    detectors: Sequence[Detector], benchmark: Benchmark, report: Reporter
) -> list[Evaluation]:
    """Measure each model. Raises UsageError when they have different numbers of landmarks."""
    counts = {detector.name: detector.backend.num_landmarks for detector in detectors}
    if len(set(counts.values())) > 1:
        found = ", ".join(f"{name} has {count}" for name, count in counts.items())
        raise UsageError(
            f"models with different numbers of landmarks cannot be compared, since errors depend "
            f"on it: {found}"
        )
    return [evaluate(detector, benchmark, report) for detector in detectors]


def differences(evaluations: Sequence[Evaluation], seed: int) -> Differences:
    """Compare each model with the first by the paired bootstrap."""
    reference = {figure.name: figure.sample for figure in figures(evaluations[0])}
    compared: Differences = []
    for other in evaluations[1:]:
        row = {}
        for figure in figures(other):
            first = reference.get(figure.name)
            if first and figure.sample:
                row[figure.name] = paired_bootstrap(first, figure.sample, seed=seed)
        compared.append(row)
    return compared
