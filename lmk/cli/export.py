"""`lmk export`: write a model as a file that runtimes load."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from lmk.cli import options


class Format(str, Enum):
    """File formats."""

    onnx = "onnx"


class Precision(str, Enum):
    """Precisions of the exported arithmetic."""

    fp32 = "fp32"


def export(
    model: options.ModelName,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the file.")],
    format: Annotated[Format, typer.Option("-f", "--format", help="File format.")] = Format.onnx,
    fold_projections: Annotated[
        bool,
        typer.Option(
            help="Fold projections into the weights, which leaves one plain hourglass; "
            "otherwise each stays as a 1x1 convolution."
        ),
    ] = True,
    precision: Annotated[Precision, typer.Option(help="Precision.")] = Precision.fp32,
    heatmaps: Annotated[bool, typer.Option(help="Add the heatmaps as a third output.")] = False,
    verify: Annotated[
        bool, typer.Option(help="Compare the file's landmarks with the network's; needs torch.")
    ] = True,
) -> None:
    """Export a model: fold, write, and check that the file gives the network's landmarks.

    The ONNX file takes uint8 RGB crops and gives landmarks in input pixels; nothing else is needed
    around it. A file whose landmarks differ by more than 0.05 px is not kept (exit code 3).
    """
    del format, precision
    if verify:
        options.require_training()
    from lmk.export.export import export_onnx
    from lmk.model.folder import find_model

    exported = export_onnx(find_model(model), output, fold_projections, heatmaps, verify)
    megabytes = exported.path.stat().st_size / 1e6
    typer.echo(f"{exported.path}  {megabytes:.1f} MB, fp32, opset 17")
    typer.echo(exported.parity.describe() if exported.parity else "not verified")
