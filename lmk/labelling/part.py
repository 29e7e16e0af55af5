"""One file of results: written whole under the name of its shard, with its counts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from pyarrow import ArrowException, Table
from pyarrow.compute import is_valid
from pyarrow.parquet import ParquetFile, ParquetWriter

from lmk.labelling.find import Labels
from lmk.labelling.place import Place
from lmk.labelling.rows import SCHEMA, RowMaker
from lmk.system.errors import DataError, OutputError
from lmk.system.schema import Count, parse_json, read_as

GROUP_ROWS = 1 << 16
COUNTS = b"lmk.counts"


@dataclass
class Counts:
    """Numbers of inputs and objects. empty: inputs without an object; errors: those not usable."""

    inputs: Count = 0
    objects: Count = 0
    empty: Count = 0
    errors: Count = 0

    def add(self, other: Counts) -> None:
        """Add those of another part."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


def write_part(place: Place, batches: Iterable[list[Labels]], rows: RowMaker) -> Counts:
    """Write the labels of all batches as one Parquet file, or none. Raises OutputError.

    Little is in memory: a row group of 65,536 rows is written as soon as it is full.
    """
    counts, waiting = Counts(), list[Any]()
    with place.replacing() as file, ParquetWriter(file, SCHEMA) as writer:
        for labels in batches:
            for one in labels:
                empty = not len(one.angles) and not one.error
                counts.add(Counts(1, len(one.angles), int(empty), int(bool(one.error))))
            waiting.append(rows.rows(labels))
            if sum(map(len, waiting)) >= GROUP_ROWS:
                writer.write_table(Table.from_batches(waiting))
                waiting = []
        if waiting:
            writer.write_table(Table.from_batches(waiting))
        writer.add_key_value_metadata({COUNTS: json.dumps(asdict(counts))})
    return counts


def read_counts(place: Place) -> Counts:
    """The counts in a part. Raises OutputError for a file that is no whole part."""
    with _part(place) as part:
        return read_as(Counts, parse_json(part.metadata.metadata[COUNTS].decode()))


def read_errors(place: Place) -> Iterator[tuple[str, str]]:
    """Yield the name, or else the number, of every input that cannot be used, and why."""
    with _part(place) as part:
        for batch in part.iter_batches(columns=["source", "frame", "name", "error"]):
            for row in batch.filter(is_valid(batch["error"])).to_pylist():
                yield row["name"] or f"{row['source']} at {row['frame']}", row["error"]


@contextmanager
def _part(place: Place) -> Iterator[ParquetFile]:
    try:
        with place.opened() as file:
            yield ParquetFile(file)
    except (DataError, ArrowException, KeyError, ValueError) as error:
        raise OutputError(
            f"{place} is not a file that lmk label wrote whole: delete it, and run the same "
            "command again"
        ) from error
