"""Print what a command has to say."""

from __future__ import annotations

import typer

from lmk.system.text import printable


def echo(line: str) -> None:
    """Print one line, in which names of files and of models cannot move the cursor."""
    typer.echo(printable(line))
