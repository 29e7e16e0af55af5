"""Objects of other libraries that serve one thread at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

One = TypeVar("One")


class Pool(Generic[One]):
    """As many objects as threads need at the same time; they are kept for later calls.

    The first is made at once, so that what `make` raises is raised where the pool is made.
    """

    def __init__(self, make: Callable[[], One]) -> None:
        self._make = make
        self._idle = deque([make()])  # its append and pop are atomic

    @contextmanager
    def take(self) -> Iterator[One]:
        """An object that no other thread has within the block."""
        try:
            one = self._idle.pop()  # the last that was used, whose memory is warm
        except IndexError:
            one = self._make()
        yield one
        self._idle.append(one)  # not after an error, which may leave it unusable
