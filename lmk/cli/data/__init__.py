"""`lmk data`: prepare, crop, pack, verify, show and draw sets of pictures."""

from __future__ import annotations

import typer

from lmk.cli.data import prepare
from lmk.cli.data.crop import crop
from lmk.cli.data.draw import draw
from lmk.cli.data.pack import pack
from lmk.cli.data.show import show
from lmk.cli.data.verify import verify

app = typer.Typer(
    help="Prepare, crop, pack, verify, show and draw sets of pictures.", no_args_is_help=True
)
app.command("prepare", help=prepare.HELP)(prepare.prepare)
app.command("crop")(crop)
app.command("pack")(pack)
app.command("verify")(verify)
app.command("show")(show)
app.command("draw")(draw)
