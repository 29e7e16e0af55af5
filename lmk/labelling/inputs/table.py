"""Images in Parquet: bytes, or bytes and a path as Hugging Face's `datasets` writes them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from lmk.arrays import Image
from lmk.data.decode import decode_image
from lmk.data.memory import FILE_BYTES
from lmk.labelling.inputs.files import bgr
from lmk.labelling.inputs.shard import Input, Shard, refused
from lmk.labelling.place import Place, open_place
from lmk.system.errors import DataError, UsageError, missing_extra
from lmk.system.text import writable

ROWS = 16  # that are in memory at once


def shards(
    folder: Place, name: str, table: Place, image_column: str, per_shard: int
) -> Iterator[Shard]:
    """Yield the shards of a table: whole row groups, as many as `per_shard` rows are in.

    A table that cannot be opened is one shard, whose only result says why. Raises UsageError if it
    has no such column of images.
    """
    try:
        sizes = _row_groups(table, image_column)
    except DataError:
        yield Shard("table", folder.address, (name,))
        return
    start = first = rows = 0
    for group, size in enumerate(sizes):
        if rows and rows + size > per_shard:
            yield Shard("table", folder.address, (name,), first, (start, group))
            start, first, rows = group, first + rows, 0
        rows += size
    if rows:
        yield Shard("table", folder.address, (name,), first, (start, len(sizes)))


def read(shard: Shard, image_column: str) -> Iterator[Input]:
    """Yield the rows of a shard. Raises DataError for a table that is damaged."""
    table = open_place(shard.folder).below(shard.names[0])
    number = shard.first
    with table.opened() as file:
        parquet = _parquet(file, table)
        start, stop = shard.groups or (0, parquet.num_row_groups)
        batches = parquet.iter_batches(ROWS, range(start, stop), columns=[image_column])
        for batch in batches:
            for value in batch.column(0):
                yield _row(number, value)
                number += 1


def _row_groups(table: Place, image_column: str) -> list[int]:
    """The number of rows of each row group."""
    with table.opened() as file:
        parquet = _parquet(file, table)
        _check_column(parquet.schema_arrow, image_column, table)
        metadata = parquet.metadata
        return [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]


def _parquet(file: Any, table: Place) -> Any:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise missing_extra("pyarrow", "label") from error
    try:
        return ParquetFile(file, pre_buffer=False)
    except (ArrowException, OSError, ValueError) as error:
        raise DataError(f"{table} is not a Parquet file: {str(error).splitlines()[0]}") from error


def _check_column(schema: Any, name: str, table: Place) -> None:
    from pyarrow import types

    kind = schema.field(name).type if name in schema.names else None
    if kind is not None and types.is_struct(kind):
        kind = kind.field("bytes").type if kind.get_field_index("bytes") >= 0 else None
    if kind is None or not (types.is_binary(kind) or types.is_large_binary(kind)):
        columns = ", ".join(f"{field.name}: {field.type}" for field in schema)
        raise UsageError(
            f"{table} has no column {name!r} of image bytes, or of a struct with bytes: choose "
            f"--image-column from {columns[:500]}"
        )


def _row(number: int, value: Any) -> Input:
    content, name = value, ""
    if value.is_valid and hasattr(value, "keys"):  # a struct
        content, path = value["bytes"], value.get("path")
        name = writable(str(path.as_py() or "")) if path is not None else ""
    if not content.is_valid:
        why = f"row {number} has no image bytes{', only a path' if name else ''}"
        return refused(number, name, DataError(why))
    buffer = content.as_buffer()
    if buffer.size > FILE_BYTES:
        why = f"row {number} has more than {FILE_BYTES / 1e6:.0f} MB: shrink it first"
        return refused(number, name, DataError(why))
    return Input(number, 0.0, name, partial(_load, buffer.to_pybytes(), name or f"row {number}"))


def _load(data: bytes, name: str) -> Image:
    return bgr(decode_image(data, name))
