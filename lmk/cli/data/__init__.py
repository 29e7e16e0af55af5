"""`lmk data`: from photographs and public data sets to what training reads."""

from __future__ import annotations

import typer

from lmk.cli.data import prepare

app = typer.Typer(help="Prepare data sets for training and evaluation.", no_args_is_help=True)
app.command("prepare", help=prepare.HELP)(prepare.prepare)
