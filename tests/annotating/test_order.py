from __future__ import annotations

import numpy as np

from lmk.annotating.order import next_picture, shapes
from lmk.geometry import apply_affine, turn_about

MEAN = np.float32([[30, 40], [90, 45], [60, 100]])


def test_shapes_know_no_pose() -> None:
    turns = turn_about(
        np.array([60.0, 60]),
        np.array([[70.0, 50], [60, 60]]),
        np.array([0.5, -1]),
        np.array([2, 0.4]),
    )
    moved = apply_affine(turns, np.tile(MEAN, (2, 1, 1)))
    np.testing.assert_allclose(shapes(moved, MEAN), 0, atol=1e-3)
    wide = MEAN * (1.4, 1)
    assert np.abs(shapes(wide[None], MEAN)).max() > 3


def test_the_usual_picture_is_first_and_then_those_unlike_the_annotated_ones() -> None:
    described = np.float32([[0, 0], [1, 0], [10, 0], [0, 8], [0.8, 0.1], [60, 60]])
    scores = np.float32([0.9, 0.9, 0.9, 0.9, 0.9, 0.1])  # the last one is no object
    everything = set(range(6))
    order: list[int] = []
    while (number := next_picture(described, scores, order, everything - set(order))) is not None:
        order.append(number)
    assert order == [4, 2, 3, 0, 1, 5]


def test_pictures_that_are_not_left_are_not_asked_for() -> None:
    described = np.float32([[0, 0], [9, 0], [5, 0]])
    assert next_picture(described, np.ones(3), [0], {2}) == 2
    assert next_picture(described, np.ones(3), [0, 1, 2], set()) is None
