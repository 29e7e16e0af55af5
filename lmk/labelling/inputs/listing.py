"""What a source consists of: its files, and the shards that they become."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from lmk.data.listing import LeftOut, files_below, told, why_no_picture
from lmk.data.suffixes import SUFFIXES
from lmk.labelling.inputs import table
from lmk.labelling.inputs.shard import Kind, Shard
from lmk.labelling.place import Place
from lmk.system.errors import DataError, UsageError
from lmk.system.progress import Reporter

VIDEO_SUFFIXES = {
    *(".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ts", ".webm", ".wmv")
}
KINDS: dict[str, Kind] = {
    ".parquet": "table",
    ".tar": "tar",
    **dict.fromkeys(VIDEO_SUFFIXES, "video"),
    **dict.fromkeys(SUFFIXES, "pictures"),
}
LISTS = (".txt", ".lst", ".list")
OTHER, MOST_LINE = "neither a picture nor a table, tar or video", 16384
EXPECTED = (
    "a folder, a picture, a video, a .tar, a .parquet, a text list of these, or a pattern with *"
)


class Found(NamedTuple):
    """A file of a source: its kind, and its name below a folder."""

    kind: Kind
    folder: Place
    name: str

    @property
    def place(self) -> Place:
        """Where it is."""
        return self.folder.below(self.name)


def list_shards(
    source: Place, per_shard: int, image_column: str, report: Reporter
) -> Iterator[Shard]:
    """Yield the shards of a source, always in the same order, with little memory.

    per_shard: the number of pictures of a shard, and that of a table's rows, as near as its row
    groups allow; a tar or a video is one shard. `report` receives what is left out. Raises
    DataError, and UsageError for a table without the column of images.
    """
    pictures: list[str] = []
    number = 0  # of pictures before those that wait
    folder: Place | None = None
    for found in _files(source, report):
        if found.kind == "pictures":
            folder = found.folder
            pictures.append(found.name)
            if len(pictures) == per_shard:
                yield Shard("pictures", folder.address, tuple(pictures), number)
                number, pictures = number + len(pictures), []
        elif found.kind == "table":
            yield from table.shards(found.folder, found.name, found.place, image_column, per_shard)
        else:
            yield Shard(found.kind, found.folder.address, (found.name,))
    if folder and pictures:
        yield Shard("pictures", folder.address, tuple(pictures), number)


def _files(source: Place, report: Reporter) -> Iterator[Found]:
    if not source.exists():
        if not any(mark in source.path for mark in "*?["):
            raise DataError(f"{source} does not exist: expected {EXPECTED}")
        yield from _of_pattern(source, report)
    elif source.is_folder():
        yield from _of_folder(source, report)
    elif (suffix := _suffix(source.path)) in LISTS:
        yield from _of_list(source)
    elif suffix in KINDS:
        folder, name = posixpath.split(source.path)
        yield Found(KINDS[suffix], Place(source.files, folder), name)
    else:
        raise UsageError(f"{source} is of an unknown type: expected {EXPECTED}")


def _of_pattern(source: Place, report: Reporter) -> Iterator[Found]:
    """The files that a pattern fits; their names are below the part of it without a mark."""
    start = source.path[: min(source.path.find(mark) for mark in "*?[" if mark in source.path)]
    folder = Place(source.files, posixpath.dirname(start))
    left_out, some = LeftOut(list), False
    for place in source.matching():
        if kind := KINDS.get(_suffix(place.path)):
            some = True
            yield Found(kind, folder, posixpath.relpath(place.path, folder.path or "/"))
        else:
            left_out[OTHER].append(place.path)
    _tell(source, some, left_out, report)


def _of_folder(source: Place, report: Reporter) -> Iterator[Found]:
    left_out, some = LeftOut(list), False
    below = _below_here(source, left_out) if source.local else _below(source, source, left_out)
    for found in below:
        some = True
        yield found
    _tell(source, some, left_out, report)


def _tell(source: Place, some: bool, left_out: LeftOut, report: Reporter) -> None:
    if not some:
        raise DataError(
            f"no picture, table, tar or video in {source}{told(left_out, '; left out: ')}"
        )
    if left_out:
        report.warn(told(left_out, f"left out in {source}: "))


def _below_here(source: Place, left_out: LeftOut) -> Iterator[Found]:
    """Those of a folder on this machine, where the content of a file decides, as in training."""
    for entry in files_below(Path(source.path), left_out):
        name = Path(os.path.relpath(entry.path, source.path)).as_posix()
        kind: Kind = KINDS.get(_suffix(entry.name), "pictures")
        if kind == "pictures" and (reason := why_no_picture(entry)):
            left_out[reason].append(name)
        else:
            yield Found(kind, source, name)


def _below(source: Place, folder: Place, left_out: LeftOut) -> Iterator[Found]:
    """Those of a folder in object storage, by their suffixes."""
    for place, is_folder in folder.entries().items():
        name = posixpath.relpath(place.path, source.path)
        if posixpath.basename(name).startswith("."):
            continue
        if is_folder and place.path != folder.path:  # some storages have the folder itself in it
            yield from _below(source, place, left_out)
        elif kind := KINDS.get(_suffix(name)):
            yield Found(kind, source, name)
        else:
            left_out[OTHER].append(name)


def _of_list(source: Place) -> Iterator[Found]:
    """One path or address per line; a path is taken from the folder of the list."""
    folder, some = Place(source.files, posixpath.dirname(source.path)), False
    with source.opened() as file:
        for number, name in enumerate(_lines(file, source), 1):
            if not name or name.startswith("#"):
                continue
            if (kind := KINDS.get(_suffix(name))) is None:
                raise UsageError(
                    f"line {number} of {source} is {name!r:.100}: expected a path or an address of "
                    "a picture, a video, a .tar or a .parquet"
                )
            some = True
            yield Found(kind, folder, name)
    if not some:
        raise DataError(f"{source} lists no file: expected one per line")


def _lines(file: BinaryIO, source: Place) -> Iterator[str]:
    while line := file.readline(MOST_LINE):
        try:
            text = line.decode("utf-8-sig").strip()
        except UnicodeDecodeError as error:
            raise DataError(f"{source} is not UTF-8: save the list as UTF-8") from error
        if len(line) == MOST_LINE:
            raise DataError(
                f"{source} has a line of {MOST_LINE:,} bytes: expected one file per line"
            )
        yield text


def _suffix(path: str) -> str:
    return posixpath.splitext(path)[1].lower()
