"""`lmk data draw`: a synthetic category with known points."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lmk.cli import options
from lmk.cli.echo import echo


def draw(
    output: Annotated[Path, typer.Option("-o", "--output", help="New folder for the set.")],
    count: Annotated[int, typer.Option(min=1, help="Pictures to draw.")] = 1000,
    seed: options.Seed = 0,
    size: Annotated[
        int, typer.Option(min=32, max=4096, help="Side of the pictures, in pixels.")
    ] = 160,
) -> None:
    """Draw a synthetic category, a jointed toy fox, with ten known points.

    Writes images/*.png and the COCO keypoint file keypoints.json, for trials, tests and scaling
    runs. The same seed always draws the same pictures.
    """
    from lmk.data.drawn import write_foxes
    from lmk.system.progress import Reporter

    file = write_foxes(output, count, seed, Reporter(), size)
    echo(f"{file}  {count:,} pictures of {size} x {size} px, 10 points per picture")
