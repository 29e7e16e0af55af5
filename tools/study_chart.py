"""Draw the tables of a study: forward and backward error with all images of the regressor, by row.

python tools/study_chart.py TABLES.md CHART.svg

A thin line is the deviation over seeds. Rows of the paper are pale.
"""

from __future__ import annotations

import argparse
import re
from html import escape
from pathlib import Path

from lmk.report.charts import INK, LINE_COLORS, round_axis
from lmk.system.files import replacing

Errors = dict[str, tuple[float, float]]  # by row: mean, and deviation over seeds or 0

WIDTH, NAMES, VALUES = 760, 230, 60  # what names take at the left, and figures at the right
BAR, GAP, HEAD = 13, 9, 30
PAPER = "paper: "
KINDS = ("forward", "backward")


def read_errors(tables: str, kind: str) -> Errors:
    """Read the last line of a table of errors, that of all images."""
    part = tables.partition(f"## {kind.capitalize()} error, %")[2].partition("##")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    if not lines:
        return {}
    heads, last = ([cell.strip() for cell in lines[i].split("|")[2:-1]] for i in (0, -1))
    found = {name: re.findall(r"[\d.]+", cell) for name, cell in zip(heads, last, strict=True)}
    return {
        name: (float(values[0]), float(values[1]) if len(values) > 1 else 0.0)
        for name, values in found.items()
        if values
    }


def draw(title: str, errors: dict[str, Errors]) -> str:
    """Draw a group of two bars per row."""
    rows = list(dict.fromkeys(name for kind in KINDS for name in errors[kind]))
    largest = max(mean + spread for kind in KINDS for mean, spread in errors[kind].values())
    axis = round_axis("", largest)
    scale = (WIDTH - NAMES - VALUES) / axis.end
    group = 2 * BAR + GAP
    height = HEAD + len(rows) * group + HEAD
    body = [f'<text x="8" y="18" font-weight="bold">{escape(title)}</text>', _legend(height - 14)]
    for number, row in enumerate(rows):
        top = HEAD + number * group
        body.append(_text(NAMES - 8, top + BAR + 4, row, "end"))
        for line, kind in enumerate(KINDS):
            if row in errors[kind]:
                pale = row.startswith(PAPER)
                body.append(_bar(*errors[kind][row], top + line * BAR, scale, line, pale))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" font-size="12" '
        f'viewBox="0 0 {WIDTH} {height}" role="img"><title>{escape(title)}</title>'
        f'<rect width="100%" height="100%" fill="white"/>{"".join(body)}</svg>\n'
    )


def write_chart(tables: Path, chart: Path) -> None:
    """Draw a file of tables. A study without errors gets no chart."""
    text = tables.read_text()
    errors = {kind: read_errors(text, kind) for kind in KINDS}
    if any(errors.values()):
        with replacing(chart) as temporary:
            temporary.write_text(draw(text.splitlines()[0].strip("# "), errors))


def _bar(mean: float, spread: float, top: float, scale: float, line: int, pale: bool) -> str:
    end, whisker, middle = NAMES + scale * mean, NAMES + scale * (mean + spread), top + BAR / 2
    thin = f'<line x1="{end:.1f}" x2="{whisker:.1f}" y1="{middle}" y2="{middle}" stroke="{INK}"/>'
    return (
        f'<rect x="{NAMES}" y="{top}" width="{end - NAMES:.1f}" height="{BAR - 1}" '
        f'fill="{LINE_COLORS[line]}" fill-opacity="{0.35 if pale else 1}"/>'
        f"{thin if spread else ''}{_text(whisker + 5, top + BAR - 3, f'{mean:.2f}')}"
    )


def _legend(y: float) -> str:
    parts = []
    for line, kind in enumerate(KINDS):
        x, color = NAMES + 135 * line, LINE_COLORS[line]
        parts.append(f'<rect x="{x}" y="{y - 10}" width="12" height="12" fill="{color}"/>')
        parts.append(_text(x + 17, y, f"{kind} error, %"))
    return "".join(parts)


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tables", type=Path, help="tables.md of a study")
    parser.add_argument("chart", type=Path, help="SVG file to write")
    given = parser.parse_args()
    write_chart(given.tables, given.chart)
