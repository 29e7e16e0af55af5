"""Choose the sink for an address, and check that it fits the sources."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from typing import Any

from lmk.system.errors import UsageError, missing_extra
from lmk.system.text import writable
from lmk.video.sinks.base import Sink
from lmk.video.sinks.catalogue import SINKS, SinkKind, addresses
from lmk.video.sinks.split import file_stems, split_sink
from lmk.video.sources.base import Source
from lmk.video.sources.pictures import below_common_folder
from lmk.video.sources.secrecy import without_secrets

SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
FOLDER = "a folder, without suffix"

Address = Path | str
"""A path, or a URL as text: a Path would lose one of its slashes."""


def read_address(text: Address) -> Address:
    """Parse an address as a URL or a path."""
    return text if isinstance(text, str) and SCHEME.match(text) else Path(text)


def shown(address: Address) -> str:
    """An address as messages show it, without passwords."""
    return str(address) if isinstance(address, Path) else without_secrets(address)


def check_output(text: Address, sources: Sequence[Source], texts: Sequence[str]) -> None:
    """Check, before any work, that an address fits the sources.

    Raises UsageError. texts: the sources as given. A table of landmarks, such as .csv, fits all.
    Frames of a video, camera or stream go into an .mp4 file, a picture into a picture, and a folder
    into a folder of pictures. Several sources go into a folder with one file or folder per source.
    An output must not replace a source, nor put pictures into a source's folder.
    """
    address = read_address(text)
    kind = _find(address)
    if isinstance(address, Path):
        _check_apart(address, sources, texts)
    elif kind is None:
        raise UsageError(
            f"unknown output {shown(address)}: expected a name that ends or starts with one of "
            f"{', '.join(addresses())}, or a folder"
        )
    if holds_frames(address):
        _check_frames(address, kind, sources, texts)
    if isinstance(address, Path) and kind and not kind.is_folder and address.is_dir():
        raise UsageError(f"{address} is a folder: name a file")


def open_output(text: Address, sources: Sequence[Source]) -> AbstractContextManager[Sink]:
    """Open the sink for an address that `check_output` accepted. Raises OutputError."""
    address = read_address(text)
    kind = _find(address)
    if kind and kind.holds == "landmarks":
        return _make(kind, address)
    if len(sources) == 1:
        return _open_frames(address, sources[0])
    places, by_title = _places(Path(address), sources), {one.title: one for one in sources}
    return split_sink(lambda title: _open_frames(places[title], by_title[title]))


def holds_frames(address: Address) -> bool:
    """Whether what is written there begins with the first frame: a video, a picture, a folder."""
    kind = _find(address)
    return kind is None or kind.holds != "landmarks"


def _check_apart(path: Path, sources: Sequence[Source], texts: Sequence[str]) -> None:
    """Raise UsageError for a path that would replace a source."""
    places = {} if path.suffix else _places(path, sources)
    for place in (path, *places.values()):
        for text in texts:
            if _meets(place, Path(text)):
                raise UsageError(
                    f"-o {path} would write {place}, which is the source {text}: choose another "
                    "path"
                )
    if not path.suffix and all(source.still for source in sources):
        _check_pictures(path, places, texts)


def _check_pictures(path: Path, places: dict[str, Path], texts: Sequence[str]) -> None:
    """Raise UsageError if a result would replace one of several pictures."""
    files = [Path(text) for text in texts if Path(text).is_file()]
    if not files:
        return
    root, names = below_common_folder(files)
    folder = places.get(writable(str(root)), path)
    read = {file.resolve(): file for file in files}
    for name in names:
        if taken := read.get((folder / name).resolve()):
            raise UsageError(
                f"-o {path} would write over {taken}, which is a source: choose another folder"
            )


def _check_frames(
    address: Address, kind: SinkKind | None, sources: Sequence[Source], texts: Sequence[str]
) -> None:
    """Raise UsageError for an address that does not fit the frames of these sources."""
    still = all(source.still for source in sources)
    if still:
        single = len(sources) == 1 and sources[0].frame_count == 1 and not Path(texts[0]).is_dir()
        expected = f"a picture ({', '.join(addresses('pictures'))})" if single else FOLDER
    else:
        single = len(sources) == 1
        expected = f"a {' or '.join(addresses('video'))} file" if single else FOLDER
    is_folder = isinstance(address, Path) and not address.suffix
    holds = kind.holds if kind else None
    if not (holds == ("pictures" if still else "video") if single else is_folder):
        titles = ", ".join(source.title for source in sources)
        tables = ", ".join(addresses("landmarks"))
        raise UsageError(
            f"{titles} goes into {expected}, or into a table ({tables}), got {shown(address)}"
        )


def _open_frames(address: Address, source: Source) -> AbstractContextManager[Sink]:
    """Open the sink for the frames of one source; a folder if the address has no suffix."""
    if source.still:
        return _make(_find(address) or _first("pictures"), address)
    return _make(_find(address) or _first("video"), address, source.fps)


def _find(address: Address) -> SinkKind | None:
    scheme = SCHEME.match(address) if isinstance(address, str) else None
    mark = scheme[0] if scheme else Path(address).suffix
    return next((kind for kind in SINKS if mark.lower() in kind.takes), None)


def _first(holds: str) -> SinkKind:
    return next(kind for kind in SINKS if kind.holds == holds)


def _make(kind: SinkKind, address: Address, *more: Any) -> AbstractContextManager[Sink]:
    module, _, function = kind.maker.partition(":")
    try:
        maker = getattr(import_module(module), function)
    except ImportError as error:
        if not kind.extra:
            raise
        raise missing_extra(error.name or module, kind.extra) from error
    opened: AbstractContextManager[Sink] = maker(address, *more)
    return opened


def _places(folder: Path, sources: Sequence[Source]) -> dict[str, Path]:
    """Name one path in the folder per source."""
    if len(sources) == 1:
        return {}
    stems = file_stems(source.title for source in sources)
    video = _first("video").takes[0]
    suffixes = {source.title: "" if source.still else video for source in sources}
    return {title: folder / f"{stem}{suffixes[title]}" for title, stem in stems.items()}


def _meets(place: Path, source: Path) -> bool:
    """Whether writing to a path would change a source: the same file, or inside a folder."""
    whole, within = place.resolve(), source.resolve()
    there = os.path.exists(source)  # noqa: PTH110, a Path raises for a long pipeline
    if whole == within or (place.exists() and there and place.samefile(source)):
        return True
    inside = there and source.is_dir() and whole.is_relative_to(within)
    return inside and place.suffix.lower() not in addresses("landmarks")
