from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from lmk.data.similarity import SimilarityRange, random_similarity, warp
from lmk.geometry import apply_affine, compose_affine, invert_affine

INPUT_SIZE = 128

RANGES = SimilarityRange(degrees=40, zoom=0.5, shift=0.2)


def draw(seed: int = 0, flip: torch.Tensor | None = None, count: int = 64) -> torch.Tensor:
    return random_similarity(
        count, RANGES, 160, INPUT_SIZE, torch.Generator().manual_seed(seed), flip
    )


def test_drawn_transforms_stay_in_their_ranges_and_use_them() -> None:
    matrix = draw(count=2000)
    scale = torch.linalg.det(matrix[..., :2]).sqrt() / (160 / INPUT_SIZE)
    angle = torch.rad2deg(torch.atan2(matrix[:, 1, 0], matrix[:, 0, 0]))
    center = torch.full((2000, 1, 2), (INPUT_SIZE - 1) / 2)
    shift = (apply_affine(matrix, center)[:, 0] - 159 / 2) / 160
    for values, low, high in (
        (scale, 1 / 1.5, 1.5),
        (angle, -40, 40),
        (shift[:, 0], -0.2, 0.2),
        (shift[:, 1], -0.2, 0.2),
    ):
        margin = 0.02 * (high - low)
        assert low - 1e-3 <= values.min() < low + margin
        assert high - margin < values.max() <= high + 1e-3


def test_flip_mirrors_left_and_right() -> None:
    flip = torch.tensor([True, False])
    plain, mirrored = draw(1, None, 2), draw(1, flip, 2)
    points = torch.tensor([[[10.0, 20.0], [90.0, 70.0]]]).expand(2, 2, 2)
    reflected = points * torch.tensor([-1.0, 1.0]) + torch.tensor([INPUT_SIZE - 1.0, 0.0])
    expected = apply_affine(plain, reflected)
    torch.testing.assert_close(apply_affine(mirrored, points)[0], expected[0], atol=1e-3, rtol=0)
    torch.testing.assert_close(mirrored[1], plain[1])


def test_invert_and_compose_undo_and_chain() -> None:
    a, b = draw(1, torch.arange(64) % 2 == 0), draw(2)
    points = torch.rand(64, 5, 2) * 128
    there = apply_affine(a, points)
    torch.testing.assert_close(apply_affine(invert_affine(a), there), points, atol=2e-3, rtol=0)
    chained = apply_affine(compose_affine(b, a), points)
    torch.testing.assert_close(chained, apply_affine(b, there), atol=2e-3, rtol=0)


def slow_bilinear(crop: np.ndarray, x: float, y: float) -> np.ndarray:
    """Edges replicated: coordinates are clamped to the pixel centres before interpolation."""
    height, width = crop.shape[1:]
    x, y = min(max(x, 0), width - 1), min(max(y, 0), height - 1)
    left, top = min(math.floor(x), width - 2), min(math.floor(y), height - 2)
    fx, fy = x - left, y - top
    upper = crop[:, top, left] * (1 - fx) + crop[:, top, left + 1] * fx
    lower = crop[:, top + 1, left] * (1 - fx) + crop[:, top + 1, left + 1] * fx
    return upper * (1 - fy) + lower * fy


def test_warp_takes_each_pixel_from_where_its_matrix_points() -> None:
    crops = torch.rand(3, 3, 160, 160, generator=torch.Generator().manual_seed(0))
    matrix = draw(3, torch.tensor([True, False, True]), 3)
    warped = warp(crops, matrix, INPUT_SIZE)
    assert warped.shape == (3, 3, INPUT_SIZE, INPUT_SIZE)
    for b in range(3):
        for x, y in ((0, 0), (127, 3), (64, 100), (5, 127), (31, 77)):
            source = apply_affine(matrix[b], torch.tensor([[float(x), float(y)]]))[0]
            expected = slow_bilinear(crops[b].numpy(), *source.tolist())
            np.testing.assert_allclose(warped[b, :, y, x], expected, atol=2e-3)


def test_normal_angles_have_the_deviation_asked_for_and_a_limit() -> None:
    ranges = SimilarityRange(30, 0.2, 0.1, normal=True)
    matrix = random_similarity(4000, ranges, 160, INPUT_SIZE, torch.Generator().manual_seed(0))
    degrees = torch.rad2deg(torch.atan2(matrix[:, 1, 0], matrix[:, 0, 0])).abs()
    assert degrees.max() == pytest.approx(40, abs=0.01)
    # 68 % of a normal distribution lie within one deviation, 18 % beyond 1.333 of them
    assert (degrees < 30).float().mean() == pytest.approx(0.683, abs=0.03)
    assert (degrees > 39.99).float().mean() == pytest.approx(0.182, abs=0.03)
