from __future__ import annotations

import itertools
import os
import threading
import time

import pytest

from lmk.data.parallel import AHEAD, in_thread, map_in_order


def test_results_keep_the_items_order() -> None:
    def late(item: int) -> int:
        time.sleep(0.002 * (item % 3 == 0))
        return item * item

    assert list(map_in_order(late, range(300))) == [item * item for item in range(300)]


def test_work_waits_for_a_slow_reader() -> None:
    begun: list[int] = []
    results = map_in_order(lambda item: begun.append(item), iter(range(100_000)))
    next(results)
    time.sleep(0.1)
    assert len(begun) <= AHEAD * (os.cpu_count() or 1) + 1
    results.close()


def test_large_results_may_run_ahead_by_fewer() -> None:
    begun: list[int] = []
    results = map_in_order(lambda item: begun.append(item), iter(range(100_000)), ahead=1)
    next(results)
    time.sleep(0.1)
    assert len(begun) <= (os.cpu_count() or 1) + 1
    results.close()


def test_an_exception_reaches_the_reader() -> None:
    results = map_in_order(lambda item: 12 // item, [3, 2, 0, 1])
    assert [next(results), next(results)] == [4, 6]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_a_thread_reads_ahead_of_its_reader_but_not_far() -> None:
    begun: list[int] = []

    def items():
        for number in range(40):
            begun.append(number)
            yield number

    reader = in_thread(items(), 2)
    assert next(reader) == 0
    time.sleep(0.2)
    assert len(begun) == 4  # one was taken, two wait, and one waits for room
    assert [*reader] == [*range(1, 40)]


def test_an_error_of_the_thread_comes_after_what_it_has_read() -> None:
    def items():
        yield 1
        yield 2
        raise ValueError("damaged")

    reader = in_thread(items(), 1)
    assert [next(reader), next(reader)] == [1, 2]
    with pytest.raises(ValueError, match="damaged"):
        next(reader)


def test_a_reader_that_leaves_ends_the_thread_and_what_it_reads() -> None:
    closed, before = threading.Event(), threading.active_count()

    def items():
        try:
            yield from itertools.count()
        finally:
            closed.set()

    reader = in_thread(items(), 1)
    assert next(reader) == 0
    reader.close()
    assert closed.is_set()
    assert threading.active_count() == before


def test_more_threads_than_cores_wait_together() -> None:
    together = threading.Barrier(11, timeout=20)
    assert len([*map_in_order(lambda _: together.wait(), range(11), threads=11)]) == 11
