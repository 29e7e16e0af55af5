"""Which kind of output a path asks for, and whether it fits the sources."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from lmk.data.images import STILL_SUFFIXES
from lmk.system.errors import UsageError
from lmk.video.sinks.base import Sink
from lmk.video.sinks.csv import csv_sink
from lmk.video.sinks.jsonl import json_sink
from lmk.video.sinks.parquet import parquet_sink
from lmk.video.sinks.pictures import picture_sink
from lmk.video.sinks.split import file_stems, split_sink
from lmk.video.sources.base import Source

VIDEO_SUFFIX = ".mp4"
TABLES = {".jsonl": json_sink, ".csv": csv_sink, ".parquet": parquet_sink}
FOLDER = "a folder, without suffix"


def check_output(path: Path, sources: Sequence[Source], texts: Sequence[str]) -> None:
    """Refuse, before any work, a path that does not fit the sources. Raises UsageError.

    texts: how each source was called. A table (.jsonl, .csv, .parquet) fits all. Frames go into an
    .mp4 file for a video, camera or stream, into a picture for a picture, and into a folder of
    pictures for a folder. Several sources go into a folder that has a file or a folder of each.
    Nothing goes where a source is, nor pictures into a folder that is one.
    """
    suffix = path.suffix.lower()
    for place in [path] if suffix else [path, *_places(path, sources).values()]:
        for text in texts:
            if _meets(place, Path(text)):
                raise UsageError(
                    f"-o {path} would write {place}, where the source {text} is: choose another "
                    "place"
                )
    if suffix in TABLES:
        fits, expected = True, ""
    elif all(source.still for source in sources):
        single = len(sources) == 1 and sources[0].frame_count == 1 and not Path(texts[0]).is_dir()
        fits = suffix in STILL_SUFFIXES if single else not suffix
        expected = f"a picture ({', '.join(sorted(STILL_SUFFIXES))})" if single else FOLDER
    elif len(sources) == 1:
        fits, expected = suffix == VIDEO_SUFFIX, f"a {VIDEO_SUFFIX} file"
    else:
        fits, expected = not suffix, FOLDER
    if not fits:
        tables = ", ".join(TABLES)
        titles = ", ".join(source.title for source in sources)
        raise UsageError(f"{titles} gives {expected}, or a table ({tables}), got {path}")
    if suffix not in ("", ".parquet") and path.is_dir():
        raise UsageError(f"{path} is a folder: name a file")


def open_output(path: Path, sources: Sequence[Source]) -> AbstractContextManager[Sink]:
    """Open the sink for a path that `check_output` let through. Raises OutputError."""
    if table := TABLES.get(path.suffix.lower()):
        return table(path)
    still = all(source.still for source in sources)
    if len(sources) == 1:
        return picture_sink(path) if still else _video(path, sources[0].fps)
    rates = {source.title: source.fps for source in sources}
    places = _places(path, sources)
    if still:
        return split_sink(lambda title: picture_sink(places[title]))
    return split_sink(lambda title: _video(places[title], rates[title]))


def _video(path: Path, fps: float | None) -> AbstractContextManager[Sink]:
    from lmk.video.sinks.video import video_sink  # needs PyAV

    return video_sink(path, fps)


def _places(folder: Path, sources: Sequence[Source]) -> dict[str, Path]:
    """Name a place in the folder for each of several."""
    if len(sources) == 1:
        return {}
    stems = file_stems(source.title for source in sources)
    suffixes = {source.title: "" if source.still else VIDEO_SUFFIX for source in sources}
    return {title: folder / f"{stem}{suffixes[title]}" for title, stem in stems.items()}


def _meets(place: Path, source: Path) -> bool:
    """Whether writing to a place would touch a source: the same file, or inside a folder."""
    whole, within = place.resolve(), source.resolve()
    there = os.path.exists(source)  # noqa: PTH110, a Path raises for a long pipeline
    if whole == within or (place.exists() and there and place.samefile(source)):
        return True
    inside = there and source.is_dir() and whole.is_relative_to(within)
    return inside and place.suffix.lower() not in TABLES
