from __future__ import annotations

import numpy as np
import pytest

from lmk.naming.neighbours import neighbour_shares

SHAPE = np.array([[-30.0, 0], [30, 0], [0, 40], [0, -40]])


def rows(count: int) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 3, (count, 4, 2))


@pytest.mark.parametrize("landmark", range(4))
def test_a_point_at_a_landmark_moves_with_it(landmark: int) -> None:
    x = rows(5)
    (shares,) = neighbour_shares(SHAPE, x, SHAPE[landmark] + x[:, landmark][:, None])
    assert shares[landmark] == pytest.approx(1, abs=0.05)
    assert np.abs(np.delete(shares, landmark)).max() < 0.02


def test_a_point_between_two_landmarks_moves_with_both_alike() -> None:
    x = rows(4)
    point = (SHAPE[0] + SHAPE[2] + x[:, 0] + x[:, 2]) / 2
    (shares,) = neighbour_shares(SHAPE, x, point[:, None])
    assert shares[0] == pytest.approx(shares[2], rel=0.15)
    assert shares[0] > 0.25
    assert shares[1] < 0.5 * shares[0]


def test_a_point_far_away_follows_nothing_and_one_that_is_missing_is_no_place() -> None:
    x = rows(3)
    points = np.tile(SHAPE[:2], (3, 1, 1)) + x[:, :2]
    points[:, 1] += (400, 0)
    points[0, 0] = np.nan
    shares = neighbour_shares(SHAPE, x, points)
    assert shares[0, 0] == pytest.approx(1, abs=0.05)
    assert np.abs(shares[1]).max() < 0.01
