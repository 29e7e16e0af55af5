"""`lmk pretrain`: train a core with annotated keypoints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lmk.cli import options
from lmk.cli.settings import pick, with_settings
from lmk.training.options import PretrainOptions, RunOptions


@with_settings(PretrainOptions, RunOptions)
def pretrain(
    data: Annotated[Path, typer.Option(help="COCO keypoint file of the training images.")],
    output: options.RunFolder,
    val: Annotated[
        Path | None, typer.Option(help="COCO keypoint file to measure PCKh@0.5 on.")
    ] = None,
    resume: options.Resume = False,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    compiled: options.Compiled = False,
    **settings: Any,
) -> None:
    """Train a core: supervised heatmap regression on annotated keypoints.

    The run folder becomes a model that `lmk train --core` adapts to other categories; beside it
    lie the best model so far, pictures of the training, log.csv and TensorBoard events.

    Several processes or machines: torchrun --nproc-per-node N -m lmk pretrain ...
    """
    options.require_training()
    from lmk.data.coco import load_keypoints
    from lmk.training import jobs
    from lmk.training.device import select_compute
    from lmk.training.loop import Run

    chosen = pick(PretrainOptions, settings)
    compute = select_compute(device, precision, compiled)
    report = options.reporter(compute)
    run = Run(output, compute, report, pick(RunOptions, settings), resume)
    crops, held_out = load_keypoints(data, report), load_keypoints(val, report) if val else None
    model = jobs.pretrain(crops, held_out, chosen, run)
    if compute.first:
        typer.echo(f"core in {model.folder}")
