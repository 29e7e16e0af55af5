"""Messages of work that a program starts, for Python's logging."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from lmk.system.progress import Bar, Reporter

_LOGGER = logging.getLogger("lmk")


class LogReporter(Reporter):
    """Writes messages to the logger `lmk`, which shows warnings unless told otherwise."""

    def say(self, message: str) -> None:
        """Log one line as information."""
        _LOGGER.info(message)

    def warn(self, message: str) -> None:
        """Log one line as a warning."""
        _LOGGER.warning(message)

    @contextmanager
    def bar(self, title: str, total: int, done: int = 0) -> Iterator[Bar]:  # noqa: ARG002
        """Show nothing: programs have progress of their own."""
        yield _NoBar()


class _NoBar:
    def advance(self, count: int = 1, note: str = "") -> None:
        pass
