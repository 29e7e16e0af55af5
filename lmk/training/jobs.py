"""Whole trainings, from files to a run folder that is a model."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from lmk.data.coco import image_paths, load_keypoints
from lmk.data.images import list_images, load_crops
from lmk.errors import DataError, UsageError
from lmk.model.folder import Model
from lmk.networks.hourglass import Hourglass
from lmk.networks.load import load_network
from lmk.networks.perceptual import CoreFeatures, vgg19_features
from lmk.progress import Reporter
from lmk.training.adapt import AdaptLearner, AdaptOptions
from lmk.training.checkpoint import Learner
from lmk.training.device import Compute
from lmk.training.loop import Schedule, train
from lmk.training.methods import Method, count_learnable, start_detector
from lmk.training.pretrain import CoreLearner, PretrainOptions
from lmk.training.result import save_adapted, save_core, training_record
from lmk.training.validate import evaluate_core

Crops = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Run:
    """Where and how long to train: everything that does not change the result."""

    folder: Path
    compute: Compute
    report: Reporter
    max_minutes: float | None = None
    resume: bool = False


def pretrain(data: Path, val: Path | None, options: PretrainOptions, run: Run) -> Model:
    """Train a core on a COCO keypoint file and write it into its run folder.

    `val` is a second file to measure PCKh@0.5 on. Raises DataError, TrainingError, OutputError.
    """
    training_set = load_keypoints(data, run.report)
    validation_set = load_keypoints(val, run.report) if val else None
    learner = CoreLearner(training_set, options, run.compute)
    settings = {"task": "pretrain", "images": _digest(training_set.crops), **asdict(options)}
    record = _train(learner, options.steps, settings, run)
    model = save_core(run.folder, learner.network, training_set.names, record)
    if validation_set is None:
        return model
    figures = evaluate_core(model, validation_set)
    run.report.say("  ".join(f"{name} {value:.1f} %" for name, value in figures.items()))
    return model.with_figures(figures)


def adapt(
    crops: Crops,
    core: Model | None,
    method: Method,
    perceptual: str,
    options: AdaptOptions,
    run: Run,
) -> Model:
    """Adapt a core to unlabelled crops (N, S, S, 3) and write the result into its run folder.

    `perceptual` is "core", "vgg19" or the path of a VGG-19 safetensors file. Raises WeightsError,
    TrainingError, OutputError.
    """
    learner = make_learner(crops, core, method, perceptual, options, run.compute)
    learnable, frozen = count_learnable(learner.detector)
    run.report.say(
        f"{method}: {learnable:,} parameters of the detector learnable, {frozen:,} frozen; "
        f"{len(crops):,} images; {run.compute.describe()}"
    )
    settings = {
        "task": "train",
        "method": method,
        "perceptual_features": perceptual if perceptual in ("core", "vgg19") else "file",
        "core": core.manifest.weights_sha256 if core else None,
        "images": _digest(crops),
        **asdict(options),
    }
    record = _train(learner, options.steps, settings, run)
    return save_adapted(run.folder, learner.detector, options.beta, core, record)


def load_unlabelled(images: Path, report: Reporter) -> Crops:
    """Decode a folder's pictures, or those a COCO file names, as crops (N, S, S, 3)."""
    paths = image_paths(images) if images.suffix == ".json" else list_images(images)
    crops = load_crops(paths, report)[0]
    if len(crops) < 2:
        raise DataError(f"{images} holds {len(crops)} images: an adaptation needs at least 2")
    return crops


def make_learner(
    crops: Crops,
    core: Model | None,
    method: Method,
    perceptual: str,
    options: AdaptOptions,
    compute: Compute,
) -> AdaptLearner:
    """Put an adaptation together: detector by method, generator, and perceptual features.

    Only `scratch` with VGG-19's features does without a core. Raises UsageError, WeightsError.
    """
    if core is None and (method != "scratch" or perceptual == "core"):
        raise UsageError(f"{method} with perceptual features {perceptual} needs a core: name one")
    network = load_network(core)[0] if core else Hourglass(options.num_landmarks)
    features: nn.Module
    if perceptual == "core":
        features = CoreFeatures(network)
    else:
        features = vgg19_features(None if perceptual == "vgg19" else Path(perceptual))
    detector = start_detector(method, network, options.num_landmarks)
    return AdaptLearner(crops, detector, features, options, compute)


def _train(learner: Learner, steps: int, settings: dict[str, Any], run: Run) -> dict[str, Any]:
    schedule = Schedule(steps, run.max_minutes)
    done = train(learner, schedule, run.folder, settings, run.report, run.resume)
    if done.steps < steps:
        run.report.say(f"stopped after {done.steps} of {steps} steps: go on with --resume")
    return training_record(done, settings=settings, compute=run.compute.describe())


def _digest(crops: Crops) -> str:
    return hashlib.sha256(np.ascontiguousarray(crops).data).hexdigest()
