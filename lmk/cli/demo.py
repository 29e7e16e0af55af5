"""`lmk demo`: the whole path in a few minutes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lmk.cli import options


def demo(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder for the results; replaced if it exists.")
    ] = Path("lmk-demo"),
    train: Annotated[
        bool,
        typer.Option(
            "--train", help="Also adapt to a drawn fox and verify the export; needs torch."
        ),
    ] = False,
) -> None:
    """Fold the shipped face adapter and run it on a clip; with --train adapt to drawn foxes too.

    Takes under a minute, with --train under 5, on 2 cores, and needs no network. Everything comes
    with the package.
    """
    if train:
        options.require_training()
    from lmk.demo.demo import run_demo
    from lmk.system.progress import Reporter

    for path, what in run_demo(output, Reporter(), train):
        typer.echo(f"{path}  {what}")
