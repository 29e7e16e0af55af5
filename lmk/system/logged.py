"""Messages as records of Python's logging, for use from Python."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from lmk.system.progress import Bar, Reporter
from lmk.system.text import printable

_LOGGER = logging.getLogger("lmk")


class LogReporter(Reporter):
    """Writes messages to the logger `lmk`, which by default shows warnings."""

    def say(self, message: str) -> None:
        """Log one line as information."""
        _LOGGER.info(printable(message))

    def warn(self, message: str) -> None:
        """Log one line as a warning."""
        _LOGGER.warning(printable(message))

    @contextmanager
    def bar(self, title: str, total: int, done: int = 0) -> Iterator[Bar]:  # noqa: ARG002
        """Show nothing: programs show their own progress."""
        yield _NoBar()


class _NoBar:
    def advance(self, count: int = 1, note: str = "") -> None:
        pass
