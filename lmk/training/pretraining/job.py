"""A complete pretraining, from annotated crops to a run folder that is a core."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from lmk.architectures.network import LandmarkNetwork
from lmk.data.coco import KeypointSet
from lmk.evaluation.formulas.pck import pckh_obstacle
from lmk.model.folder import Model
from lmk.networks.load import load_network
from lmk.system.errors import UsageError
from lmk.training.checkpoint import Progress
from lmk.training.job import run_job, training_record
from lmk.training.loop import Run, Schedule
from lmk.training.options import PretrainOptions
from lmk.training.pretraining.learner import CORE_BETA, PretrainLearner
from lmk.training.pretraining.validate import evaluate_core
from lmk.training.save import save_network


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
    learner = PretrainLearner(data, options, run.compute, val, start)
    settings = {
        "task": "pretrain",
        "core": core.manifest.weights_sha256 if core else None,
        "images": data.sha256,
        "annotations": data.annotation_sha256,
        **asdict(options),
    }
    origin = {"started_from": _origin(core)} if core else {}

    def save(folder: Path, done: Progress) -> Model:
        record = training_record(done, settings, run) | origin
        return save_core(folder, learner.network, data.names, record)

    schedule = Schedule(options.steps, options.warm_up)
    model = run_job(learner, schedule, settings, run, save)
    if val is None or not run.compute.first:
        return model
    if lacks := pckh_obstacle(val.xy_crop, val.labelled, val.names):
        run.report.say(f"PCKh@0.5 was not measured: --val {lacks}")
        return model
    figures = evaluate_core(model, val)
    run.report.say("  ".join(f"{name} {value:.1f} %" for name, value in figures.items()))
    return model.with_figures(figures)


def save_core(
    folder: Path, network: LandmarkNetwork, names: list[str], training: dict[str, Any]
) -> Model:
    """Write a supervised core and return it as a model. Raises OutputError."""
    manifest = {"landmark_names": names, "softargmax_beta": CORE_BETA, "training": training}
    return save_network(folder, network, manifest)


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
