"""A sink for URLs, as one file, which tests put into the table of sinks by one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lmk.video.result import Result

SENT: dict[str, list[Result]] = {}


class _Queue:
    draws = False

    def __init__(self, address: str) -> None:
        self._results = SENT[address] = []

    def write(self, result: Result) -> None:
        self._results.append(result)


@contextmanager
def queue_sink(address: str) -> Iterator[_Queue]:
    yield _Queue(address)
