"""Results as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lmk.system.text import cell
from lmk.video.sinks.base import Sink
from lmk.video.sinks.lines import LineSink, whole_lines
from lmk.video.sinks.rows import Row, rows

DIGITS = {"x": 3, "y": 3, "score": 4, "opacity": 2, "angle": 1}


@contextmanager
def csv_sink(path: Path) -> Iterator[Sink]:
    """Write a header, the fields of `Row`, and one row per landmark or named point.

    All rows of a frame are written at once. Replaces an earlier file. However the run ends, the
    file holds whole frames. Raises OutputError.
    """
    with whole_lines(path) as append:
        append(_lines([Row._fields]))
        yield LineSink(append, lambda result: _lines(_cells(row) for row in rows(result)))


def _cells(row: Row) -> list[object]:
    """Round numbers, and let no text begin a formula."""
    rounded = row._replace(**{name: round(getattr(row, name), n) for name, n in DIGITS.items()})
    return [cell(value) if isinstance(value, str) else value for value in rounded]


def _lines(values: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(values)
    return text.getvalue()
