"""The tables of formats, runtimes and precisions in the documentation are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lmk.artifact.catalogue import FORMATS, PRECISIONS, RUNTIMES

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "formats.md"


def rows(heading: str) -> list[list[str]]:
    """The rows of the table below a heading, without backquotes."""
    part = PAGE.read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")][2:]
    return [
        [cell.strip() for cell in line.replace("`", "").strip("|").split("|")] for line in lines
    ]


def test_formats() -> None:
    expected = []
    for one in FORMATS.values():
        files = [f"{one.layout.format('NAME')}{one.suffix}"]
        files += [f"NAME{one.beside}"] if one.beside else []
        lists = (files, one.precisions, one.runtimes, one.runtimes[:1])
        expected.append([one.name, *(", ".join(words) for words in lists)])
    assert rows("Formats") == expected


def test_runtimes() -> None:
    expected = []
    for one in RUNTIMES.values():
        cells = [
            f"{', '.join(where.computes)} (extra {where.extra})" if where else ""
            for where in (one.devices.get("cpu"), one.devices.get("cuda"))
        ]
        expected.append([one.name, one.title, *cells])
    assert rows("Runtimes") == expected


def test_precisions() -> None:
    found = rows("Precisions")
    assert [row[:2] for row in found] == [[one.name, one.words] for one in PRECISIONS.values()]
    for row, one in zip(found, PRECISIONS.values(), strict=True):
        limits = one.limits
        numbers = [n for n in (limits.max_px, limits.mean_px, limits.p99_px) if n is not None]
        written = [float(n) for n in re.findall(r"[\d.]+", row[2].replace("99th", ""))]
        assert written == pytest.approx(numbers)
