"""`lmk distill`: train a small network on the landmarks that a model finds."""

from __future__ import annotations

import shlex
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any

import typer

from lmk.cli import options
from lmk.cli.echo import echo
from lmk.cli.settings import given, plain, typed, with_settings
from lmk.system.errors import UsageError
from lmk.training.options import DistillOptions, RunOptions

SETTINGS = {field.name for field in fields(DistillOptions)}
INPUTS = {"teachers", "images", "data", "start", "precision"}


@with_settings(DistillOptions, RunOptions)
def distill(
    ctx: typer.Context,
    output: options.RunFolder,
    teachers: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TEACHER...",
            help="Model to learn from: a shipped model's name, a run folder, a .adapter file, or "
            "an exported file. The landmarks of several are averaged. By default that of "
            "--config.",
            show_default=False,
        ),
    ] = None,
    images: options.PictureFolder = None,
    data: options.PictureSet = None,
    start: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Go on from this model in place of a new network of --size: a student, or an "
            "adapter, whose core stays frozen. It has the teacher's landmarks.",
        ),
    ] = None,
    config: options.Config = None,
    resume: options.Resume = False,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    compiled: options.Compiled = False,
    **settings: Any,
) -> None:
    """Train a small network, the student, on the landmarks that a model finds.

    Needs pictures as `lmk train` does, preferably the same ones, and no annotated points. The
    teacher finds landmarks in several views of each picture, and their means are what the student
    learns; they stay in the user's cache. The run folder becomes a model for `lmk export` and `lmk
    run --model`. The student of an hourglass needs about a twentieth of the teacher's arithmetic.
    With --start an existing student or adapter learns further, from a better teacher.

    On several GPUs or machines: torchrun --nproc-per-node N -m lmk distill ...
    """
    options.require_training()
    from lmk.training.config_file import read_config
    from lmk.training.device import select_compute
    from lmk.training.distillation.distill import prepare

    from_file = read_config(config, SETTINGS, INPUTS) if config else {}
    inputs = {
        "teachers": None,
        "images": plain(images),
        "data": plain(data),
        "start": start,
        "precision": precision,
    }
    written = given(ctx, (SETTINGS | INPUTS) - {"teachers"})
    if written.keys() & {"images", "data"}:  # a source here takes the place of the file's
        written = {"images": None, "data": None, **written}
    if {"start", "size"} <= written.keys():
        raise UsageError(
            f"--size {written['size']} has no effect with --start {start}, which has a size: omit "
            "one of the two"
        )
    if "size" in written:  # here it takes the place of the file's start
        written = {"start": None, **written}
    values = {**inputs, **asdict(DistillOptions()), **from_file, **written}
    sources = [values[name] for name in ("images", "data") if values[name]]
    if len(sources) != 1:
        raise UsageError("expected either --images DIR or --data SET")
    try:
        named = teachers or shlex.split(values["teachers"] or "")
    except ValueError as error:
        raise UsageError(f"{config}: teachers: {error}") from error
    if not named:
        raise UsageError("expected a TEACHER: a shipped model's name, a run folder or a file")
    distillation = prepare(
        named,
        Path(sources[0]),
        output,
        values["start"],
        compute=select_compute(device, values["precision"], compiled),
        precision=values["precision"],
        resume=resume,
        command=typed(),
        settings={
            name: plain(value)
            for name, value in {**settings, **values}.items()
            if name not in INPUTS
        },
    )
    model = distillation.run()
    if distillation.training.compute.first:
        echo(f"model in {model.folder}: lmk run webcam --model {model.folder}")
