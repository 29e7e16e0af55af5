"""A table of text, for the terminal and the page."""

from __future__ import annotations

from dataclasses import dataclass

ABSENT = "-"


@dataclass(frozen=True)
class Table:
    """Rows of text under a header; the first column names the row, the others contain numbers."""

    title: str
    header: list[str]
    rows: list[list[str]]
    note: str = ""
