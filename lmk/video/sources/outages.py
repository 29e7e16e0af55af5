"""Messages when a live source is lost and when it is back."""

from __future__ import annotations

import time

from lmk.system.progress import Reporter


class Outages:
    """Reports each loss once, and each return once with the duration."""

    def __init__(self, title: str, report: Reporter | None) -> None:
        self._title, self._report = title, report
        self._count, self._since_s = 0, 0.0

    def begin(self, what_now: str) -> None:
        """Report that no frames arrive, and what is done about it."""
        self._count, self._since_s = self._count + 1, time.monotonic()
        if self._report:
            self._report.warn(f"{self._title} delivers no more frames: {what_now}")

    def end(self) -> None:
        """Report that frames arrive again."""
        away_s = time.monotonic() - self._since_s
        if self._report:
            times = "once" if self._count == 1 else f"{self._count} times"
            self._report.say(f"{self._title} is back after {away_s:.1f} s (lost {times} so far)")
