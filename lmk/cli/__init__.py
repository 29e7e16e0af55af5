"""The command line. Each command imports what it needs when it runs, so that help is fast."""

from __future__ import annotations

import sys

import typer

from lmk.cli import (
    adapter,
    annotate,
    bench,
    compare,
    data,
    distill,
    doctor,
    eval,
    export,
    fold,
    label,
    models,
    name,
    pretrain,
    run,
    train,
)
from lmk.cli.demo import demo
from lmk.cli.streams import prepare_streams, release_output
from lmk.cli.system_errors import in_one_line
from lmk.system.errors import LmkError
from lmk.system.interrupt import exit_code, exit_on_termination
from lmk.system.text import printable
from lmk.system.version import __version__

INTERRUPTED, UNREAD = 130, 141  # 128 and the numbers of SIGINT and SIGPIPE

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
app.command("annotate")(annotate.annotate)
app.command("name")(name.name)
app.command("export")(export.export)
app.command("eval")(eval.eval_)
app.command("compare")(compare.compare)
app.command("bench")(bench.bench)
app.command("fold")(fold.fold)
app.add_typer(adapter.app, name="adapter")
app.command("run")(run.run)
app.command("label")(label.label)
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
    """Entry point: run a command; an error becomes one line on stderr and an exit code."""
    prepare_streams()
    try:
        with exit_on_termination():
            app()
    except LmkError as error:
        typer.secho(printable(f"error: {error}"), err=True, fg="red")
        sys.exit(error.exit_code)
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # as of `lmk models list | head -1`
            release_output()
            sys.exit(UNREAD)
        code = end.code or exit_code()
        if code == INTERRUPTED:  # typer ends so, without a word
            typer.secho("interrupted", err=True)
        sys.exit(code)
    except Exception as error:
        if not (said := in_one_line(error)):
            raise
        typer.secho(printable(f"error: {said}"), err=True, fg="red")
        release_output()
        sys.exit(exit_code() or 1)  # a closed terminal takes standard output with it
