"""A search whose boxes are looked into over several frames."""

from __future__ import annotations

import math
import time

import numpy as np

from lmk.arrays import FloatArray, Indices
from lmk.inference.rounds import Located, Search
from lmk.system.errors import UsageError

LATEST = 0.3  # weight of the last measurement of a box's time
FIRST_COUNT = 4  # boxes before any was measured


class Budget:
    """How many boxes a search may look into in one frame.

    limit_ms: the time that they may take. Raises UsageError unless it is a time.
    """

    def __init__(self, limit_ms: float) -> None:
        if not 0 < limit_ms < math.inf:
            raise UsageError(f"--find-ms {limit_ms:g}: expected milliseconds, more than 0")
        self._limit_ms, self._box_ms = limit_ms, math.nan

    @property
    def count(self) -> int:
        """The boxes that fit into the time, at least one."""
        return (
            FIRST_COUNT if math.isnan(self._box_ms) else max(int(self._limit_ms / self._box_ms), 1)
        )

    def timed(self, boxes: FloatArray) -> Search[Located]:
        """Ask for the landmarks in boxes (N, 5), and measure the time of one."""
        began = time.perf_counter()
        answer = yield boxes
        if len(boxes):
            box_ms = 1000 * (time.perf_counter() - began) / len(boxes)
            known = box_ms if math.isnan(self._box_ms) else self._box_ms
            self._box_ms = known + LATEST * (box_ms - known)
        return answer


class PacedSearch:
    """A search of a frame that goes on in the next ones, with their pictures.

    near: boxes (N, 5) where objects were lost; what is near them is looked into first. found: the
    boxes (N, 5) of the objects, once all was looked into.
    """

    def __init__(self, search: Search[FloatArray], near: FloatArray) -> None:
        self._search, self._near = search, near
        self.found: FloatArray | None = None
        self._order: Indices = np.empty(0, np.intp)
        self._left: FloatArray = np.empty((0, 5), np.float32)
        self._answers: list[Located] = []
        self._go_on(None)

    def boxes(self, count: int) -> FloatArray:
        """The next boxes to look into, at most `count`."""
        return self._left[:count]

    def answer(self, found: Located) -> None:
        """Give what is in these boxes."""
        self._answers.append(found)
        self._left = self._left[len(found.xy) :]
        if not len(self._left) and self.found is None:
            back = np.argsort(self._order)  # to the order in which the search asked
            parts = zip(*self._answers, strict=True)
            self._go_on(Located(*(np.concatenate(part)[back] for part in parts)))

    def _go_on(self, answer: Located | None) -> None:
        try:
            boxes = self._search.send(answer) if answer else next(self._search)
        except StopIteration as end:
            self.found = end.value
            return
        self._order = self._by_nearness(boxes)
        self._left, self._answers = boxes[self._order], []

    def _by_nearness(self, boxes: FloatArray) -> Indices:
        if not len(self._near):
            return np.arange(len(boxes))
        centres, near = (each[:, :2] + each[:, 2:4] / 2 for each in (boxes, self._near))
        away = np.linalg.norm(centres[:, None] - near, axis=2) / self._near[:, 2]
        scale = np.abs(np.log(boxes[:, None, 2] / self._near[:, 2]))
        return np.argsort((away + scale).min(1), kind="stable")
