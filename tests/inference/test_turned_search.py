from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from test_landmark_search import FRAMING, Dots, scene

from lmk.inference.backends.base import Inferred
from lmk.inference.boxes import apart
from lmk.inference.regions.landmarks import MOST_AT_ONCE, Finding, LandmarkSearch, grid
from lmk.inference.rounds import in_rounds
from lmk.system.errors import UsageError


class TurnedDots(Dots):
    """Finds the dots only where they are nearly upright, as a network does."""

    def infer(self, images: np.ndarray) -> Inferred:
        xy, score, points = super().infer(images)
        x, y = (xy[:, 1] - xy[:, 0]).T  # red to green is 4 degrees up in training
        tilted = np.abs(np.rad2deg(np.arctan2(y, x)) + 4) > 35
        score[tilted] *= 0.5
        return Inferred(xy, score, points)


def found(image: np.ndarray, *angles: float) -> np.ndarray:
    search = LandmarkSearch(Finding(angles=angles)).search(image, FRAMING)
    return in_rounds(TurnedDots(), [(image, search)])[0]


def test_turned_objects_are_found_where_they_are_asked_for() -> None:
    image = np.ascontiguousarray(np.rot90(scene((180, 90, 140)), -1))  # clockwise, 480 high
    assert len(found(image, 0.0)) == 0
    (box,) = found(image, -80.0, 0.0, 80.0)
    # Clockwise, x, y of an upright frame of height 360 become 360 - y, x.
    np.testing.assert_allclose(box, [360 - 90 - 140, 180, 140, 140, 90], atol=7)


def test_every_place_is_looked_at_in_every_angle() -> None:
    upright, all_angles = grid(640, 480), grid(640, 480, Finding(angles=(-60.0, 0.0, 60.0)))
    assert len(all_angles) == 3 * len(upright)
    for angle in (-60, 0, 60):
        rows = all_angles[all_angles[:, 4] == angle, :4]
        np.testing.assert_array_equal(np.unique(rows, axis=0), np.unique(upright[:, :4], axis=0))


def test_smaller_objects_need_more_boxes_asked_for_in_parts() -> None:
    small = Finding(min_size=0.07)
    boxes = grid(640, 480, small)
    assert boxes[:, 2].min() == pytest.approx(0.95 * 480 / 8)
    assert len(boxes) > 3 * len(grid(640, 480))
    search = LandmarkSearch(small).search(np.zeros((480, 640, 3), np.uint8), FRAMING)
    assert len(next(search)) == MOST_AT_ONCE


@pytest.mark.parametrize("size_hw", [(1, 1), (7, 400)])
def test_a_frame_smaller_than_the_smallest_object_has_none(size_hw: tuple[int, int]) -> None:
    image = np.zeros((*size_hw, 3), np.uint8)
    search = LandmarkSearch().search(image, FRAMING)
    assert in_rounds(Dots(), [(image, search)])[0].shape == (0, 5)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"min_size": 0.01}, "from 0.05 to 1"),
        ({"min_size": float("nan")}, "from 0.05 to 1"),
        ({"threshold": 0.0}, "between 0 and 1"),
        ({"angles": ()}, "degrees from -180 to 180"),
        ({"angles": (0.0, float("nan"))}, "degrees from -180 to 180"),
        ({"angles": 30.0}, "degrees from -180 to 180"),
        ({"angles": ("0",)}, "degrees from -180 to 180"),
        ({"min_size": "0.2"}, "from 0.05 to 1"),
        ({"threshold": None}, "between 0 and 1"),
    ],
)
def test_a_search_refuses_what_it_cannot_look_for(options: dict, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Finding(**options)


def test_angles_may_be_a_list() -> None:
    assert Finding(angles=[0.0]) == Finding()


def test_a_wide_frame_is_searched_in_little_memory() -> None:
    """7,000 boxes: all their overlaps together would be 400 MB."""
    tracemalloc.start()
    boxes = grid(30_000, 40)
    kept = apart(boxes, np.arange(len(boxes)), 0.3, 16)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(boxes) > 2000
    assert len(kept) == 16
    assert peak < 20e6
