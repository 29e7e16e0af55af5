"""Measure candidates alternately, each in its own process.

Alternately, so that changes of the machine affect all equally; in processes, so that the waiting
threads of one do not use the cores of the next.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from itertools import cycle
from multiprocessing import get_context
from typing import Any

from lmk.arrays import Images
from lmk.bench.measure import distribution, repeat
from lmk.exporting.samples import drawn_samples

Call = Callable[[Images], object]
Inputs = Callable[[], Iterable[Images]]
Contender = tuple[Callable[..., Call], tuple[Any, ...]]
"""A function that makes the call to time, in the candidate's process, and its arguments."""

ROUNDS = 5
WARM_UP_CALLS = 5
CROPS = 8
INPUT_SIZE = 128  # of the shipped models

# What a contender's process keeps between its turns.
_call: Call
_inputs: Iterator[Images]


def drawn_crops() -> Images:
    """Batches of one drawn crop."""
    return drawn_samples(INPUT_SIZE, CROPS).crops[:, None]


def in_turns(
    contenders: dict[str, Contender], seconds: float, inputs: Inputs = drawn_crops
) -> dict[str, dict[str, Any]]:
    """Times of one input in each candidate, measured for `seconds` each, in five rounds.

    inputs: makes the inputs, which are used repeatedly, in each candidate's process.
    Returns a `Distribution` as a dictionary, or {"why_not": reason} if one does not work.
    """
    rows: dict[str, dict[str, Any]] = {}
    times: dict[str, list[float]] = {}
    with ExitStack() as stack:
        pools: dict[str, ProcessPoolExecutor] = {}
        for name, (make, arguments) in contenders.items():
            pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
            stack.enter_context(pool)
            try:
                pool.submit(_prepare, make, arguments, inputs).result()
            except Exception as error:  # whatever a compiler or runtime raises is the finding
                rows[name] = {"why_not": (str(error).strip() or repr(error)).splitlines()[0]}
                continue
            pools[name], times[name] = pool, []
        for _ in range(ROUNDS):
            for name, pool in pools.items():
                times[name] += pool.submit(_block, seconds / ROUNDS).result()
    rows |= {name: asdict(distribution(values)) for name, values in times.items()}
    return {name: rows[name] for name in contenders}


def _prepare(make: Callable[..., Call], arguments: tuple[Any, ...], inputs: Inputs) -> None:
    global _call, _inputs
    _call, _inputs = make(*arguments), cycle(inputs())
    _block(0)


def _block(seconds: float) -> list[float]:
    """Milliseconds of each input of one round; the first ones are not measured."""

    def timed() -> float:
        given = next(_inputs)
        start = time.perf_counter()
        _call(given)
        return 1000 * (time.perf_counter() - start)

    repeat(timed, 0, WARM_UP_CALLS)
    return repeat(timed, seconds)


def relative(measured: dict[str, dict[str, Any]], first: str, key: str) -> list[dict[str, Any]]:
    """A row per candidate, whose `key` is its median relative to that of the first."""
    base = measured[first].get("p50")
    return [
        {"way": name, key: figures["p50"] / base if base and "p50" in figures else None} | figures
        for name, figures in measured.items()
    ]
