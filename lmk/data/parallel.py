"""Run many small tasks on all cores, in order and in bounded memory."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, Queue
from typing import NamedTuple, TypeVar

from lmk.system.machine import usable_cores

Item = TypeVar("Item")
Result = TypeVar("Result")

CLOSE_S = 5.0
AHEAD = 32  # results that each core may be ahead of their reader


def map_in_order(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    ahead: int = AHEAD,
    threads: int | None = None,
) -> Iterator[Result]:
    """Apply `work` to items in threads and yield the results in the items' order.

    Unlike `Executor.map` it does not run ahead of a slow reader, but by `ahead` results per thread,
    of which there is one per core unless `threads` says how many. The first exception ends it.
    """
    cores = threads or len(usable_cores())
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(cores) as pool:
        for item in items:
            pending.append(pool.submit(work, item))
            if len(pending) > ahead * cores:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def in_thread(items: Iterable[Item], ahead: int) -> Generator[Item, None, None]:
    """Iterate in a thread of its own, at most `ahead` items ahead of their reader.

    The iteration's exception is raised in its place. Closing the generator ends the thread after
    the item that it works on, or leaves it after 5 seconds.
    """
    waiting: Queue[Item | _End] = Queue(ahead)
    closed = threading.Event()

    def fill() -> None:
        error: BaseException | None = None
        try:
            for item in items:
                waiting.put(item)
                if closed.is_set():
                    return
        except BaseException as raised:
            error = raised
        finally:
            if isinstance(items, Generator):
                items.close()
        waiting.put(_End(error))

    thread = threading.Thread(target=fill, daemon=True, name="reader")
    thread.start()
    try:
        while not isinstance(item := waiting.get(), _End):
            yield item
            del item  # which may be large
        if item.error:
            raise item.error
    finally:
        closed.set()
        end_s = time.monotonic() + CLOSE_S  # it may be stuck in a file
        while thread.is_alive() and time.monotonic() < end_s:  # it may wait for room
            with suppress(Empty):
                waiting.get(timeout=0.05)


class _End(NamedTuple):
    error: BaseException | None
