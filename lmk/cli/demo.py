"""`lmk demo`: every step once, in a few minutes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lmk.cli import options
from lmk.cli.echo import echo


def demo(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder for the results; replaced if it exists.")
    ] = Path("lmk-demo"),
    train: Annotated[
        bool,
        typer.Option(
            "--train", help="Also adapt to drawn foxes and check the exported file; needs torch."
        ),
    ] = False,
) -> None:
    """Fold the shipped face adapter and run it on a clip; with --train also adapt to drawn foxes.

    Takes less than 1 minute on 2 CPU cores, with --train less than 5. Needs no internet: all files
    come with the package.
    """
    if train:
        options.require_training()
    from lmk.demo.demo import run_demo
    from lmk.system.progress import Reporter

    for path, what in run_demo(output, Reporter(), train):
        echo(f"{path}  {what}")
