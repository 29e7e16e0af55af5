"""The command line. Each command imports what it needs when it runs, so that help is fast."""

from __future__ import annotations

import sys

import typer

from lmk.cli import (
    adapter,
    bench,
    compare,
    data,
    distill,
    doctor,
    eval,
    export,
    fold,
    models,
    pretrain,
    run,
    train,
)
from lmk.cli.demo import demo
from lmk.system.errors import LmkError
from lmk.system.text import printable, writable
from lmk.system.version import __version__

INTERRUPTED = 130

app = typer.Typer(
    name="lmk",
    help="Object landmarks on edge devices without labels: adapt, fold, export, run.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",  # which fills paragraphs to the terminal, and leaves [WORDS]
)
app.command("pretrain")(pretrain.pretrain)
app.command("train")(train.train)
app.command("distill")(distill.distill)
app.command("export")(export.export)
app.command("eval")(eval.eval_)
app.command("compare")(compare.compare)
app.command("bench")(bench.bench)
app.command("fold")(fold.fold)
app.add_typer(adapter.app, name="adapter")
app.command("run")(run.run)
app.add_typer(data.app, name="data")
app.add_typer(models.app, name="models")
app.command("demo")(demo)
app.command("doctor")(doctor.doctor)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"lmk {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Object landmarks on edge devices without labels: adapt, fold, export, run."""


def main() -> None:
    """Entry point: run a command; an `LmkError` becomes one line on stderr and its exit code."""
    try:
        app()
    except LmkError as error:
        typer.secho(printable(f"error: {error}"), err=True, fg="red")
        sys.exit(error.exit_code)
    except UnicodeEncodeError as error:
        if writable(error.object) == error.object:
            raise
        said = f"error: a library takes only names in UTF-8: rename {error.object}"
        typer.secho(printable(said), err=True, fg="red")
        sys.exit(1)
    except SystemExit as end:
        if end.code == INTERRUPTED:  # typer ends so, without a word
            typer.secho("interrupted", err=True)
        raise
