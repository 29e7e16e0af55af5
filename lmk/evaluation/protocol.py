"""The data and the protocol of an evaluation: test images and images to fit regressors on."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmk.arrays import Flags
from lmk.evaluation.annotated import AnnotatedSet, default_normalizer, normalizer_px
from lmk.evaluation.formulas.regression import DRAWS, FOLDS, RIDGE
from lmk.evaluation.metrics.catalogue import METRICS
from lmk.system.errors import DataError, UsageError


@dataclass(frozen=True)
class Protocol:
    """How models are measured; the same for all compared models.

    metrics: names of METRICS, None for all that model and data allow. counts: numbers of training
    images of the regressors, with None for all images; None in place of the tuple for the paper's
    numbers, up to the number of images. draws: random draws per number. folds: of the
    cross-validation, if there are no training images. ridge: weight of the ridge regression.
    normalize: as in `normalizer_px`, None for the data's default. robustness_images: number of
    random images for robustness. Raises UsageError.
    """

    metrics: tuple[str, ...] | None = None
    counts: tuple[int | None, ...] | None = None
    draws: int = DRAWS
    folds: int = FOLDS
    ridge: float = RIDGE
    seed: int = 0
    normalize: str | None = None
    robustness_images: int = 300

    def __post_init__(self) -> None:
        unknown = [metric for metric in self.metrics or () if metric not in METRICS]
        if unknown:
            raise UsageError(
                f"unknown metric {', '.join(unknown)}: expected some of {','.join(METRICS)}"
            )
        if not self.ridge > 0:
            raise UsageError(f"ridge weight {self.ridge}: expected a number above 0")
        least = {"draws": 1, "folds": 2, "seed": 0, "robustness_images": 1}
        asked = [("counts", count, 1) for count in self.counts or () if count is not None]
        asked += [(name, getattr(self, name), lowest) for name, lowest in least.items()]
        for name, value, lowest in asked:
            if value < lowest:
                raise UsageError(f"{name}: expected numbers of at least {lowest}, got {value}")


@dataclass(frozen=True, eq=False)
class Benchmark:
    """The data of a protocol.

    test: the images that models are measured on. train: those that regressors are fitted on, None
    for cross-validation. normalize: name of the lengths that errors are divided by. normalizer_px
    float32 (N_test,): the lengths. test_usable (N_test,), train_usable (N_train,): which images
    regressions use. exclusions: in words, how many images they do not use, and why.
    """

    test: AnnotatedSet
    train: AnnotatedSet | None
    protocol: Protocol
    normalize: str
    normalizer_px: npt.NDArray[np.float32]
    test_usable: Flags
    train_usable: Flags
    exclusions: list[str]

    @property
    def training_images(self) -> int:
        """Number of images that a regressor can be fitted on; in cross-validation the smallest."""
        if self.train is not None:
            return int(self.train_usable.sum())
        usable = int(self.test_usable.sum())
        return usable - math.ceil(usable / self.protocol.folds)

    def regression_obstacle(self) -> str:
        """Why no regression can be fitted or measured; empty if it can."""
        if not self.test.names:
            return f"{self.test.file} has no annotated points"
        if not self.test_usable.any():
            return (
                f"no image of {self.test.file} has all its points and a length above 0 to "
                f"normalise by ({self.normalize})"
            )
        usable = int(self.test_usable.sum())
        if self.train is None and usable < self.protocol.folds:
            return (
                f"{usable} usable images in {self.test.file}, fewer than the "
                f"{self.protocol.folds} folds"
            )
        if not self.training_images:
            return f"no training image has all its points in {(self.train or self.test).file}"
        return ""


def make_benchmark(test: AnnotatedSet, train: AnnotatedSet | None, protocol: Protocol) -> Benchmark:
    """Find which images regressions can use, and count the others.

    Raises DataError when the two sets have different points or fewer training images than
    requested, UsageError for the normaliser.
    """
    if train is not None and train.names != test.names:
        raise DataError(
            f"{test.file} and {train.file} have different points: "
            f"{', '.join(test.names) or 'none'} and {', '.join(train.names) or 'none'}"
        )
    normalize = protocol.normalize or default_normalizer(test)
    lengths = normalizer_px(test, normalize)
    measurable = lengths > 0
    left_out = [(~test.complete, f"{test.name} lack points")]
    left_out += [(test.complete & ~measurable, f"{test.name} have no length above 0 ({normalize})")]
    if train is not None:
        left_out += [(~train.complete, f"{train.name} lack points")]
    benchmark = Benchmark(
        test,
        train,
        protocol,
        normalize,
        lengths,
        test_usable=test.complete & measurable,
        train_usable=(train or test).complete,
        exclusions=[
            f"{flags.sum():,} of {len(flags):,} images of {why}"
            for flags, why in left_out
            if flags.any() and test.names
        ],
    )
    asked = max((count for count in protocol.counts or () if count), default=0)
    if asked > benchmark.training_images:
        there = benchmark.training_images
        raise DataError(
            f"{asked} training images requested, but only {there} available: see --counts"
        )
    return benchmark
