"""`lmk fold`: a core and an adapter to a runnable file, without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lmk.artifact.formats import FORMATS, PRECISIONS
from lmk.cli.options import choices, one_of

WRITTEN = [name for name in FORMATS["onnx"].precisions if not PRECISIONS[name].quantizer]


def fold(
    core: Annotated[
        str, typer.Argument(metavar="CORE", help="The core: a shipped model's name or a folder.")
    ],
    adapter: Annotated[
        str, typer.Argument(metavar="ADAPTER", help="A .adapter file, a run folder or a name.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the ONNX file.")],
    precision: Annotated[
        Any,
        typer.Option(
            parser=one_of(WRITTEN),
            metavar=choices(WRITTEN),
            help="Precision of the network's arithmetic.",
        ),
    ] = "fp32",
) -> None:
    """Fold an adapter into its core and write one ONNX file, on the device itself.

    Needs neither torch nor a runtime. Hashes are checked: an adapter of another core is refused.
    """
    from lmk.exporting.fold_on_device import fold_to_onnx
    from lmk.model.folder import find_model

    path = fold_to_onnx(find_model(adapter), find_model(core), output, precision)
    typer.echo(f"{path}  {path.stat().st_size / 1e6:.1f} MB, {precision}")
