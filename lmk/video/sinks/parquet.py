"""Results as Parquet."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_type_hints

import pyarrow
from pyarrow import parquet

from lmk.system.errors import OutputError
from lmk.system.files import check_writable, replacing
from lmk.video.result import Result
from lmk.video.sinks.base import Sink
from lmk.video.sinks.rows import Row, rows

BATCH_ROWS = 1 << 12
PART_ROWS, PART_S = 1 << 16, 60.0  # a part has 20,000 rows of an object with ten landmarks


@contextmanager
def parquet_sink(folder: Path) -> Iterator[Sink]:
    """Write a folder of Parquet files, part-000000.parquet and so on, with the rows of `Row`.

    pandas, Polars, DuckDB, Arrow and Spark read such a folder as one table. A single file would
    only be readable at its end; each part is readable as soon as it appears, every minute or every
    65,536 rows. An error or a stop writes the rest as a last part; a kill loses the rest, at most
    the frames of a minute. On a full disk the earlier parts stay. Raises OutputError, also for a
    folder that is not empty.
    """
    check_writable(folder)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise OutputError(f"{folder} already exists: choose another path or delete it first")
    sink = _ParquetSink(folder)
    try:
        yield sink
    finally:
        sink.close()


class _ParquetSink:
    draws = False

    def __init__(self, folder: Path) -> None:
        self._folder, self._parts = folder, 0
        self._rows: list[Row] = []
        self._batches: list[Any] = []  # what rows become soon: an eighth of their memory
        self._oldest_s = 0.0  # when the first row of the next part came

    def write(self, result: Result) -> None:
        if not (self._rows or self._batches):
            self._oldest_s = time.monotonic()
        self._rows.extend(rows(result))
        if len(self._rows) >= BATCH_ROWS:
            self._close_batch()
        late = time.monotonic() - self._oldest_s >= PART_S
        if late and self._rows:
            self._close_batch()
        if self._batches and (late or sum(map(len, self._batches)) >= PART_ROWS):
            self._write_part()

    def close(self) -> None:
        """Write the remaining rows, or one part without rows if there were none."""
        self._close_batch()
        if any(batch.num_rows for batch in self._batches) or not self._parts:
            self._write_part()

    def _close_batch(self) -> None:
        schema = _schema()
        columns = list(zip(*self._rows, strict=True)) or [()] * len(schema)
        arrays = [pyarrow.array(*column) for column in zip(columns, schema.types, strict=True)]
        self._batches.append(pyarrow.RecordBatch.from_arrays(arrays, schema=schema))
        self._rows = []

    def _write_part(self) -> None:
        batches, self._batches = self._batches, []  # not tried again when the disk is full
        part = self._folder / f"part-{self._parts:06}.parquet"
        self._parts += 1
        # Opened here, because pyarrow takes only paths in UTF-8.
        with replacing(part) as temporary, temporary.open("wb") as file:
            parquet.write_table(pyarrow.Table.from_batches(batches), file)


def _schema() -> Any:
    text = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())  # each text is kept once
    types = {str: text, int: pyarrow.int64(), float: pyarrow.float32()}
    fields = {name: types[kind] for name, kind in get_type_hints(Row).items()}
    return pyarrow.schema({**fields, "time_s": pyarrow.float64()})
