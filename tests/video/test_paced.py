from __future__ import annotations

import math
import time

import numpy as np
import pytest
from located import located

from lmk.inference.boxes import upright
from lmk.inference.rounds import Located
from lmk.system.errors import UsageError
from lmk.video.paced import FIRST_COUNT, Budget, PacedSearch

BOXES = upright(np.float32([[0, 0, 40, 40], [200, 0, 40, 40], [90, 90, 20, 20], [100, 5, 30, 30]]))
NOWHERE = np.empty((0, 5), np.float32)


def landmarks(boxes: np.ndarray) -> Located:
    """One landmark in the corner of each box, whose score is the box's width."""
    return located(boxes[:, None, :2], boxes[:, None, 2])


def asks_twice():
    """Asks for all boxes, then for those that are narrower than 40 px; returns what it was told."""
    xy, scores, _ = yield BOXES
    assert (xy == landmarks(BOXES)[0]).all()
    narrow = BOXES[scores[:, 0] < 40]
    xy, scores, _ = yield narrow
    return np.c_[xy[:, 0], scores, scores, 0 * scores]


@pytest.mark.parametrize("near", [NOWHERE, BOXES[3:]])
@pytest.mark.parametrize("count", [1, 3, 100])
def test_a_search_over_several_frames_finds_what_it_finds_in_one(
    near: np.ndarray, count: int
) -> None:
    search, frames = PacedSearch(asks_twice(), near), 0
    while search.found is None:
        boxes = search.boxes(count)
        assert 0 < len(boxes) <= count
        search.answer(landmarks(boxes))
        frames += 1
    np.testing.assert_array_equal(search.found[:, :4], [[90, 90, 20, 20], [100, 5, 30, 30]])
    assert frames == {1: 4 + 2, 3: 2 + 1, 100: 2}[count]
    assert len(search.boxes(count)) == 0


def test_what_is_near_a_loss_and_of_its_size_comes_first() -> None:
    lost = upright(np.float32([[95, 0, 32, 32]]))
    first = PacedSearch(asks_twice(), lost).boxes(4)
    assert first[0].tolist() == BOXES[3].tolist()
    assert first[-1].tolist() == BOXES[1].tolist()


def test_a_finder_that_asks_for_nothing_is_done_at_once() -> None:
    def finds():
        yield from ()
        return BOXES

    search = PacedSearch(finds(), NOWHERE)
    assert search.found is BOXES


def test_the_budget_follows_the_time_of_a_box() -> None:
    budget = Budget(22.0)
    assert budget.count == FIRST_COUNT
    for _ in range(12):
        asked = budget.timed(BOXES)
        next(asked)
        time.sleep(0.02)  # 5 ms a box
        with pytest.raises(StopIteration):
            asked.send(landmarks(BOXES))
    assert 1 <= budget.count <= 4


@pytest.mark.parametrize("limit_ms", [0.0, -1.0, math.inf, math.nan])
def test_a_budget_is_a_time(limit_ms: float) -> None:
    with pytest.raises(UsageError, match="--find-ms"):
        Budget(limit_ms)
