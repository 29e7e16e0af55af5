"""One model on one benchmark: which landmarks are found, and what is measured on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmk.arrays import FloatArray
from lmk.evaluation import views
from lmk.evaluation.benchmark import COUNTS, METRICS, PCK_THRESHOLD, PCKH_THRESHOLD, Benchmark
from lmk.evaluation.consistency import (
    Consistency,
    MirrorConsistency,
    consistency,
    mirror_consistency,
    random_turns,
)
from lmk.evaluation.landmarks import Detector
from lmk.evaluation.pck import Pck, pck, pckh, pckh_obstacle
from lmk.evaluation.regression import (
    Pairs,
    RegressionErrors,
    cross_validated_errors,
    regression_errors,
)
from lmk.evaluation.spread import Spread, spread
from lmk.system.errors import DataError
from lmk.system.progress import Reporter

Curve = dict[int | None, RegressionErrors]
"""Errors by number of training images, None for all, which is always there."""


@dataclass(frozen=True, eq=False)
class Robustness:
    """Consistency on a random subset of the test images that were changed in other ways.

    index (n,): which images.
    """

    index: npt.NDArray[np.intp]
    mirrored: MirrorConsistency
    brightness: Consistency
    noise: Consistency


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What was measured of one model; None what was not.

    found float32 (N, K, 2): the test images' landmarks in input pixels. forward and backward are on
    the benchmark's usable images alone, the rest on all. skipped: in words, the metrics that model
    and data do not allow, and why.
    """

    detector: Detector
    found: FloatArray
    forward: Curve | None
    backward: Curve | None
    consistency: Consistency | None
    robustness: Robustness | None
    spread: Spread | None
    pck: Pck | None
    pckh: Pck | None
    skipped: list[str]


def evaluate(detector: Detector, benchmark: Benchmark, report: Reporter) -> Evaluation:
    """Measure a model. Raises DataError for a metric that was asked for and cannot be measured."""
    metrics, skipped = choose_metrics(detector, benchmark)
    found = detector.find(benchmark.test.images, report)
    forward = backward = turned = changed = joints = heads = None
    if "forward" in metrics or "backward" in metrics:
        train = benchmark.train
        found_train = detector.find(train.images, report) if train else found
        forward, backward = regression_curves(benchmark, found, found_train)
    if "consistency" in metrics:
        turned = _turned(detector, benchmark, found, report)
    if "robustness" in metrics:
        changed = _robustness(detector, benchmark, found, report)
    if "pck" in metrics:
        joints = _pck(detector, benchmark, found)
    if "pckh" in metrics:
        heads = _pckh(detector, benchmark, found)
    return Evaluation(
        detector,
        found,
        forward if "forward" in metrics else None,
        backward if "backward" in metrics else None,
        turned,
        changed,
        spread(found) if "spread" in metrics else None,
        joints,
        heads,
        skipped,
    )


def choose_metrics(detector: Detector, benchmark: Benchmark) -> tuple[set[str], list[str]]:
    """Choose those asked for, or all that can be measured, and say why the others cannot.

    Raises DataError when one that was asked for cannot.
    """
    asked = benchmark.protocol.metrics
    reasons = {metric: _obstacle(metric, detector, benchmark) for metric in METRICS}
    if asked is not None:
        for metric in asked:
            if reasons[metric]:
                raise DataError(f"{metric} of {detector.name}: {reasons[metric]}")
        return set(asked), []
    if detector.landmark_names:
        for metric in ("forward", "backward"):
            reasons[metric] = "its landmarks have names, so they are measured only when asked for"
    elif not reasons["pck"]:
        reasons["pck"] = reasons["pckh"] = "its landmarks have no names"
    skipped: dict[str, list[str]] = {}
    for metric in METRICS:
        skipped.setdefault(reasons[metric], []).append(metric)
    chosen = set(skipped.pop("", []))
    return chosen, [f"{', '.join(metrics)}: {reason}" for reason, metrics in skipped.items()]


def regression_curves(
    benchmark: Benchmark, found: FloatArray, found_train: FloatArray
) -> tuple[Curve, Curve]:
    """Forward and backward errors for each number of training images.

    found (N_test, K, 2) and found_train (N_train, K, 2) are all images' landmarks.
    """
    protocol, usable = benchmark.protocol, benchmark.test_usable
    lengths = benchmark.normalizer_px[usable]
    test = Pairs(found[usable], benchmark.test.xy_input[usable])
    train_set, kept = benchmark.train, benchmark.train_usable

    def errors(count: int | None, swap: bool) -> RegressionErrors:
        pairs = test.swapped() if swap else test
        options = {"draws": protocol.draws, "seed": protocol.seed}
        if train_set is None:
            return cross_validated_errors(
                pairs, lengths, folds=protocol.folds, count=count, ridge=protocol.ridge, **options
            )
        train = Pairs(found_train[kept], train_set.xy_input[kept])
        return regression_errors(
            train.swapped() if swap else train,
            pairs,
            lengths,
            count=count,
            ridge=protocol.ridge,
            **options,
        )

    counts = chosen_counts(benchmark)
    forward = {count: errors(count, swap=False) for count in counts}
    return forward, {count: errors(count, swap=True) for count in counts}


def chosen_counts(benchmark: Benchmark) -> list[int | None]:
    """Numbers of training images in order, all (None) the last: those asked for, or that exist."""
    asked = benchmark.protocol.counts
    if asked is None:
        return [count for count in COUNTS if not count or count <= benchmark.training_images]
    return [*sorted({count for count in asked if count is not None}), None]


def _turned(
    detector: Detector, benchmark: Benchmark, found: FloatArray, report: Reporter
) -> Consistency:
    images, seed = benchmark.test.images, benchmark.protocol.seed
    found_turned = detector.find(images, report, views.turned(len(images), seed))
    return consistency(found, found_turned, random_turns(len(images), seed))


def _robustness(
    detector: Detector, benchmark: Benchmark, found: FloatArray, report: Reporter
) -> Robustness:
    index = robustness_subset(benchmark)
    images, seed = benchmark.test.images[index], benchmark.protocol.seed
    return Robustness(
        index,
        mirror_consistency(found[index], detector.find(images, report, views.MIRRORED)),
        consistency(found[index], detector.find(images, report, views.brightened(seed))),
        consistency(found[index], detector.find(images, report, views.noisy(seed))),
    )


def robustness_subset(benchmark: Benchmark) -> npt.NDArray[np.intp]:
    """Draw the images that are mirrored, lit and made noisy: indices in order."""
    total, protocol = len(benchmark.test.images), benchmark.protocol
    count = min(protocol.robustness_images, total)
    return np.sort(np.random.default_rng([protocol.seed, 3]).choice(total, count, replace=False))


def _pck(detector: Detector, benchmark: Benchmark, found: FloatArray) -> Pck:
    test = benchmark.test
    joints = found[:, _joints(detector, test.names)]
    return pck(joints, test.xy_input, test.labelled, benchmark.normalizer_px, PCK_THRESHOLD)


def _pckh(detector: Detector, benchmark: Benchmark, found: FloatArray) -> Pck:
    test = benchmark.test
    joints = found[:, _joints(detector, test.names)]
    return pckh(joints, test.xy_input, test.labelled, test.names, PCKH_THRESHOLD)


def _joints(detector: Detector, names: list[str]) -> list[int]:
    """For each annotated point the landmark that stands for it, by name.

    The landmarks of an exported file have no names and stand for the points in order.
    """
    if detector.landmark_names is None:
        return list(range(len(names)))
    return [detector.landmark_names.index(name) for name in names]


def _obstacle(metric: str, detector: Detector, benchmark: Benchmark) -> str:
    """Why a metric cannot be measured; empty where it can."""
    test, landmarks = benchmark.test, detector.backend.num_landmarks
    names = test.names
    if metric in ("forward", "backward"):
        return benchmark.regression_obstacle()
    if metric == "spread" and landmarks < 2:
        return "a single landmark has no neighbour"
    if metric not in ("pck", "pckh"):
        return ""
    if not names:
        return f"{test.file} annotates no points"
    if detector.landmark_names is None and landmarks != len(names):
        return f"its {landmarks} landmarks have no names, and {len(names)} points are annotated"
    if detector.landmark_names and not set(names) <= set(detector.landmark_names):
        return "its landmarks are not the annotated points"
    if metric == "pckh":
        lacks = pckh_obstacle(test.xy_input, test.labelled, names)
        return f"{test.file} {lacks}" if lacks else ""
    if not (test.labelled.any(axis=1) & (benchmark.normalizer_px > 0)).any():
        return (
            f"no image of {test.file} has a labelled point and a length above 0 to normalise by "
            f"({benchmark.normalize})"
        )
    return ""
