"""`lmk pretrain`: train a core on annotated keypoints."""

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any

import typer

from lmk.cli import options
from lmk.cli.echo import echo
from lmk.cli.settings import given, pick, plain, typed, with_settings
from lmk.system.errors import UsageError
from lmk.training.options import PretrainOptions, RunOptions

SETTINGS = {field.name for field in fields(PretrainOptions)}
INPUTS = {"data", "val", "core", "precision"}


@with_settings(PretrainOptions, RunOptions)
def pretrain(
    ctx: typer.Context,
    output: options.RunFolder,
    data: Annotated[
        Path | None,
        typer.Option(help="Training images: a COCO keypoint file, or a packed set with points."),
    ] = None,
    val: Annotated[
        Path | None,
        typer.Option(help="Held-out images with the same points, to measure PCKh@0.5 on."),
    ] = None,
    core: Annotated[
        str | None,
        typer.Option(
            help="Core to start from, with a new learning rate schedule: a shipped model's name, "
            "or a run folder. By default random weights."
        ),
    ] = None,
    config: options.Config = None,
    resume: options.Resume = False,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    compiled: options.Compiled = False,
    **settings: Any,
) -> None:
    """Train a core on annotated keypoints, by supervised heatmap regression.

    The run folder becomes a model that `lmk train --core` adapts to other categories. It also holds
    the best model so far, sample pictures, log.csv, TensorBoard events, and config.yaml with every
    option that affects the result. Mirroring swaps the points whose names contain left and right,
    or l and r: left_eye, eye-right, LShoulder.

    On several GPUs or machines: torchrun --nproc-per-node N -m lmk pretrain ...
    """
    options.require_training()
    from lmk.training.config_file import read_config

    from_file = read_config(config, SETTINGS, INPUTS) if config else {}
    inputs = {"data": plain(data), "val": plain(val), "core": core, "precision": precision}
    written = given(ctx, SETTINGS | INPUTS)
    values = {**inputs, **asdict(PretrainOptions()), **from_file, **written}
    if not values["data"]:
        raise UsageError("expected the annotated pictures: add --data FILE")
    from lmk.data.coco import load_keypoints
    from lmk.model.folder import find_model
    from lmk.training.checkpoint import check_place
    from lmk.training.device import reporter, select_compute
    from lmk.training.loop import Run, reserve
    from lmk.training.pretraining.job import pretrain as run_pretraining

    chosen = pick(PretrainOptions, values)
    found = find_model(values["core"]) if values["core"] else None
    compute = select_compute(device, values["precision"], compiled)
    report = reporter(compute)
    run = Run(output, compute, report, pick(RunOptions, settings), resume, values, typed())
    if compute.first:
        check_place(output, resume)
    crops = load_keypoints(Path(values["data"]), report)
    held_out = load_keypoints(Path(values["val"]), report) if values["val"] else None
    with reserve(run):
        model = run_pretraining(crops, held_out, found, chosen, run)
    if compute.first:
        echo(f"core in {model.folder}")
