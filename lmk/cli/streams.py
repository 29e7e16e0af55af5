"""Standard streams that may be closed, full, or without a reader."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO


def prepare_streams() -> None:
    """Make the standard streams of this process safe to write to.

    A file that is opened later never gets the number of a closed stream, into which libraries
    write. Messages on stderr that nobody can read do not end the work.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it gets the lowest free number
    ours = sys.__stderr__
    if ours is not None and sys.stderr is ours:  # not closed, and not what a test captures
        sys.stderr = _Messages(
            ours.buffer, encoding=ours.encoding, errors="backslashreplace", line_buffering=True
        )


def release_output() -> None:
    """Point a broken standard output nowhere: Python would fail once more as it flushes it."""
    try:
        if sys.stdout is not None:  # None: closed by the caller
            sys.stdout.flush()
    except OSError:
        _point_nowhere(sys.stdout)


class _Messages(io.TextIOWrapper):
    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError:  # a full disk, a closed terminal, a reader that ended
            _point_nowhere(self)
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError:
            _point_nowhere(self)


def _point_nowhere(stream: TextIO) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
