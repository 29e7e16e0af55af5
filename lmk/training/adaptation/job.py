"""A complete adaptation, from unlabelled crops to a run folder that is a model."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import torch

from lmk.data.source import UnlabelledSet
from lmk.model.folder import Model, find_model
from lmk.networks.load import load_network
from lmk.networks.perceptual import CoreFeatures, VggFeatures, core_features, vgg19_features
from lmk.system.errors import UsageError
from lmk.system.files import replacing, sha256_of
from lmk.training.adaptation.health import core_warning
from lmk.training.adaptation.learner import AdaptLearner
from lmk.training.adaptation.methods import count_learnable, start_network
from lmk.training.checkpoint import Progress
from lmk.training.device import Compute
from lmk.training.job import run_job, training_record
from lmk.training.loop import Run, Schedule
from lmk.training.options import AdaptOptions
from lmk.training.save import learn_to_find, measured_framing, save_model

SKIPPED = "skipped.txt"


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
    learnable, frozen = count_learnable(learner.network)
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

    known = core.manifest if core and options.method == "finetune-after-projection" else None

    def save(folder: Path, done: Progress) -> Model:
        record = training_record(done, settings, run)
        if known and "teachers" in known.training:  # whose landmarks it keeps
            record["teachers"] = known.training["teachers"]
        like = known.framing if known else None
        framing = measured_framing(learner.network, options.beta, data.crops, like)
        manifest = {
            "softargmax_beta": options.beta,
            "framing": framing,
            "mirrored": learner.mirrored or (known.mirrored if known else None),
            "training": record,
        }
        return save_model(folder, learner.network, core, manifest)

    schedule = Schedule(options.steps, options.warm_up, options.decay, options.decay_every)
    model = run_job(learner, schedule, settings, run, save)
    if run.compute.first:
        if data.skipped:
            with replacing(run.folder / SKIPPED) as temporary:
                temporary.write_text("\n".join(data.skipped) + "\n")
        limited = run.options.max_minutes is not None
        learn_to_find(model, data.crops, run.compute.device.type, run.report, limited)
    run.compute.wait()
    return find_model(str(run.folder))


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
    core_network = load_network(core)[0] if core else None
    features: CoreFeatures | VggFeatures | None = None
    if options.reconstruction and options.perceptual == "core":
        assert core_network is not None
        features = core_features(core_network, options.perceptual_layers)
    elif options.reconstruction:
        features = vgg19_features(perceptual_weights, options.perceptual_layers)
    if features:  # by name, since what all are depends on the file
        options = replace(options, perceptual_layers=",".join(features.names))
    if core and options.method == "finetune-after-projection":  # part of what it has learned
        options = replace(options, beta=core.manifest.softargmax_beta)
    torch.manual_seed(options.seed)  # of new heads, and of networks from random weights
    network = start_network(options.method, core_network, options.keypoints, options.projections)
    return AdaptLearner(data.crops, network, features, options, compute)


def check_core(
    core: Model | None, options: AdaptOptions, perceptual_weights: Path | None = None
) -> None:
    """Raise UsageError unless core, method and features go together."""
    if core is None and options.needs_core:
        raise UsageError(
            f"{options.method} with perceptual features {options.perceptual} needs a core: add "
            "--core NAME"
        )
    if options.method == "finetune-after-projection" and core and not _learned_unlabelled(core):
        raise UsageError(
            f"finetune-after-projection starts from an adapted run or a student, and "
            f"{core.manifest.name} is neither: give the run with --core RUN"
        )
    if options.method == "projection" and core and core.manifest.core:
        raise UsageError(
            f"projection needs a complete network as core, and {core.manifest.name} is an adapter: "
            f"use --core {core.manifest.core.model}, or choose --method finetune"
        )
    if perceptual_weights and options.perceptual != "vgg19":
        raise UsageError("--perceptual-weights are for VGG-19: add --perceptual vgg19")


def _learned_unlabelled(model: Model) -> bool:
    """Whether a model's landmarks were discovered, not annotated: `lmk train` goes on from them."""
    task = model.manifest.facts.settings.get("task")
    return model.manifest.kind == "adapter" or task in ("train", "distill")


def warn_of_core(core: Model) -> str | None:
    """Warn, with the figure, when a core seems untrained or weak."""
    variances = [v for name, v in core.arrays().items() if name.endswith("running_var")]
    return core_warning(all((v == 1).all() for v in variances), core.manifest.figures)
