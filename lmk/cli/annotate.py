"""`lmk annotate`: put named points into few pictures, in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lmk.cli.echo import echo


def annotate(
    photos: Annotated[
        Path,
        typer.Argument(metavar="PHOTOS", help="Folder of pictures, including its subfolders."),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE.json",
            help="COCO keypoint file, beside the pictures or above them. A file that is there is "
            "gone on with, also one of another tool.",
        ),
    ],
    names: Annotated[
        str,
        typer.Option(
            metavar="A,B,...",
            help="Names of the points, in the order in which they are placed; by default those of "
            "the file. With left and right in them, lmk name learns from mirrored pictures too.",
            show_default=False,
        ),
    ] = "",
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            metavar="NAME|FOLDER",
            help="Model that will be given the points: it chooses the next picture, predicts its "
            "points from the third one on, and shows the error to expect.",
            show_default=False,
        ),
    ] = None,
    wanted: Annotated[
        int | None,
        typer.Option(
            "--next",
            min=1,
            metavar="N",
            help="Ask for the N pictures that add most; by default go on until Finish.",
            show_default=False,
        ),
    ] = None,
    serve: Annotated[
        str,
        typer.Option(
            metavar="[HOST:]PORT",
            help="Where the page is served. From other machines, such as a phone, it is reached "
            "with 0.0.0.0:PORT and the token in the printed address. Port 0 is any free one.",
        ),
    ] = "0",
    token: Annotated[
        str,
        typer.Option(
            help="Token that other machines need; by default a new one.",
            envvar="LMK_TOKEN",
            show_default=False,
        ),
    ] = "",
) -> None:
    """Put named points into few pictures, on a page of this machine.

    Ten pictures are enough for lmk name to find these points in all others. Every click is saved at
    once, so that the same command goes on at any time. Mouse, touch and keyboard all do everything;
    the page lists the keys.
    """
    from lmk.annotating.annotate import annotate as serve_page
    from lmk.system.progress import Reporter

    chosen = [word.strip() for word in names.split(",")] if names else []
    done = serve_page(photos, output, chosen, model, wanted, serve, token or None, Reporter())
    noun = "picture is" if done == 1 else "pictures are"
    echo(f"{done} {noun} annotated in {output}")
    if done:
        echo(f"lmk name {model or 'MODEL'} --data {output} -o NAMED")
