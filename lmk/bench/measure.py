"""Repeat calls, and summarise their times."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

WARM_UP_CALLS = 10
LEAST_CALLS = 5

Result = TypeVar("Result")


@dataclass(frozen=True)
class Distribution:
    """Least, percentiles (interpolated linearly), mean and standard deviation of times, in ms."""

    min: float
    p50: float
    p90: float
    p95: float
    p99: float
    mean: float
    std: float
    count: int


@dataclass(frozen=True)
class WarmUp:
    """The calls before the measured ones: number, duration, the slowest and the last, in ms."""

    calls: int
    seconds: float
    slowest_ms: float
    last_ms: float


def distribution(times_ms: Sequence[float]) -> Distribution:
    """Summarise times in milliseconds; the standard deviation is that of these times alone."""
    p50, p90, p95, p99 = np.percentile(times_ms, (50, 90, 95, 99)).tolist()
    mean, std = float(np.mean(times_ms)), float(np.std(times_ms))
    return Distribution(min(times_ms), p50, p90, p95, p99, mean, std, len(times_ms))


def drift_percent(times_ms: Sequence[float]) -> float:
    """How much slower the last third of a run is than the first, by their medians, in percent."""
    third = max(len(times_ms) // 3, 1)
    first, last = np.median(times_ms[:third]), np.median(times_ms[-third:])
    return float(100 * (last / first - 1))


def warm_up(call: Callable[[], object], seconds: float) -> WarmUp:
    """Call until `seconds` have passed, at least ten times."""
    times: list[float] = []
    began = time.perf_counter()
    while len(times) < WARM_UP_CALLS or time.perf_counter() - began < seconds:
        start = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - start))
    return WarmUp(len(times), time.perf_counter() - began, max(times), times[-1])


def repeat(call: Callable[[], Result], seconds: float, least: int = LEAST_CALLS) -> list[Result]:
    """Results of as many calls as fit into `seconds`, at least `least`."""
    results: list[Result] = []
    began = time.perf_counter()
    while len(results) < least or time.perf_counter() - began < seconds:
        results.append(call())
    return results


def calls_per_second(call: Callable[[], object], seconds: float) -> float:
    """Rate of a call, of at least one after one that is not measured."""
    call()
    began = time.perf_counter()
    count = len(repeat(call, seconds, least=1))
    return count / (time.perf_counter() - began)
