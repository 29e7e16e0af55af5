"""`lmk data pack`: decode a set once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def pack(
    source: Annotated[
        Path,
        typer.Argument(metavar="SRC", help="Folder of images, or COCO keypoint file."),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="New folder for the packed set.")],
    size: Annotated[
        int, typer.Option(min=32, max=4096, help="Side of the crops, in pixels.")
    ] = 160,
    outside: Annotated[
        bool,
        typer.Option(
            "--outside",
            help="Allow pictures outside the COCO file's folder: absolute names, and names with ..",
        ),
    ] = False,
) -> None:
    """Decode and resize every picture once, into one file for training.

    Keeps the centred square of each picture, at SIZE x SIZE pixels, with its points where SRC has
    points. Unusable pictures are skipped and listed in the new folder's index.json with the reason;
    if they are more than a tenth, the command fails. The crops are a plain NumPy file:
    numpy.load("OUT/crops.npy", mmap_mode="r").
    """
    from lmk.data.pack import pack as pack_set
    from lmk.system.progress import Reporter

    packed = pack_set(source, output, Reporter(), size, outside)
    crops, skipped = packed.crops, len(packed.index.skipped)
    points = f", {len(packed.keypoints.names)} points per crop" if packed.keypoints else ""
    typer.echo(f"{output}  {len(crops):,} crops of {size} x {size} px{points}")
    if skipped:
        typer.echo(f"skipped {skipped:,}, listed in {output / 'index.json'}")
    typer.echo(f"sha256 {crops.sha256}")
