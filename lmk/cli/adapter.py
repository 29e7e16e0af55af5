"""`lmk adapter`: one file per category, to send to devices that have the core."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from lmk.cli import options
from lmk.cli.echo import echo
from lmk.system.errors import UsageError

app = typer.Typer(help="Pack, verify and show adapters as single files.", no_args_is_help=True)

Bundle = Annotated[Path, typer.Argument(metavar="FILE", help="A .adapter file.")]


@app.command()
def pack(
    model: options.ModelName,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="NAME.adapter", help="File to write.")
    ],
) -> None:
    """Pack an adapter, its manifest and its hashes into one file."""
    from lmk.model import bundle
    from lmk.model.folder import find_model

    found = find_model(model)
    if found.manifest.kind != "adapter":
        raise UsageError(
            f"{model} is a complete network, and only adapters can be packed: copy its folder"
        )
    digest = bundle.pack(found.manifest, found.arrays(), found.core().manifest, output)
    echo(f"{output}  {output.stat().st_size / 1e6:.2f} MB, manifest {digest}")


@app.command()
def verify(
    file: Bundle,
    core: Annotated[
        str | None,
        typer.Option(
            help="Core that it must belong to; by default the core is looked up on this machine."
        ),
    ] = None,
) -> None:
    """Check an adapter file's hashes, and that it folds into its core. Exit code 1 if not."""
    from dataclasses import replace

    from lmk.model.folder import find_model

    found = find_model(str(file))
    if core:
        found = replace(found, given_core=find_model(core))
    found.folded()
    echo(f"{file}: manifest and weights are intact, folds into {found.core().manifest.name}")


@app.command()
def show(
    file: Bundle,
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest as JSON.")] = False,
) -> None:
    """Print the contents of an adapter file."""
    from lmk.model.bundle import SUFFIX, read_bundle

    if file.suffix != SUFFIX:
        raise UsageError(
            f"expected a {SUFFIX} file, got {file}: for other models run  lmk models show MODEL"
        )
    manifest, digest = read_bundle(file)
    if as_json:
        typer.echo(json.dumps(manifest.content(), indent=2))
        return
    assert manifest.core is not None
    rows = {
        "name": manifest.name,
        "landmarks": manifest.num_landmarks,
        "core": f"{manifest.core.model} {manifest.core.sha256}",
        "weights": manifest.weights_sha256,
        "manifest": digest,
        "size": f"{file.stat().st_size / 1e6:.2f} MB",
        "figures": ", ".join(f"{name} {value}" for name, value in manifest.figures.items()),
        "license": manifest.license,
    }
    for name, value in rows.items():
        echo(f"{name:10}{value}")
