"""Line and bar charts as SVG inside a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 460, 300
LEFT, RIGHT, TOP, BOTTOM = 48, 14, 14, 46
INK, GRID = "#333", "#e3e3e3"
LINE_COLORS = ("#0b62a4", "#d1495b", "#2a9d5c", "#8e5bb5", "#c77d1e", "#4a4a4a")


@dataclass(frozen=True)
class Line:
    """One curve, through its points in order."""

    name: str
    xy: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Axis:
    """From 0 to `end`, with a label and ticks."""

    label: str
    end: float
    ticks: Sequence[float]


def line_chart(lines: Sequence[Line], x: Axis, y: Axis, mark_x: float | None = None) -> str:
    """Draw curves with a legend, and a dashed vertical line at `mark_x`."""
    body = _frame(x, y)
    if mark_x is not None:
        at = _across(mark_x, x)
        body.append(
            f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" '
            f'stroke="{INK}" stroke-dasharray="4 4"/>'
        )
    for number, line in enumerate(lines):
        color = LINE_COLORS[number % len(LINE_COLORS)]
        inside = [(px, py) for px, py in line.xy if px <= x.end]
        points = " ".join(f"{_across(px, x):.1f},{_up(py, y):.1f}" for px, py in inside)
        body.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>')
        body += _legend(len(lines) - 1 - number, line.name, color)
    return _svg(body)


def bar_chart(
    bars: Sequence[tuple[str, float, str]], y: Axis, x_label: str, whiskers: Sequence[float]
) -> str:
    """Draw bars (name, height, colour), each with a thin line up to its whisker."""
    body = _frame(Axis(x_label, 1, ()), y)
    step = (WIDTH - LEFT - RIGHT) / len(bars)
    for number, ((name, height, color), whisker) in enumerate(zip(bars, whiskers, strict=True)):
        center = LEFT + (number + 0.5) * step
        top = _up(min(height, y.end), y)
        body += [
            f'<rect x="{center - 0.34 * step:.1f}" y="{top:.1f}" width="{0.68 * step:.1f}" '
            f'height="{HEIGHT - BOTTOM - top:.1f}" fill="{color}" stroke="{INK}" '
            'stroke-width="0.5"/>',
            f'<line x1="{center:.1f}" x2="{center:.1f}" y1="{top:.1f}" '
            f'y2="{_up(min(whisker, y.end), y):.1f}" stroke="{INK}"/>',
            _text(center, HEIGHT - BOTTOM + 16, name),
        ]
    return _svg(body)


def round_axis(label: str, largest: float) -> Axis:
    """Make an axis from 0 to at least `largest`, with ticks at 1, 2 or 5 times a power of ten."""
    largest = max(largest, 1e-3)
    step = 1e-4
    factors = (2, 2.5, 2)  # 1, 2, 5, 10
    number = 0
    while largest / step > 6:
        step *= factors[number % 3]
        number += 1
    count = int(-(-largest // step))
    return Axis(label, count * step, [tick * step for tick in range(count + 1)])


def _frame(x: Axis, y: Axis) -> list[str]:
    body = []
    for tick in y.ticks:
        at = _up(tick, y)
        body.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}" stroke="{GRID}"/>'
        )
        body.append(_text(LEFT - 6, at + 4, f"{tick:g}", "end"))
    body += [_text(_across(tick, x), HEIGHT - BOTTOM + 16, f"{tick:g}") for tick in x.ticks]
    body.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, x.label))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    body.append(
        f'<text x="13" y="{middle}" text-anchor="middle" transform="rotate(-90 13 {middle})">'
        f"{escape(y.label)}</text>"
    )
    base = HEIGHT - BOTTOM
    body.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{base}" y2="{base}" stroke="{INK}"/>')
    return body


def _legend(row: int, name: str, color: str) -> list[str]:
    """A legend entry in the lower right corner, which cumulative curves leave free, from below."""
    y = HEIGHT - BOTTOM - 14 - 17 * row
    end = WIDTH - RIGHT - 8
    return [
        f'<line x1="{end - 20}" x2="{end}" y1="{y}" y2="{y}" stroke="{color}" stroke-width="3"/>',
        _text(end - 26, y + 4, name, "end"),
    ]


def _across(value: float, axis: Axis) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * value / axis.end


def _up(value: float, axis: Axis) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / axis.end


def _text(x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(body: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{"".join(body)}</svg>'
