"""`lmk models`: what is shipped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from lmk.cli import options
from lmk.cli.echo import echo
from lmk.cli.point_rows import point_rows
from lmk.system.errors import WeightsError

app = typer.Typer(help="List and describe the shipped models.", no_args_is_help=True)


@app.command("list")
def list_() -> None:
    """List the shipped models."""
    from lmk.model.folder import list_models

    table = Table("model", "kind", "landmarks", "core", "size", "figures", box=None, pad_edge=False)
    for model in list_models():
        manifest = model.manifest
        size = (model.folder / manifest.weights_file).stat().st_size
        table.add_row(
            manifest.name,
            manifest.kind,
            str(manifest.num_landmarks),
            manifest.core.model if manifest.core else "",
            f"{size / 1e6:.1f} MB",
            ", ".join(f"{name} {value}" for name, value in manifest.figures.items()),
        )
    Console().print(table)


@app.command()
def show(
    model: options.ModelName,
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest as JSON.")] = False,
) -> None:
    """Check a model's hash and print its card."""
    from lmk.model.bundle import SUFFIX
    from lmk.model.folder import find_model

    found = find_model(model)
    found.folded()
    found.point_map()
    if as_json:
        typer.echo(json.dumps(found.manifest.content(), indent=2))
        return
    card = found.folder / "card.md"
    bundled = found.manifest.weights_file.endswith(SUFFIX)  # which may lie beside another's card
    if card.is_file() and not bundled:
        for line in _text(card).rstrip().splitlines():
            echo(line)
    echo(f"weights {found.manifest.weights_sha256}  verified")
    echo(f"folder  {found.folder}")
    for name, words in point_rows(found.points).items():
        echo(f"{name}  {', '.join(words)}")


def _text(card: Path) -> str:
    from lmk.system.reading import MB, read_text, reason_of

    try:
        return read_text(card, MB)
    except (OSError, ValueError) as error:
        raise WeightsError(f"{card} cannot be read: {reason_of(error)}") from error
