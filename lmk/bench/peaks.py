"""The peak of the machine: a large matrix product in each precision, and a memory copy.

Every installed runtime computes it, and the fastest counts. The products alternate with the models,
because a shared machine has fast and slow minutes, and only the fast ones are its limit.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context

from lmk.bench.process import ProcessError
from lmk.bench.products import COPY_BYTES, copy, products

LEAST = 3
Place = tuple[str, int | None]
"""A device, and a number of threads there, None for the runtime's own."""


@dataclass(frozen=True)
class Peak:
    """Operations per second of the best product, and what computed it; a multiply-add is two."""

    device: str
    precision: str
    threads: int | None
    operations_per_s: float
    computed_by: str


@dataclass(frozen=True)
class Bandwidth:
    """Bytes per second that a copy of memory reads and writes, both counted."""

    device: str
    threads: int | None
    bytes_per_s: float


class Limits:
    """Measures peaks several times, each place in a process that waits between its measurements.

    Use it as a context; the fastest measurement counts.
    """

    def __init__(self, seconds: float) -> None:
        """`seconds` is the time per product and measurement."""
        self._seconds = seconds
        self._pools: dict[Place, ProcessPoolExecutor] = {}
        self._peaks: dict[tuple[Place, str], Peak] = {}
        self._bandwidths: dict[Place, Bandwidth] = {}

    def __enter__(self) -> Limits:
        return self

    def __exit__(self, *_: object) -> None:
        for pool in self._pools.values():
            pool.shutdown()

    @property
    def peaks(self) -> list[Peak]:
        """The best of each place and precision that an installed runtime computes in."""
        return list(self._peaks.values())

    @property
    def bandwidths(self) -> list[Bandwidth]:
        """The best of each place; none of a GPU without torch."""
        return list(self._bandwidths.values())

    def measure(self, device: str, threads: int | None, precision: str) -> None:
        """Measure one precision and the copy again. Raises ProcessError if that fails."""
        place = device, threads
        if place not in self._pools:
            self._pools[place] = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        work = self._pools[place].submit(_turn, device, threads, precision, self._seconds)
        try:
            rates, copied = work.result()
        except BrokenProcessPool as error:
            del self._pools[place]
            raise ProcessError(f"the product in {precision} crashed: {error}") from error
        except Exception as error:  # of whichever runtime; often too little memory
            raise ProcessError(f"the product in {precision} failed: {error}") from error
        for name, rate in rates.items():
            best = self._peaks.get((place, precision))
            if best is None or rate > best.operations_per_s:
                self._peaks[place, precision] = Peak(device, precision, threads, rate, name)
        if copied:
            known = self._bandwidths.get(place, Bandwidth(device, threads, 0))
            fastest = max(known.bytes_per_s, copied)
            self._bandwidths[place] = Bandwidth(device, threads, fastest)

    def peak(self, device: str, threads: int | None, precision: str) -> Peak | None:
        """The peak of a place and precision, None if no installed runtime computes in it."""
        return self._peaks.get(((device, threads), precision))

    def bandwidth(self, device: str, threads: int | None) -> Bandwidth | None:
        """The bandwidth of a place, if known."""
        return self._bandwidths.get((device, threads))


def _turn(
    device: str, threads: int | None, precision: str, seconds: float
) -> tuple[dict[str, float], float | None]:
    """Operations per second per runtime, and bytes per second of the copy."""
    rates: dict[str, float] = {}
    for product in products(device, precision, threads):
        rate = product.operations / _fastest(product.call, seconds)
        rates[product.computed_by] = max(rate, rates.get(product.computed_by, 0.0))
    copied = copy(device, threads)
    return rates, 2 * COPY_BYTES[device] / _fastest(copied, seconds) if copied else None


def _fastest(call: Callable[[], object], seconds: float) -> float:
    """Seconds of the fastest call, after one that is not measured."""
    call()
    times: list[float] = []
    began = time.perf_counter()
    while len(times) < LEAST or time.perf_counter() - began < seconds:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)
