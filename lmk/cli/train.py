"""`lmk train`: adapt a core to unlabelled pictures."""

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any

import typer

from lmk.cli import options
from lmk.cli.echo import echo
from lmk.cli.settings import given, plain, typed, with_settings
from lmk.system.errors import UsageError
from lmk.training.options import AdaptOptions, Preset, RunOptions
from lmk.training.options import preset as preset_options

SETTINGS = {field.name for field in fields(AdaptOptions)}
INPUTS = {"images", "data", "core", "perceptual_weights", "preset", "precision"}


@with_settings(AdaptOptions, RunOptions)
def train(
    ctx: typer.Context,
    output: options.RunFolder,
    images: options.PictureFolder = None,
    data: options.PictureSet = None,
    core: Annotated[
        str, typer.Option(help="Core to adapt: a shipped model's name, or a run folder.")
    ] = "core-pose",
    perceptual_weights: Annotated[
        Path | None,
        typer.Option(
            help="safetensors file with the weights of VGG-19, for --perceptual vgg19 without a "
            "download."
        ),
    ] = None,
    preset: Annotated[
        str,
        typer.Option(help="Set of default values: fast (the defaults shown below) or paper."),
    ] = "fast",
    config: options.Config = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan, with time and memory, and exit.")
    ] = False,
    resume: options.Resume = False,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    compiled: options.Compiled = False,
    **settings: Any,
) -> None:
    """Adapt a core to a new category, without annotated points.

    Needs a folder of photographs of the category, with one object per picture that fills most of
    it. The run folder becomes a model for `lmk export` and `lmk run --model`. It also holds the
    best model so far, sample pictures, log.csv, TensorBoard events, and config.yaml with every
    option that affects the result. At its end a search of pictures without objects, which takes a
    minute or two on a CPU, tells `lmk run` from which score on landmarks in a frame are an object.

    Methods: `projection` keeps the core frozen and learns one small matrix per convolution; the
    result is an adapter of about 1.2 MB. `finetune` trains all weights, starting from the core;
    `scratch` all weights, from random ones; `last-layers` the layers after the core's hourglass;
    `finetune-after-projection` all weights, starting from an adapted run or a student that --core
    names, whose landmarks it keeps.

    On several GPUs or machines: torchrun --nproc-per-node N -m lmk train ...
    """
    options.require_training()
    inputs = {
        "images": plain(images),
        "data": plain(data),
        "core": core,
        "perceptual_weights": plain(perceptual_weights),
        "preset": preset,
        "precision": precision,
    }
    values = _resolve(ctx, inputs, config)
    source = _source(values)
    from lmk.training.adaptation.adapt import prepare
    from lmk.training.device import select_compute

    compute = select_compute(device, values["precision"], compiled)
    adaptation = prepare(
        source,
        output,
        values["core"],
        preset=values["preset"],
        perceptual_weights=values["perceptual_weights"] and Path(values["perceptual_weights"]),
        compute=compute,
        precision=values["precision"],
        resume=resume,
        command=typed(),
        settings={
            name: plain(value)
            for name, value in {**settings, **values}.items()
            if name not in INPUTS
        },
        writes=not dry_run,
    )
    if dry_run:
        plan = adaptation.plan()
        if compute.first:
            typer.echo(plan)
        return
    model = adaptation.run()
    if compute.first:
        echo(f"model in {model.folder}: lmk run webcam --model {model.folder}")


def _resolve(ctx: typer.Context, inputs: dict[str, Any], config: Path | None) -> dict[str, Any]:
    """The options: the file takes precedence over the preset, the command line over both."""
    from lmk.training.config_file import read_config

    written = given(ctx, SETTINGS | INPUTS)
    if written.keys() & {"images", "data"}:  # a source here takes the place of the file's
        written = {"images": None, "data": None, **written}
    from_file = read_config(config, SETTINGS, INPUTS) if config else {}
    if "preset" in written and from_file.keys() >= SETTINGS:
        raise UsageError(
            f"--preset {written['preset']} has no effect with --config {config}, which sets every "
            "option: omit one of the two"
        )
    recipe = {**inputs, **from_file, **written}["preset"]
    _follow_method(from_file, written.get("method"), recipe)
    _follow_features(from_file, written)
    method = {**from_file, **written}.get("method", AdaptOptions.method)
    defaults = asdict(preset_options(recipe, method))
    if {**from_file, **written}.get("perceptual_weights"):
        defaults["perceptual"] = "vgg19"
    return {**inputs, **defaults, **from_file, **written}


def _follow_method(from_file: dict[str, Any], method: str | None, recipe: Preset) -> None:
    """Drop the file's rate if it is only its method's default, and another method is given."""
    before = from_file.get("method", AdaptOptions.method)
    default = preset_options(recipe, before).rate_body
    if method not in (None, before) and from_file.get("rate_body") == default:
        del from_file["rate_body"]


def _follow_features(from_file: dict[str, Any], written: dict[str, Any]) -> None:
    """Drop the file's settings of the perceptual features if another kind of them is given."""
    if "perceptual" not in written and "perceptual_weights" in written:
        from_file.pop("perceptual", None)
    elif written.get("perceptual", "vgg19") != "vgg19":
        from_file.pop("perceptual_weights", None)


def _source(values: dict[str, Any]) -> Path:
    sources = [values[name] for name in ("images", "data") if values[name]]
    if len(sources) != 1:
        raise UsageError("expected either --images DIR or --data SET")
    return Path(sources[0])
