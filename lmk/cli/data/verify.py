"""`lmk data verify`: check a packed set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lmk.cli.echo import echo


def verify(
    packed: Annotated[Path, typer.Argument(metavar="PACKED", help="Folder of a packed set.")],
) -> None:
    """Check a packed set against the content hashes that were written when it was packed."""
    from lmk.data.packed import verify as verify_set
    from lmk.system.progress import Reporter

    crops = verify_set(packed, Reporter()).crops
    echo(f"{packed}  {len(crops):,} crops of {crops.shape[1]} x {crops.shape[2]} px")
    echo(f"sha256 {crops.sha256}  verified")
