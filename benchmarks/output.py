"""The output of the scripts: a table, a JSON record, a chart."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from lmk.bench.record import Record, write_record
from lmk.bench.table import table_console
from lmk.report.charts import LINE_COLORS, round_axis
from lmk.system.files import replacing

Row = dict[str, Any]

WIDTH, BAR, GAP = 760, 18, 8
NAMES, VALUES = 300, 80  # what names take at the left, and figures at the right


def parse(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Read the options, with those that all scripts have."""
    parser.add_argument(
        "--json", type=Path, help="JSON file for the figures and the machine's record"
    )
    parser.add_argument("--plot", type=Path, help="SVG file for a chart of the figures")
    return parser.parse_args()


def finish(record: Record, chart: str, given: argparse.Namespace) -> None:
    """Report whether the run was disturbed, and write the requested files."""
    if record["disturbed"]:
        print(f"disturbed: other programs used {record['other_load_cores']:.1f} cores")
    if given.json:
        write_record(record, given.json)
    if given.plot:
        save_chart(chart, given.plot)


def print_rows(rows: Sequence[Row], columns: dict[str, str], title: str = "") -> None:
    """Print rows; `columns` maps each key to its head. Numbers have about three digits."""
    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False)
    for key, head in columns.items():
        words = any(isinstance(row.get(key), str) for row in rows)
        table.add_column(head, justify="left" if words else "right")
    for row in rows:
        table.add_row(*(_cell(row.get(key)) for key in columns))
    table_console().print(table)


def bar_rows(bars: Sequence[tuple[str, float]], unit: str) -> str:
    """Draw horizontal bars, each with its name on the left and its value on the right."""
    axis = round_axis(unit, max(value for _, value in bars))
    height = len(bars) * (BAR + GAP) + 40
    body = []
    for number, (name, value) in enumerate(bars):
        top = number * (BAR + GAP) + GAP
        end = NAMES + (WIDTH - NAMES - VALUES) * value / axis.end
        middle = top + BAR - 4
        body += [
            f'<text x="{NAMES - 8}" y="{middle}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{NAMES}" y="{top}" width="{end - NAMES:.1f}" height="{BAR}" '
            f'fill="{LINE_COLORS[0]}"/>',
            f'<text x="{end + 6:.1f}" y="{middle}">{_cell(value)}</text>',
        ]
    body.append(f'<text x="{NAMES}" y="{height - 12}">{escape(unit)}</text>')
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img">{"".join(body)}</svg>'


def save_chart(chart: str, path: Path) -> None:
    """Write a chart as a separate file, on white."""
    head, _, rest = chart.partition(">")
    style = 'xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" font-size="12"'
    with replacing(path) as temporary:
        temporary.write_text(
            f"{head.replace('<svg', f'<svg {style}', 1)}>"
            f'<rect width="100%" height="100%" fill="white"/>{rest}\n'
        )


def _cell(value: object) -> str:
    if not isinstance(value, float):
        return "-" if value is None else str(value)
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
