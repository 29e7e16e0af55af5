"""`lmk fold`: make one runnable file of a core and an adapter, without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lmk.artifact.catalogue import FORMATS, PRECISIONS
from lmk.cli.echo import echo
from lmk.cli.options import choices, one_of

WRITTEN = [name for name in FORMATS["onnx"].precisions if not PRECISIONS[name].quantizer]


def fold(
    core: Annotated[
        str, typer.Argument(metavar="CORE", help="The core: a shipped model's name or a folder.")
    ],
    adapter: Annotated[
        str,
        typer.Argument(
            metavar="ADAPTER",
            help="The adapter: a .adapter file, a run folder or a shipped model's name.",
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the ONNX file.")],
    precision: Annotated[
        Any,
        typer.Option(
            parser=one_of(WRITTEN),
            metavar=choices(WRITTEN),
            help="Precision in which the network computes.",
        ),
    ] = "fp32",
    require_signature: Annotated[
        Path | None,
        typer.Option(
            metavar="NAME.pub",
            help="Fold only a .adapter file that this public key signed (lmk adapter sign). The "
            "signature also fixes the content of the core.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Fold an adapter into its core and write one ONNX file. Runs on the device itself.

    Needs neither torch nor a runtime. Checks hashes, and refuses the adapter of another core.
    """
    from lmk.exporting.fold_on_device import fold_to_onnx
    from lmk.model.folder import find_model
    from lmk.system.signing import read_public_key

    key = None if require_signature is None else read_public_key(require_signature)
    path = fold_to_onnx(find_model(adapter, key), find_model(core), output, precision)
    echo(f"{path}  {path.stat().st_size / 1e6:.1f} MB, {precision}")
