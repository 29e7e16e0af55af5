"""The interface of the sinks."""

from __future__ import annotations

from typing import Protocol

from lmk.video.result import Result

REMEDY = "Free space or choose another place"


class Sink(Protocol):
    """Receives results in order. draws: whether it needs the frame with its landmarks."""

    draws: bool

    def write(self, result: Result) -> None:
        """Write one result. Raises OutputError."""
