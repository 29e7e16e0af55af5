"""`lmk doctor`: what works on this machine, and the command that repairs what does not."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lmk.doctor.finding import Finding

MARKS = {"good": "[green]ok[/]", "absent": "[yellow]--[/]", "broken": "[red]no[/]"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check Python, runtimes, GPU, cameras and memory, and print how to repair what fails.

    Runtimes are tested on a tiny model. Nothing is installed or changed. Exit code 0 if `lmk run
    webcam` can work here, else 4.
    """
    from lmk.doctor.examine import examine

    sections = examine()
    stops = [f.subject for findings in sections.values() for f in findings if f.stops]
    if as_json:
        listed = {name: [asdict(f) for f in found] for name, found in sections.items()}
        typer.echo(json.dumps({"webcam": not stops, **listed}, indent=2))
    else:
        _print(sections, stops)
    if stops:
        raise typer.Exit(4)


def _print(sections: dict[str, list[Finding]], stops: list[str]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(width=2)
    table.add_column(style="bold", max_width=28)
    table.add_column(overflow="fold")
    for name, findings in sections.items():
        table.add_row("", f"[dim]{name}[/]", "")
        for finding in findings:
            text = escape(finding.found)
            if finding.remedy:
                text += f"\n[cyan]{escape(finding.remedy)}[/]"
            table.add_row(MARKS[finding.state], escape(finding.subject), text)
    console = Console(highlight=False)
    console.print(table)
    verdict = f"cannot work: {', '.join(stops)}" if stops else "can work"
    console.print(f"\n`lmk run webcam` {verdict}", markup=False)
