from __future__ import annotations

import math

import numpy as np
import pytest

from lmk.evaluation.formulas.spread import spread
from lmk.system.errors import DataError


def test_spread_of_hand_made_points() -> None:
    first = [[0, 0], [3, 4], [3, 16]]
    second = [[2, 0], [3, 4], [3, 10]]
    result = spread(np.array([first, second], np.float32))
    nearest = (5 + 5 + 12 + math.sqrt(17) + math.sqrt(17) + 6) / 6
    assert result.nearest_px == pytest.approx(nearest)
    assert result.motion_px == pytest.approx((1 + 0 + 3) / 3)


def test_motion_joins_both_axes() -> None:
    xy = np.array([[[0, 0], [50, 50]], [[6, 8], [50, 50]]], np.float32)
    assert spread(xy).motion_px == pytest.approx((5 + 0) / 2)


def test_collapsed_points_have_no_spread() -> None:
    """All landmarks on one point that moves, then landmarks that never move."""
    moving = np.random.default_rng(0).uniform(30, 90, (6, 1, 2)).repeat(4, axis=1)
    assert spread(moving).nearest_px == 0
    assert spread(moving).motion_px > 10
    fixed = np.random.default_rng(0).uniform(30, 90, (1, 4, 2)).repeat(6, axis=0)
    assert spread(fixed).motion_px == pytest.approx(0, abs=1e-9)
    assert spread(fixed).nearest_px > 1


def test_single_landmark_is_an_error() -> None:
    with pytest.raises(DataError, match="at least 2"):
        spread(np.zeros((3, 1, 2), np.float32))
