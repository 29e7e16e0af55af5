"""Time of a run: milliseconds per stage, age of frames, dropped frames.

With several sources and models, the stages region, crop, model and follow are measured per model,
with one frame of each source; the others per frame. In a frame in which an object is lost, crop and
model count twice, and the search for it belongs to follow.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

WINDOW = 1000  # values kept of each stage: enough for a p99, and no memory that grows for weeks


@dataclass(frozen=True)
class Spread:
    """Percentiles of a stage's last values, in milliseconds."""

    p50_ms: float
    p95_ms: float
    p99_ms: float


class Stages:
    """Times of the stages of a run, written by its threads and read by any other.

    `frames` counts the processed frames, `dropped` the others, by cause.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last_ms = defaultdict[str, deque[float]](lambda: deque(maxlen=WINDOW))
        self._ends = deque[float](maxlen=100)
        self.frames = 0
        self._dropped = Counter[str]()

    @contextmanager
    def time(self, stage: str) -> Iterator[None]:
        """Add the time of the block to a stage."""
        start = time.perf_counter()
        yield
        self.add(stage, 1000 * (time.perf_counter() - start))

    def add(self, stage: str, value_ms: float) -> None:
        """Add one value to a stage."""
        with self._lock:
            self._last_ms[stage].append(value_ms)

    def drop(self, cause: str, count: int = 1) -> None:
        """Count frames that were not processed."""
        with self._lock:
            self._dropped[cause] += count

    def done(self) -> None:
        """Count a processed frame."""
        with self._lock:
            self.frames += 1
            self._ends.append(time.monotonic())

    @property
    def dropped(self) -> Counter[str]:
        """Frames that were not processed so far, by cause."""
        with self._lock:
            return self._dropped.copy()

    @property
    def fps(self) -> float:
        """Frames per second over the last hundred frames."""
        with self._lock:
            if len(self._ends) < 2:
                return 0.0
            return (len(self._ends) - 1) / max(self._ends[-1] - self._ends[0], 1e-9)

    def spread(self) -> dict[str, Spread]:
        """Return the percentiles of every stage, in the order of their first values."""
        with self._lock:
            last = {stage: np.array(values) for stage, values in self._last_ms.items()}
        return {
            stage: Spread(*(float(p) for p in np.percentile(values, (50, 95, 99))))
            for stage, values in last.items()
        }
