"""Text files that end with a complete line at any time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lmk.system.errors import OutputError
from lmk.system.files import check_writable, writing
from lmk.video.result import Result


@contextmanager
def whole_lines(path: Path) -> Iterator[Callable[[str], None]]:
    """Give a function that appends lines; each call writes to the disk at once, all or nothing.

    Replaces an earlier file. Appended lines stay, however the block ends. Raises OutputError.
    """
    check_writable(path.parent)
    if path.is_dir():  # a pipe may be written to
        raise OutputError(f"cannot write {path}: it is a folder. Name a file")
    path.parent.mkdir(parents=True, exist_ok=True)
    with writing(path):
        file = path.open("wb", buffering=0)
    end = 0

    def append(lines: str) -> None:
        nonlocal end
        data = lines.encode()
        try:
            with writing(path):
                written = 0
                while written < len(data):  # one call is all it takes, but for a disk that is full
                    written += file.write(data[written:])
        except OutputError:
            with suppress(OSError):  # a pipe has no end to go back to
                file.truncate(end)
            raise
        end += len(data)

    with file:
        yield append


class LineSink:
    """Appends the lines of text that a function makes of each result."""

    draws = False

    def __init__(self, append: Callable[[str], None], to_lines: Callable[[Result], str]) -> None:
        self._append, self._to_lines = append, to_lines

    def write(self, result: Result) -> None:
        """See `Sink.write`."""
        self._append(self._to_lines(result))
