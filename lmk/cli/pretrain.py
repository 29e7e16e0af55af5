"""`lmk pretrain`: train a core with annotated keypoints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lmk.cli import options


def pretrain(
    data: Annotated[Path, typer.Option(help="COCO keypoint file of the training images.")],
    output: options.RunFolder,
    val: Annotated[
        Path | None, typer.Option(help="COCO keypoint file to measure PCKh@0.5 on.")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Optimiser steps.")] = 6000,
    batch_size: Annotated[int, typer.Option(min=2, help="Images a step.")] = 24,
    learning_rate: Annotated[float, typer.Option(help="Peak learning rate of AdamW.")] = 5e-4,
    max_minutes: options.MaxMinutes = None,
    resume: options.Resume = False,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
) -> None:
    """Train a core: supervised heatmap regression on annotated keypoints.

    The run folder becomes a model that `lmk train --core` adapts to other categories.
    """
    options.require_training()
    from lmk.progress import Reporter
    from lmk.training import jobs
    from lmk.training.device import select_compute
    from lmk.training.pretrain import PretrainOptions

    chosen = PretrainOptions(
        steps=steps, batch_size=batch_size, learning_rate=learning_rate, seed=seed
    )
    compute = select_compute(device, precision)
    run = jobs.Run(output, compute, Reporter(), max_minutes, resume)
    model = jobs.pretrain(data, val, chosen, run)
    typer.echo(f"core in {model.folder}")
