"""Robustness: do landmarks keep their places under mirroring, brightness and noise?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lmk.arrays import Indices
from lmk.evaluation import views
from lmk.evaluation.figure import Figure
from lmk.evaluation.formulas.consistency import (
    Consistency,
    MirrorConsistency,
    consistency,
    mirror_consistency,
)
from lmk.evaluation.metrics.base import Metric, Trial, always
from lmk.evaluation.metrics.consistency import distance_figure, distances_record
from lmk.evaluation.protocol import Benchmark


@dataclass(frozen=True, eq=False)
class Robustness:
    """Consistency on a random subset of the test images, under other changes.

    index (n,): which images.
    """

    index: Indices
    mirrored: MirrorConsistency
    brightness: Consistency
    noise: Consistency


def robustness_subset(benchmark: Benchmark) -> Indices:
    """Draw the images for robustness: indices in order."""
    total, protocol = len(benchmark.test.images), benchmark.protocol
    count = min(protocol.robustness_images, total)
    return np.sort(np.random.default_rng([protocol.seed, 3]).choice(total, count, replace=False))


def _measure(trial: Trial) -> Robustness:
    index, seed = robustness_subset(trial.benchmark), trial.benchmark.protocol.seed
    found, known = trial.found[index], trial.model.mirrored
    return Robustness(
        index,
        mirror_consistency(found, trial.found_in(views.MIRRORED, index), known),
        consistency(found, trial.found_in(views.brightened(seed), index)),
        consistency(found, trial.found_in(views.noisy(seed), index)),
    )


def _figures(measured: Robustness) -> list[Figure]:
    known = measured.mirrored.known
    return [
        *([distance_figure("mirrored, its partners", known)] if known else []),
        distance_figure("mirrored, best assignment", measured.mirrored.assigned),
        distance_figure("mirrored, same index", measured.mirrored.same_index),
        distance_figure("other brightness", measured.brightness),
        distance_figure("noise", measured.noise),
    ]


def _record(measured: Robustness) -> dict[str, Any]:
    mirrored = measured.mirrored
    return {
        "mirrored": distances_record(mirrored.assigned)
        | {
            "partner": mirrored.partner.tolist(),
            "same_index": distances_record(mirrored.same_index),
            "known": distances_record(mirrored.known) if mirrored.known else None,
        },
        "brightness": distances_record(measured.brightness),
        "noise": distances_record(measured.noise),
    }


def _notes(benchmark: Benchmark, _measured: Sequence[Robustness]) -> list[str]:
    drawn = min(benchmark.protocol.robustness_images, len(benchmark.test.images))
    return [f"Mirroring, brightness and noise: {drawn} random test images"]


ROBUSTNESS = Metric(
    name="robustness",
    term="Mirrored, other brightness, noise",
    meaning="The same distance for images mirrored left to right, multiplied by a gain of "
    f"{1 - views.BRIGHTNESS:g} to {1 + views.BRIGHTNESS:g}, and with Gaussian noise of "
    f"{views.NOISE:g} grey levels. Its partners are those that the model names, if it "
    "does; the best assignment is the one-to-one assignment with the smallest mean distance over "
    "all images; same index is without either.",
    obstacle=always,
    measure=_measure,
    figures=_figures,
    record=_record,
    notes=_notes,
)
