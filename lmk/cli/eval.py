"""`lmk eval`: how accurate and how stable a model's landmarks are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lmk.cli import measuring, options
from lmk.cli.echo import echo
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
        bool,
        typer.Option(
            "--save", help="Also write the figures into the manifest of the model folder."
        ),
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
    """Measure the quality of a model's landmarks, on pictures with or without annotated points.

    The forward error measures how well landmarks predict annotated points, and the backward error
    the opposite. Consistency measures whether landmarks rotate with the picture; robustness,
    whether they keep their places under mirroring, brightness and noise; spread, whether they have
    collapsed; pck and pckh, how many joints a core finds. Judge a model by all of them together.
    Figures in px are pixels of the 128 px evaluation picture, for networks of every input size.
    Landmarks are computed once and stay in the user's cache.
    """
    from lmk.model.folder import SHIPPED, find_model

    if save and Path(model).is_file():
        raise UsageError(f"--save: {model} is a file; give the model folder")
    target = find_model(model) if save else None
    if target and target.folder.parent == SHIPPED and target.folder != Path(model):
        raise UsageError(
            f"--save: {model} is a shipped model with its own figures; to replace them give its "
            "folder"
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
        echo(f"wrote the figures into the manifest in {target.folder}")
        gone = sorted(target.manifest.figures.keys() - saved.manifest.figures.keys())
        if gone:
            echo(f"removed older figures that were measured on other data: {', '.join(gone)}")
