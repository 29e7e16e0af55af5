"""Messages and progress of long work: a live bar on a terminal, plain lines elsewhere.

rich is imported with the first message, so that silent work does not need it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from lmk.system.text import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

PLAIN_INTERVAL_S = 10.0


class Bar(Protocol):
    """The progress of one task."""

    def advance(self, count: int = 1, note: str = "") -> None:
        """Report `count` more finished units, with a short note such as the current loss."""


class Reporter:
    """Writes messages and progress to one console."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console

    @cached_property
    def console(self) -> Console:
        """The given console, or one on stderr."""
        from rich.console import Console

        return self._console or Console(stderr=True, highlight=False)

    def say(self, message: str) -> None:
        """Print one line."""
        self.console.print(printable(message), soft_wrap=True, markup=False)

    def warn(self, message: str) -> None:
        """Print one warning."""
        shown = printable(f"warning: {message}")
        self.console.print(shown, style="yellow", soft_wrap=True, markup=False)

    @contextmanager
    def bar(self, title: str, total: int, done: int = 0) -> Iterator[Bar]:
        """Show the progress of `total` units, of which `done` are already finished."""
        if not self.console.is_terminal:
            yield _PlainBar(self, title, total, done)
            return
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[rate]}  {task.fields[note]}"),
        )
        with Progress(*columns, console=self.console) as progress:
            yield _RichBar(progress, title, total, done)


class _RichBar:
    def __init__(self, progress: Progress, title: str, total: int, done: int) -> None:
        self._progress = progress
        self._task = progress.add_task(_shown(title), total=total, completed=done, rate="", note="")
        self._start, self._done = time.monotonic(), 0

    def advance(self, count: int = 1, note: str = "") -> None:
        self._done += count
        rate = self._done / max(time.monotonic() - self._start, 1e-9)
        self._progress.update(self._task, advance=count, rate=f"{rate:.1f}/s")
        if note:
            self._progress.update(self._task, note=_shown(note))


class _PlainBar:
    def __init__(self, report: Reporter, title: str, total: int, done: int) -> None:
        self._report, self._title = report, title
        self._total, self._before, self._done = total, done, 0
        self._start = self._last = time.monotonic()
        self._note = ""

    def advance(self, count: int = 1, note: str = "") -> None:
        self._done += count
        self._note = note or self._note  # most steps have none
        now, completed = time.monotonic(), self._before + self._done
        finished = completed - count < self._total <= completed  # a total may be a guess
        if now - self._last < PLAIN_INTERVAL_S and not finished:
            return
        self._last = now
        rate = self._done / max(now - self._start, 1e-9)
        left = max(self._total - completed, 0) / rate
        self._report.say(
            f"{self._title}: {completed}/{self._total}  {rate:.1f}/s  left {_clock(left)}  "
            f"{self._note}"
        )


def _shown(text: str) -> str:
    """Text that rich's columns show as it is, without taking [WORDS] for styles."""
    from rich.markup import escape

    return escape(printable(text))


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"
