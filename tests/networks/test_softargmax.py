from __future__ import annotations

import numpy as np
import torch

from lmk.networks.softargmax import gaussian_heatmaps, softargmax


def slow_softargmax(heatmap: np.ndarray, beta: float) -> tuple[float, float, float]:
    mass = np.exp(beta * (heatmap - heatmap.max()).astype(np.float64))
    mass /= mass.sum()
    x = y = score = 0.0
    for row in range(heatmap.shape[0]):
        for column in range(heatmap.shape[1]):
            x += mass[row, column] * column
            y += mass[row, column] * row
    for row in range(heatmap.shape[0]):
        for column in range(heatmap.shape[1]):
            if (row - y) ** 2 + (column - x) ** 2 <= 4:
                score += mass[row, column]
    return x, y, score


def test_softargmax_is_the_expected_position() -> None:
    heatmaps = np.random.default_rng(0).normal(size=(2, 3, 9, 14)).astype(np.float32)
    xy, scores = softargmax(torch.from_numpy(heatmaps), beta=3.0)
    for b in range(2):
        for k in range(3):
            x, y, score = slow_softargmax(heatmaps[b, k], 3.0)
            np.testing.assert_allclose(xy[b, k], [x, y], atol=1e-4)
            np.testing.assert_allclose(scores[b, k], score, atol=1e-4)


def test_softargmax_computes_in_float32_from_bfloat16() -> None:
    heatmaps = torch.randn(2, 3, 9, 14).bfloat16()
    xy, scores = softargmax(heatmaps)
    assert xy.dtype == scores.dtype == torch.float32
    expected, _ = softargmax(heatmaps.float())
    torch.testing.assert_close(xy, expected)


def test_gaussian_heatmaps_follow_the_papers_formula() -> None:
    xy = torch.tensor([[[3.25, 1.5], [0.0, 4.0]], [[7.0, 2.0], [5.5, 5.5]]])
    heatmaps = gaussian_heatmaps(xy, (6, 9), sigma=1.7)
    assert heatmaps.shape == (2, 2, 6, 9)
    distance2 = (4 - 3.25) ** 2 + (3 - 1.5) ** 2
    np.testing.assert_allclose(heatmaps[0, 0, 3, 4], np.exp(-distance2 / 1.7**2), rtol=1e-5)


def test_softargmax_recovers_a_point_between_pixels() -> None:
    """The softmax of a log-Gaussian is that Gaussian, whose mean is the point."""
    xy = torch.tensor([[[10.3, 7.8], [20.0, 5.5]]])
    found, scores = softargmax(gaussian_heatmaps(xy, (16, 32), sigma=1.4).log(), beta=1.0)
    torch.testing.assert_close(found, xy, atol=1e-3, rtol=0)
    continuous = 1 - np.exp(-(2**2) / 1.4**2)  # mass of that Gaussian within 2 pixels
    torch.testing.assert_close(scores, torch.full((1, 2), float(continuous)), atol=0.06, rtol=0)
