"""`lmk train`: adapt a core to unlabelled pictures."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from lmk.cli import options
from lmk.errors import UsageError

_LOSS = "Terms of the loss"


class Method(str, Enum):
    """The ways to adapt, spelled as on the command line."""

    projection = "projection"
    finetune = "finetune"
    scratch = "scratch"
    last_layers = "last-layers"
    finetune_after_projection = "finetune-after-projection"


class Perceptual(str, Enum):
    """The features that compare a painted picture with the real one."""

    core = "core"
    vgg19 = "vgg19"


def train(
    output: options.RunFolder,
    images: Annotated[
        Path | None, typer.Option(help="Folder of pictures, searched to its depths.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="COCO file instead; only its file names are read.")
    ] = None,
    core: Annotated[
        str, typer.Option(help="Core to adapt: a shipped model's name, or a run folder.")
    ] = "core-pose",
    method: Annotated[Method, typer.Option(help="What is learnable, and where it starts.")] = (
        Method.projection
    ),
    keypoints: Annotated[int, typer.Option(min=1, max=64, help="Landmarks to discover.")] = 10,
    steps: Annotated[int, typer.Option(min=1, help="Optimiser steps.")] = 1000,
    batch_size: Annotated[int, typer.Option(min=2, help="Pairs a step.")] = 16,
    equivariance: Annotated[
        float,
        typer.Option(
            min=0, help="Weight of landmarks moving with the image.", rich_help_panel=_LOSS
        ),
    ] = 1.0,
    separation: Annotated[
        float,
        typer.Option(min=0, help="Weight of landmarks keeping apart.", rich_help_panel=_LOSS),
    ] = 1.0,
    perceptual: Annotated[
        Perceptual,
        typer.Option(
            help="Features that judge the reconstruction: the core's own early ones, or VGG-19's.",
            rich_help_panel=_LOSS,
        ),
    ] = Perceptual.core,
    perceptual_weights: Annotated[
        Path | None,
        typer.Option(
            help="VGG-19 in a safetensors file, instead of torchvision's download.",
            rich_help_panel=_LOSS,
        ),
    ] = None,
    max_minutes: options.MaxMinutes = None,
    resume: options.Resume = False,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
) -> None:
    """Adapt a core to a new category, without any annotation.

    Give a folder of photographs that show the category, one object a picture, filling most of it.
    The run folder becomes a model for `lmk export` and `lmk run --model`.

    Methods: `projection` keeps the core frozen and learns a small matrix a convolution, which gives
    an adapter of about 1.3 MB; `finetune` learns everything, from the core; `scratch` everything,
    from nothing; `last-layers` what follows the core's hourglass; `finetune-after-projection`
    everything, from an adapted run given as --core.
    """
    options.require_training()
    if (images is None) == (data is None):
        raise UsageError("give the pictures with either --images DIR or --data FILE.json")
    from lmk.model.folder import find_model
    from lmk.progress import Reporter
    from lmk.training import jobs
    from lmk.training.adapt import AdaptOptions
    from lmk.training.device import select_compute

    chosen = AdaptOptions(
        steps=steps,
        batch_size=batch_size,
        num_landmarks=keypoints,
        equivariance=equivariance,
        separation=separation,
        seed=seed,
    )
    compute = select_compute(device, precision)
    run = jobs.Run(output, compute, Reporter(), max_minutes, resume)
    features = str(perceptual_weights) if perceptual_weights else perceptual.value
    source = images or data
    assert source is not None
    needs_core = method is not Method.scratch or features == Perceptual.core.value
    found = find_model(core) if needs_core else None
    crops = jobs.load_unlabelled(source, run.report)
    model = jobs.adapt(crops, found, method.value, features, chosen, run)
    typer.echo(f"model in {model.folder}: lmk run webcam --model {model.folder}")
