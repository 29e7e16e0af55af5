"""`lmk data crop`: from photographs to crops of their objects."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lmk.cli.echo import echo


def crop(
    photos: Annotated[
        Path,
        typer.Argument(metavar="PHOTOS", help="Folder of pictures, or one picture."),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="New folder for the crops.")],
    model: Annotated[
        str,
        typer.Option(
            "--model",
            "-m",
            metavar="NAME|FILE",
            help="Model that finds the objects: a shipped model, a run folder, a .adapter file, or "
            "an exported file.",
        ),
    ],
    region: Annotated[
        str,
        typer.Option(
            metavar="WORD",
            help="Where objects are searched for, as in lmk run, such as landmarks, cascade:face "
            "or onnx:FILE; by default the model's own detector, or landmarks for a model without "
            "one.",
            show_default=False,
        ),
    ] = "",
    size: Annotated[
        int, typer.Option(min=32, max=4096, help="Side of the crops, in pixels.")
    ] = 160,
    margin: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            help="Add this on each side of the square that the model was trained with, as a share "
            "of its side.",
        ),
    ] = 0.0,
    score: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Least mean score of an object's landmarks; by default the one that was measured "
            "for this model. 0 keeps whatever is found.",
            show_default=False,
        ),
    ] = None,
    png: Annotated[
        bool, typer.Option("--png", help="Write PNG in place of JPEG of quality 95.")
    ] = False,
) -> None:
    """Cut the objects out of photographs that are not crops, to train on them.

    Finds every object of every picture, at most 32 of a picture and none smaller than 32 pixels,
    and frames each as the model's training did, upright. Beyond a picture its edge pixels are
    repeated.

    Writes images/, with one file per object; crops.csv, with the square of each in its picture; and
    sheet.png, to look at. Pictures that cannot be read or show no object are listed in skipped.txt.
    The next training is: lmk train --images CROPS/images
    """
    from lmk.cropping.crop import IMAGES, SHEET, SKIPPED_LIST, crop_objects
    from lmk.cropping.objects import ObjectFinder
    from lmk.system.progress import Reporter

    finder = ObjectFinder(model, region, margin, score)
    done = crop_objects(photos, output, finder, Reporter(), size, png)
    shown = done.pictures - len(done.unreadable) - len(done.empty)
    echo(
        f"{output / IMAGES}  {len(done.rows):,} crops of {size} x {size} px, from {shown:,} of "
        f"{done.pictures:,} pictures"
    )
    for line in done.rest():
        echo(line)
    if done.unreadable or done.empty:
        echo(f"pictures without a crop are listed in {output / SKIPPED_LIST}")
    echo(f"look at {output / SHEET}; then  lmk train --images {output / IMAGES} -o RUN")
