"""Complete trainings, from data to a run folder that is a model."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from lmk.architectures.network import LandmarkNetwork
from lmk.data.coco import KeypointSet
from lmk.data.source import UnlabelledSet
from lmk.evaluation.formulas.pck import pckh_obstacle
from lmk.model.folder import Model, find_model
from lmk.networks.load import load_network
from lmk.networks.perceptual import CoreFeatures, VggFeatures, core_features, vgg19_features
from lmk.system.errors import UsageError
from lmk.system.files import replacing, sha256_of
from lmk.training.adapt import AdaptLearner
from lmk.training.checkpoint import Progress
from lmk.training.device import Compute
from lmk.training.health import core_warning
from lmk.training.learner import Learner
from lmk.training.loop import Run, Schedule, train
from lmk.training.methods import count_learnable, start_detector
from lmk.training.options import AdaptOptions, PretrainOptions
from lmk.training.pretrain import CoreLearner
from lmk.training.result import save_adapted, save_core
from lmk.training.validate import evaluate_core
from lmk.training.watch import SaveModel, Watch

SKIPPED = "skipped.txt"


def pretrain(
    data: KeypointSet,
    val: KeypointSet | None,
    core: Model | None,
    options: PretrainOptions,
    run: Run,
) -> Model:
    """Train a core on annotated crops and write it into its run folder.

    It starts from the weights of `core`, or from random ones. PCKh@0.5 is measured on `val`, if it
    has annotated heads. Raises UsageError, DataError, WeightsError, TrainingError, OutputError.
    """
    if val and val.names != data.names:
        raise UsageError(
            f"--val: expected the points of --data, {', '.join(data.names)}, in that order, got "
            f"{', '.join(val.names)}"
        )
    start = _start_core(core, len(data.names)) if core else None
    learner = CoreLearner(data, options, run.compute, val, start)
    settings = {
        "task": "pretrain",
        "core": core.manifest.weights_sha256 if core else None,
        "images": data.sha256,
        "annotations": data.annotation_sha256,
        **asdict(options),
    }
    origin = {"started_from": _origin(core)} if core else {}

    def save(folder: Path, done: Progress) -> Model:
        record = _record(done, settings, run) | origin
        return save_core(folder, learner.network, data.names, record)

    schedule = Schedule(options.steps, options.warm_up)
    model = _train(learner, schedule, settings, run, save)
    if val is None or not run.compute.first:
        return model
    if lacks := pckh_obstacle(val.xy_crop, val.labelled, val.names):
        run.report.say(f"PCKh@0.5 was not measured: --val {lacks}")
        return model
    figures = evaluate_core(model, val)
    run.report.say("  ".join(f"{name} {value:.1f} %" for name, value in figures.items()))
    return model.with_figures(figures)


def adapt(
    data: UnlabelledSet,
    core: Model | None,
    options: AdaptOptions,
    run: Run,
    perceptual_weights: Path | None = None,
) -> Model:
    """Adapt a core to unlabelled crops and write the result into its run folder.

    Skipped pictures are listed there in skipped.txt. `perceptual_weights` is a VGG-19 safetensors
    file, in place of torchvision's weights. Raises UsageError, DataError, WeightsError,
    TrainingError, OutputError.
    """
    learner = make_learner(data, core, options, run.compute, perceptual_weights)
    options = learner.options
    learnable, frozen = count_learnable(learner.detector)
    run.report.say(
        f"{options.method}: {learnable:,} parameters of the network learnable, {frozen:,} frozen; "
        f"{len(data.crops):,} images; {run.compute.describe()}"
    )
    if options.reconstruction:
        run.report.say(f"pictures compared by {options.perceptual}: {options.perceptual_layers}")
    if core and options.method != "scratch" and (said := warn_of_core(core)):
        run.report.warn(said)
    settings = {
        "task": "train",
        "core": core.manifest.weights_sha256 if core else None,
        "perceptual_weights": perceptual_weights and sha256_of(perceptual_weights),
        "images": data.sha256,
        **asdict(options),
    }

    def save(folder: Path, done: Progress) -> Model:
        record = _record(done, settings, run)
        network, mirrored = learner.detector, learner.mirrored
        return save_adapted(folder, network, options.beta, core, data.crops, record, mirrored)

    schedule = Schedule(options.steps, options.warm_up, options.decay, options.decay_every)
    model = _train(learner, schedule, settings, run, save)
    if data.skipped and run.compute.first:
        with replacing(run.folder / SKIPPED) as temporary:
            temporary.write_text("\n".join(data.skipped) + "\n")
    return model


def make_learner(
    data: UnlabelledSet,
    core: Model | None,
    options: AdaptOptions,
    compute: Compute,
    perceptual_weights: Path | None = None,
) -> AdaptLearner:
    """Make the parts that an adaptation trains.

    Raises what `check_core` raises, and WeightsError.
    """
    check_core(core, options, perceptual_weights)
    network = load_network(core)[0] if core else None
    features: CoreFeatures | VggFeatures | None = None
    if options.reconstruction and options.perceptual == "core":
        assert network is not None
        features = core_features(network, options.perceptual_layers)
    elif options.reconstruction:
        features = vgg19_features(perceptual_weights, options.perceptual_layers)
    if features:  # by name, since what all are depends on the file
        options = replace(options, perceptual_layers=",".join(features.names))
    torch.manual_seed(options.seed)  # of new heads, and of networks from random weights
    detector = start_detector(options.method, network, options.keypoints, options.projections)
    return AdaptLearner(data.crops, detector, features, options, compute)


def check_core(
    core: Model | None, options: AdaptOptions, perceptual_weights: Path | None = None
) -> None:
    """Raise UsageError unless core, method and features go together."""
    if core is None and options.needs_core:
        raise UsageError(
            f"{options.method} with perceptual features {options.perceptual} needs a core: add "
            "--core NAME"
        )
    if options.method == "finetune-after-projection" and core and core.manifest.kind != "adapter":
        raise UsageError(
            f"finetune-after-projection starts from an adapted run, and {core.manifest.name} is "
            "not one: give the run with --core RUN"
        )
    if options.method == "projection" and core and core.manifest.core:
        raise UsageError(
            f"projection needs a complete network as core, and {core.manifest.name} is an adapter: "
            f"use --core {core.manifest.core.model}, or choose --method finetune"
        )
    if perceptual_weights and options.perceptual != "vgg19":
        raise UsageError("--perceptual-weights are for VGG-19: add --perceptual vgg19")


def warn_of_core(core: Model) -> str | None:
    """Warn, with the figure, when a core seems untrained or weak."""
    variances = [v for name, v in core.arrays().items() if name.endswith("running_var")]
    return core_warning(all((v == 1).all() for v in variances), core.manifest.figures)


def _train(
    learner: Learner,
    schedule: Schedule,
    settings: dict[str, Any],
    run: Run,
    save: SaveModel,
) -> Model:
    watch = Watch(run.folder, save, run.report, run.options)
    done = train(learner, schedule, settings, run, watch)
    if done.steps < schedule.steps:
        run.report.say(
            f"stopped after {done.steps} of {schedule.steps} steps: continue with --resume"
        )
    if run.compute.first:
        save(run.folder, done)
    run.compute.wait()
    return find_model(str(run.folder))


def _start_core(core: Model, num_landmarks: int) -> LandmarkNetwork:
    manifest = core.manifest
    if manifest.num_landmarks != num_landmarks:
        raise UsageError(
            f"--core {manifest.name}: expected {num_landmarks} landmarks, as many as the data "
            f"have, got {manifest.num_landmarks}. Choose another core, or omit --core to start "
            "from random weights"
        )
    return load_network(core)[0]


def _origin(core: Model) -> dict[str, Any]:
    """What a network was before its training, with the earlier steps, if known."""
    manifest = core.manifest
    known = {"name": manifest.name, "sha256": manifest.weights_sha256}
    return {**known, "training": manifest.training}


def _record(done: Progress, settings: dict[str, Any], run: Run) -> dict[str, Any]:
    """The training entry of a manifest."""
    return {
        "command": run.command,
        "steps": done.steps,
        "minutes": round(done.minutes, 1),
        "settings": settings,
        "compute": run.compute.describe(),
    }
