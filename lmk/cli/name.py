"""`lmk name`: give a model named points, from few annotated pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lmk.cli import options
from lmk.cli.echo import echo

if TYPE_CHECKING:
    from lmk.naming.job import Named


def name(
    model: options.ModelName,
    data: Annotated[
        Path,
        typer.Option(
            "--data",
            help="COCO keypoint file of the annotated pictures, one object per picture, as lmk "
            "annotate and other tools write it. Points may be missing in some pictures.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="Folder for the named model."),
    ],
    names: Annotated[
        str,
        typer.Option(
            metavar="A,B,...",
            help="Use only these points of the file, in this order; by default all.",
            show_default=False,
        ),
    ] = "",
    skeleton: Annotated[
        str,
        typer.Option(
            metavar="A-B,...",
            help="Points that are joined by a line when they are drawn.",
            show_default=False,
        ),
    ] = "",
    search: Annotated[
        bool,
        typer.Option(
            "--search",
            help="Also search for points in the network's features, near where the landmarks put "
            "them. It lowers the error by up to a tenth, and takes some 0.1 ms per object on a "
            "CPU; without it, points take some 0.02 ms.",
        ),
    ] = False,
) -> None:
    """Give a model named points, from ten pictures in which a person put them.

    A model's landmarks lie where its training found them useful. From pictures with annotated
    points, this fits a map from landmarks to points, and writes a model that finds both. The map
    becomes part of the network: lmk run, export, eval and bench take the new model like any other.
    One picture is enough for a first impression; ten to twenty are good.

    Prints the error to expect on other pictures, measured by leaving out each annotated picture in
    turn, and the pictures whose points are unlike those of the others.
    """
    from lmk.naming.job import name as name_points
    from lmk.system.progress import Reporter

    chosen = [word.strip() for word in names.split(",") if word.strip()]
    named = name_points(
        model, data, output, names=chosen, skeleton=skeleton, search=search, report=Reporter()
    )
    _print_errors(named)
    echo(f"model in {output}: lmk run webcam --model {output}")


def _print_errors(named: Named) -> None:
    from rich.console import Console

    from lmk.naming.table import errors_table, unlike_others
    from lmk.report.terminal import print_table

    print_table(errors_table(named), Console(highlight=False))
    if unlike := unlike_others(named):
        echo("points unlike those of the other pictures; are any swapped or misplaced?")
        for line in unlike:
            echo(f"  {line}")
