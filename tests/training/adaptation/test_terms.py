from __future__ import annotations

import math

import pytest
import torch

from lmk.training.adaptation.terms import equivariance, separation


def test_separation_by_hand() -> None:
    """Two images of three points: distances 3, 4, 5, and all far apart."""
    near = torch.tensor([[[0.0, 0.0], [3.0, 0.0], [0.0, 4.0]]])
    e3, e4, e5 = (math.exp(-d * d / (2 * 2.5**2)) for d in (3, 4, 5))
    expected = 2 * (e3 + e4 + e5) / 3
    assert separation(near, scale=2.5).item() == pytest.approx(expected, rel=1e-5)
    far = 100 * near
    both = torch.cat([near, far])
    assert separation(both, scale=2.5).item() == pytest.approx(expected / 2, rel=1e-5)


def test_separation_of_coincident_points_counts_the_others() -> None:
    assert separation(torch.full((2, 7, 2), 3.0), scale=3.0).item() == pytest.approx(6)


def test_equivariance_is_smooth_l1_summed_over_x_and_y() -> None:
    xy = torch.tensor([[[1.0, 1.0], [5.0, 5.0]], [[2.0, 2.0], [30.0, 3.0]]])
    expected_xy = torch.tensor([[[1.5, 1.0], [5.0, 8.0]], [[2.0, 2.0], [31.6, 3.0]]])
    # 0.5 * 0.5^2, then 3 - 0.5, then 0; the last is expected at 31.6, outside a frame of 32: 0 too
    assert equivariance(xy, expected_xy, 32).item() == pytest.approx((0.125 + 2.5 + 0) / 4)


def test_equivariance_without_any_point_inside_is_zero() -> None:
    outside = torch.full((2, 3, 2), -5.0)
    assert equivariance(torch.zeros(2, 3, 2), outside, 32).item() == 0
