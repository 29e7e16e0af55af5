"""What every place for results offers."""

from __future__ import annotations

from typing import Protocol

from lmk.video.result import Result

REMEDY = "Free space or choose another place"


class Sink(Protocol):
    """Takes results in order; `draws` says that it needs the frame with its landmarks."""

    draws: bool

    def write(self, result: Result) -> None:
        """Take one more result. Raises OutputError."""
