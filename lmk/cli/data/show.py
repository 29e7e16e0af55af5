"""`lmk data show`: draw a contact sheet of a set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lmk.cli.echo import echo


def show(
    source: Annotated[
        Path,
        typer.Argument(metavar="SRC", help="Folder of images, COCO keypoint file, or packed set."),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="PNG file to write; replaced if it exists.")
    ] = Path("sheet.png"),
    count: Annotated[int, typer.Option(min=1, max=600, help="Pictures to show.")] = 24,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random choice of pictures.")] = 0,
) -> None:
    """Draw a contact sheet of random pictures, with their annotated points, if any.

    Each picture is shown as in training: its centred square, upright.
    """
    from lmk.data.show import show as show_set
    from lmk.system.errors import UsageError
    from lmk.system.progress import Reporter

    if output.suffix.lower() != ".png":
        raise UsageError(f"expected a .png file to write, got {output}")
    sample = show_set(source, output, Reporter(), count, seed)
    echo(f"{output}  {len(sample.files)} of {sample.total:,} pictures")
