"""`lmk eval`: how accurate and how steady a model's landmarks are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lmk.cli import measuring, options
from lmk.system.errors import UsageError


def eval_(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A shipped model's name, a run folder, a .adapter file, or an exported file.",
        ),
    ],
    data: measuring.Data,
    regressor_data: measuring.RegressorData = None,
    metrics: measuring.Metrics = "",
    output: measuring.Output = None,
    json: measuring.Json = None,
    save: Annotated[
        bool, typer.Option("--save", help="Write the figures into the model folder's manifest.")
    ] = False,
    runtime: options.RuntimeOption = "auto",
    device: options.RunDeviceOption = None,
    normalize: measuring.Normalize = "",
    counts: measuring.Counts = "",
    draws: measuring.Draws = 10,
    folds: measuring.Folds = 5,
    ridge: measuring.Ridge = 1e-5,
    robustness_images: measuring.RobustnessImages = 300,
    seed: measuring.Seed = 0,
) -> None:
    """Measure a model's landmarks on annotated or plain pictures.

    Forward and backward errors say how well landmarks and annotated points predict each other;
    consistency, whether landmarks turn with the picture; robustness, whether they stay when it is
    mirrored, lit or noisy; spread, whether they have collapsed; pck and pckh, how many joints a
    core finds. Read them together. Figures in px are px of the 128 px evaluation picture, for
    networks of every input size. Landmarks are computed once and kept in the user's cache.
    """
    from lmk.model.folder import SHIPPED, find_model

    if save and Path(model).is_file():
        raise UsageError(f"--save: {model} is a file; give the model folder itself")
    target = find_model(model) if save else None
    if target and target.folder.parent == SHIPPED and target.folder != Path(model):
        raise UsageError(
            f"--save: {model} came with lmk, with its own figures; to replace them give its folder"
        )
    protocol = measuring.make_protocol(
        metrics, normalize, counts, draws, folds, ridge, robustness_images, seed
    )
    results = measuring.measure(
        [model], data, regressor_data, protocol, runtime, device, output, json
    )
    if target:
        from lmk.report.record import manifest_figures

        saved = target.with_figures(manifest_figures(results))
        typer.echo(f"figures written into {target.folder}")
        gone = sorted(target.manifest.figures.keys() - saved.manifest.figures.keys())
        if gone:
            typer.echo(f"left out, since they were measured on other data: {', '.join(gone)}")
