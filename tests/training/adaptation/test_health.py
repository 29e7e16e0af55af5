from __future__ import annotations

import numpy as np
import pytest

from lmk.training.adaptation.health import core_warning, figures, warnings

BY = (6, 8)  # moves every point by 10 px


def landmarks() -> np.ndarray:
    """Two pictures of three landmarks; the nearest others lie at 30, 30, 40 px."""
    xy = np.array([[[30, 40], [60, 40], [30, 80]]], np.float32)
    return np.concatenate([xy, xy + 5])


def moved(xy: np.ndarray, by: tuple[float, float]) -> np.ndarray:
    return xy + np.array(by, np.float32)


def test_landmarks_that_follow_are_well() -> None:
    found = figures(landmarks(), moved(landmarks(), BY), moved(landmarks(), BY), 128)
    assert found["stillness"] == pytest.approx(0, abs=1e-5)
    assert found["nearest_px"] == pytest.approx((30 + 30 + 40) / 3)
    assert found["border_share"] == 0
    assert warnings(found, 128) == {}


def test_landmarks_that_stay_are_named_with_the_figure() -> None:
    found = figures(landmarks(), moved(landmarks(), (0, 2)), moved(landmarks(), BY), 128)
    # 10 px expected, missed by the vector (6, 6)
    assert found["stillness"] == pytest.approx(np.hypot(6, 6) / 10)
    assert list(warnings(found, 128)) == ["stillness"]
    assert "85 % of a transform is not followed" in warnings(found, 128)["stillness"]


def test_landmarks_on_one_another_are_named_with_the_distance() -> None:
    xy = landmarks() * 0.05 + 50
    found = figures(xy, moved(xy, BY), moved(xy, BY), 128)
    assert "1.7 px of 128" in warnings(found, 128)["nearest_px"]


def test_a_landmark_at_the_border_is_named_with_its_share() -> None:
    xy = landmarks()
    xy[:, 1] = [[125, 60], [60, 3]]
    xy[0, 2] = [2, 60]
    found = figures(xy, moved(xy, BY), moved(xy, BY), 128)
    assert found["border_share"] == 1
    assert "100 % of the pictures" in warnings(found, 128)["border_share"]


def test_one_landmark_has_no_neighbour() -> None:
    xy = landmarks()[:, :1]
    assert "nearest_px" not in figures(xy, xy, moved(xy, BY), 128)
    assert set(warnings(figures(xy, moved(xy, BY), moved(xy, BY), 128), 128)) == set()


def test_weak_and_untrained_cores_are_named() -> None:
    assert core_warning(False, {"PCKh@0.5": 52.9}) is None
    assert core_warning(False, {}) is None
    assert "finds 22 % of its own joints" in core_warning(False, {"PCKh@0.5": 22.3})
    assert "never seen a picture" in core_warning(True, {})
