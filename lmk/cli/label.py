"""`lmk label`: landmarks of very many pictures, in Parquet files."""

from __future__ import annotations

from typing import Annotated

import typer

from lmk.artifact.catalogue import PRECISIONS
from lmk.cli import options
from lmk.cli.echo import echo

_WORK = "Work and files"
_PRECISIONS = tuple(one.name for one in PRECISIONS.values() if not one.calibrated)


def label(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A folder of pictures, or a text list of files, one per line; Parquet with image "
            "bytes; WebDataset tars; videos, of which every frame is a picture. A folder or a list "
            "may have all of these. One file, or a pattern such as 'shards-*.tar' in quotation "
            "marks, also does. A path, or an address of fsspec such as s3://bucket/folder.",
        ),
    ],
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="Folder for the results, as a path or an address; new, or that of the same "
            "command, which then continues.",
        ),
    ],
    model: Annotated[
        str,
        typer.Option(
            "--model",
            "-m",
            metavar="NAME|FILE",
            help="A shipped model (lmk models list), a model or run folder, a .adapter file, or an "
            "exported file.",
        ),
    ],
    region: Annotated[
        str,
        typer.Option(
            metavar="WORD",
            help="center, landmarks, box:X,Y,W,H, cascade:face, cascade:cat or "
            "onnx:FILE[#CLASS]: where the objects of a picture are searched for. By default as in "
            "lmk run on pictures: the model's own detector, or landmarks for a model without one. "
            "center, for pictures that one object fills, is the fastest.",
            show_default=False,
        ),
    ] = "",
    runtime: options.RuntimeOption = "auto",
    device: options.RunDeviceOption = None,
    precision: Annotated[
        str | None,
        typer.Option(
            parser=options.one_of(_PRECISIONS),
            metavar=options.choices(_PRECISIONS),
            help="Precision that the runtime computes in; the model's file for it is made, and "
            "checked, in the user's cache. For int8 give an exported file as the model. By default "
            "that of the model.",
            show_default=False,
        ),
    ] = None,
    image_column: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Column of Parquet with the images: bytes, or a struct with bytes and path, as "
            "Hugging Face writes it.",
        ),
    ] = "image",
    rows_per_file: Annotated[
        int,
        typer.Option(
            min=1,
            help="Rows per file of results, where each picture shows one object; a kill loses at "
            "most one such file per worker. A tar and a video are one file each.",
            rich_help_panel=_WORK,
        ),
    ] = 100_000,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="auto|ADDRESS",
            help="Work on a cluster of Ray, with one worker per CPU: auto for the one that this "
            "machine belongs to. All its machines must reach SOURCE and OUT.",
            show_default=False,
            rich_help_panel=_WORK,
        ),
    ] = None,
) -> None:
    """Find the landmarks of very many pictures, and write them as Parquet files with a manifest.

    OUT/part-*.parquet have the columns of lmk run -o out.parquet, one row per landmark or named
    point, and at least one row per picture: with the column error for a picture that cannot be
    used, which is also listed in OUT/skipped.txt. Each file appears whole or not at all. Run again
    after an end of any kind, the same command does what is missing, and every picture is labelled
    exactly once. OUT/manifest.json says what the labels were made with; a command with other
    settings or other inputs is refused.
    """
    from lmk.labelling.label import SKIPPED
    from lmk.labelling.label import label as write

    done = write(
        source,
        output,
        model,
        region=region,
        runtime=runtime,
        device=device,
        precision=precision,
        image_column=image_column,
        rows_per_file=rows_per_file,
        cluster=cluster,
    )
    counts = done.counts
    echo(
        f"{done.output}  {counts.inputs:,} pictures, {counts.objects:,} objects, in "
        f"{done.parts:,} files ({done.earlier:,} of them from earlier runs)"
    )
    if counts.empty:
        echo(f"no object in {counts.empty:,} pictures")
    if counts.errors:
        echo(f"{counts.errors:,} pictures cannot be used: see {SKIPPED} there")
