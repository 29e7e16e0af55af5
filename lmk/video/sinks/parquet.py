"""Results as Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_type_hints

from lmk.system.errors import OutputError, missing_extra
from lmk.system.files import check_writable, replacing
from lmk.video.result import Result
from lmk.video.sinks.base import Sink
from lmk.video.sinks.rows import Row, rows

BATCH_ROWS = 1 << 12
PART_ROWS = 1 << 16  # 3.6 minutes of ten landmarks at 30 frames a second


@contextmanager
def parquet_sink(folder: Path) -> Iterator[Sink]:
    """Write a folder of Parquet files, part-000000.parquet and on, one row a landmark as in `Row`.

    pandas, Polars, DuckDB, Arrow and Spark read such a folder as one table. A single file could not
    be read before its end; each part can from the moment it appears, 65,536 rows later than the one
    before. An error or a stop writes the rest as a last part; a kill loses it. On a full disk the
    parts before stay. Raises OutputError, also where something is in the folder, and
    UnavailableError without pyarrow.
    """
    _arrow()
    check_writable(folder)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise OutputError(f"{folder} exists already: choose another place or delete it first")
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

    def write(self, result: Result) -> None:
        self._rows.extend(rows(result))
        if len(self._rows) >= BATCH_ROWS:
            self._close_batch()
        if sum(batch.num_rows for batch in self._batches) >= PART_ROWS:
            self._write_part()

    def close(self) -> None:
        """Write what is left, and a part without rows where there was none at all."""
        self._close_batch()
        if any(batch.num_rows for batch in self._batches) or not self._parts:
            self._write_part()

    def _close_batch(self) -> None:
        arrow, _ = _arrow()
        schema = _schema(arrow)
        columns = list(zip(*self._rows, strict=True)) or [()] * len(schema)
        arrays = [arrow.array(*column) for column in zip(columns, schema.types, strict=True)]
        self._batches.append(arrow.RecordBatch.from_arrays(arrays, schema=schema))
        self._rows = []

    def _write_part(self) -> None:
        arrow, parquet = _arrow()
        batches, self._batches = self._batches, []  # not tried again when the disk is full
        part = self._folder / f"part-{self._parts:06}.parquet"
        self._parts += 1
        with replacing(part) as temporary:
            parquet.write_table(arrow.Table.from_batches(batches), temporary)


def _schema(arrow: Any) -> Any:
    text = arrow.dictionary(arrow.int32(), arrow.string())  # each title and name is kept once
    types = {str: text, int: arrow.int64(), float: arrow.float32()}
    fields = {name: types[kind] for name, kind in get_type_hints(Row).items()}
    return arrow.schema({**fields, "time_s": arrow.float64()})


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise missing_extra("pyarrow", "tables") from error
    return pyarrow, pyarrow.parquet
