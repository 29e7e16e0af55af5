"""Print the tables in the terminal."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from lmk.evaluation.table import Table
from lmk.report.results import Results
from lmk.report.tables import tables
from lmk.system.text import printable


def print_results(results: Results, console: Console) -> None:
    """Print the tables, then how the figures were measured."""
    for table in tables(results):
        print_table(table, console)
        console.print()
    for note in results.notes():
        console.print(_text(note))


def print_table(table: Table, console: Console) -> None:
    """Print a table, and its note below it."""
    console.print(_lay_out(table))
    if table.note:
        console.print(_text(table.note, style="dim"))


def _text(text: str, style: str = "") -> Text:
    return Text("\n".join(map(printable, text.split("\n"))), style)  # a cell may have two lines


def _lay_out(table: Table) -> RichTable:
    laid_out = RichTable(title=_text(table.title), box=box.SIMPLE_HEAD, title_justify="left")
    for number, name in enumerate(table.header):
        laid_out.add_column(_text(name), justify="right" if number else "left")
    for row in table.rows:
        laid_out.add_row(*(_text(cell) for cell in row))
    return laid_out
