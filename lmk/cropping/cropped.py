"""What a cropping wrote and what it left out, and the files that say so."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from lmk.data.images import Skipped
from lmk.system.text import cell


class Row(NamedTuple):
    """One crop in the table.

    file: the crop, below the output. source: its picture, below the photographs. x, y, width,
    height: the square that it shows, in pixels of the upright picture, x, y its left and top edge.
    score: the mean score of its landmarks.
    """

    file: str
    source: str
    x: float
    y: float
    width: float
    height: float
    score: float


@dataclass
class Cropped:
    """The crops of some pictures.

    pictures: their number. rows: one per crop. unreadable, empty: pictures without a crop, because
    they cannot be read, or show no object that was found. left_out: objects without a crop, by the
    reason.
    """

    pictures: int
    rows: list[Row] = field(default_factory=list)
    unreadable: list[Skipped] = field(default_factory=list)
    empty: list[Skipped] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def rest(self) -> list[str]:
        """What has no crop, a line for each kind."""
        lines = []
        if self.empty:
            lines.append(f"no object in {len(self.empty):,} of {self.pictures:,} pictures")
        if self.unreadable:
            first = self.unreadable[0]
            lines.append(f"{len(self.unreadable):,} cannot be used, the first: {first}")
        if left_out := counted(self.left_out):
            lines.append(f"objects left out: {left_out}")
        return lines


def counted(left_out: Mapping[str, int]) -> str:
    """The reasons for which objects were left out, each with their number."""
    return ", ".join(f"{count:,} {reason}" for reason, count in left_out.items() if count)


def write_table(path: Path, rows: Sequence[Row]) -> None:
    """Write crops as CSV, a header and a line each; no text begins a formula."""
    cells = (row._replace(file=cell(row.file), source=cell(row.source)) for row in rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([Row._fields, *cells])


def write_skipped(path: Path, skipped: Sequence[Skipped]) -> None:
    """Write a line per picture without a crop, with the reason."""
    text = "".join(f"{entry}\n" for entry in skipped)
    path.write_text(text, encoding="utf-8")
