from __future__ import annotations

import os
import time

import pytest

from lmk.data.parallel import AHEAD, map_in_order


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
