"""The differences of the models of one benchmark from the first."""

from __future__ import annotations

from collections.abc import Sequence

from lmk.evaluation.bootstrap import Difference, paired_bootstrap
from lmk.evaluation.metrics.base import Evaluation

Differences = list[dict[str, Difference]]
"""For each model except the first, by the figure's name: its figure minus that of the first."""


def differences(evaluations: Sequence[Evaluation], seed: int) -> Differences:
    """Compare each model with the first by the paired bootstrap."""
    reference = {figure.name: figure.per_image for figure in evaluations[0].figures()}
    compared: Differences = []
    for other in evaluations[1:]:
        row = {}
        for figure in other.figures():
            first = reference.get(figure.name)
            if first and figure.per_image:
                row[figure.name] = paired_bootstrap(first, figure.per_image, seed=seed)
        compared.append(row)
    return compared
