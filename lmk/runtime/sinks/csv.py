"""Results as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lmk.runtime.result import Result
from lmk.runtime.sinks.base import Sink
from lmk.runtime.sinks.lines import whole_lines
from lmk.runtime.sinks.rows import Row, rows

DIGITS = {"x": 3, "y": 3, "score": 4, "opacity": 2}


@contextmanager
def csv_sink(path: Path) -> Iterator[Sink]:
    """Write one row a landmark below a line of names, those of `Row`; a frame's rows at once.

    Replaces an earlier file. However the run ends, what was written stays, in whole frames. Raises
    OutputError.
    """
    with whole_lines(path) as append:
        append(_lines([Row._fields]))
        yield _CsvSink(append)


class _CsvSink:
    draws = False

    def __init__(self, append: Callable[[str], None]) -> None:
        self._append = append

    def write(self, result: Result) -> None:
        self._append(_lines(_rounded(row) for row in rows(result)))


def _rounded(row: Row) -> Row:
    return row._replace(**{name: round(getattr(row, name), n) for name, n in DIGITS.items()})


def _lines(values: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(values)
    return text.getvalue()
