"""Read the inputs of a shard, whatever they are in, and decode them in threads."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass

from lmk.arrays import Image
from lmk.data.decode import large_pictures
from lmk.data.parallel import in_thread, map_in_order
from lmk.labelling.inputs import files, table, tar, video
from lmk.labelling.inputs.shard import Input, Shard, refused
from lmk.system.errors import DataError
from lmk.system.text import printable

BATCH, BATCH_PIXELS = 16, 24_000_000  # pictures that the model takes at once, 72 MB
AHEAD = 4  # decoded pictures that wait for the model, per thread
MOST_SAID = 500  # characters of a reason


@dataclass(frozen=True, eq=False)
class Decoded:
    """An input, and its pixels, uint8 BGR (H, W, 3), or why it has none."""

    number: int
    time_s: float
    name: str
    image_bgr: Image | None
    error: str = ""


def read_batches(
    shard: Shard, image_column: str, threads: int
) -> Generator[list[Decoded], None, None]:
    """Yield the inputs of a shard in batches, read and decoded ahead of their reader.

    Inputs that cannot be used have an error, and so has what follows the place where a file is
    damaged.
    """
    ahead = 1 if shard.kind == "video" else AHEAD  # whose frames come decoded
    decoded = map_in_order(_decode, _inputs(shard, image_column), ahead, threads)
    with large_pictures(), closing(in_thread(_batches(decoded), 1)) as batches:
        yield from batches


def _inputs(shard: Shard, image_column: str) -> Iterator[Input]:
    """The inputs, and one that says so in the place where they end early."""
    number = shard.first
    try:
        for one in _read(shard, image_column):
            yield one
            number = one.number + 1
    except DataError as error:
        yield refused(number, "", error)


def _read(shard: Shard, image_column: str) -> Iterator[Input]:
    if shard.kind == "table":
        return table.read(shard, image_column)
    if shard.kind == "tar":
        return tar.read(shard)
    return video.read(shard) if shard.kind == "video" else files.read(shard)


def _decode(one: Input) -> Decoded:
    try:
        return Decoded(one.number, one.time_s, one.name, one.load())
    except DataError as error:
        said = printable(str(error).removeprefix(f"{one.name} "))[:MOST_SAID]
        return Decoded(one.number, one.time_s, one.name, None, said)


def _batches(decoded: Iterator[Decoded]) -> Generator[list[Decoded], None, None]:
    batch: list[Decoded] = []
    pixels = 0
    for one in decoded:
        batch.append(one)
        pixels += one.image_bgr.size // 3 if one.image_bgr is not None else 0
        if len(batch) == BATCH or pixels >= BATCH_PIXELS:
            yield batch
            batch, pixels = [], 0
    if batch:
        yield batch
