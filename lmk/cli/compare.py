"""`lmk compare`: models side by side on the same protocol."""

from __future__ import annotations

from typing import Annotated

import typer

from lmk.cli import measuring, options
from lmk.system.errors import UsageError


def compare(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL",
            help="Names of shipped models, run folders, .adapter files or exported files; each is "
            "compared with the first.",
        ),
    ],
    data: measuring.Data,
    regressor_data: measuring.RegressorData = None,
    metrics: measuring.Metrics = "",
    output: measuring.Output = None,
    json: measuring.Json = None,
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
    """Compare models on the same images, training images and views.

    Each difference from the first model has a 95 % confidence interval, by a paired bootstrap over
    the test images. The metrics are those of `lmk eval`.
    """
    if len(models) < 2:
        raise UsageError(f"expected at least two models to compare, got one: {models[0]}")
    protocol = measuring.make_protocol(
        metrics, normalize, counts, draws, folds, ridge, robustness_images, seed
    )
    measuring.measure(models, data, regressor_data, protocol, runtime, device, output, json)
