"""Run many small tasks on all cores, in order and in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from lmk.system.machine import usable_cores

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 32  # results that each core may be ahead of their reader


def map_in_order(
    work: Callable[[Item], Result], items: Iterable[Item], ahead: int = AHEAD
) -> Iterator[Result]:
    """Apply `work` to items in threads and yield the results in the items' order.

    Unlike `Executor.map` it does not run ahead of a slow reader, but by `ahead` results per core.
    The first exception ends it.
    """
    cores = len(usable_cores())
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(cores) as pool:
        for item in items:
            pending.append(pool.submit(work, item))
            if len(pending) > ahead * cores:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
