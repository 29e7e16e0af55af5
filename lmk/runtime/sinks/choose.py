"""Which kind of drawn output fits a source."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from lmk.data.images import STILL_SUFFIXES
from lmk.errors import UsageError
from lmk.runtime.sinks.base import Sink
from lmk.runtime.sinks.pictures import picture_sink
from lmk.runtime.sinks.video import VIDEO_SUFFIX, video_sink
from lmk.runtime.sources.base import Source


def check_output(path: Path, source: Source, source_text: str) -> None:
    """Refuse, before any work, a path that does not fit the source. Raises UsageError."""
    if path.resolve() == Path(source_text).resolve():
        raise UsageError(f"{path} is the source itself: choose another place for the result")
    suffix = path.suffix.lower()
    if not source.still:
        fits, expected = suffix == VIDEO_SUFFIX, f"a {VIDEO_SUFFIX} file"
    elif source.frame_count == 1 and not Path(source_text).is_dir():
        fits, expected = (
            suffix in STILL_SUFFIXES,
            f"a picture ({', '.join(sorted(STILL_SUFFIXES))})",
        )
    else:
        fits, expected = not suffix, "a folder, without suffix"
    if not fits:
        raise UsageError(f"{source_text} gives {expected}, got {path}")
    if suffix and path.is_dir():
        raise UsageError(f"{path} is a folder: name a file")


def drawn_sink(path: Path, source: Source) -> AbstractContextManager[Sink]:
    """Open the sink for a path that `check_output` let through."""
    return picture_sink(path) if source.still else video_sink(path, source)
