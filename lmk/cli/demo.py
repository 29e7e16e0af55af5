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
) -> None:
    """Show the whole path: fold, export, check, run on a clip of a face; then adapt to a drawn fox.

    Takes under 5 minutes on 2 cores and needs no network. Everything comes with the package.
    """
    options.require_training()
    from lmk.demo.demo import run_demo
    from lmk.progress import Reporter

    for path, what in run_demo(output, Reporter()):
        typer.echo(f"{path}  {what}")
