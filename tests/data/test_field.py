from __future__ import annotations

import pytest
import torch

from lmk.data.field import (
    STEEPEST,
    bend,
    displacement,
    origins,
    random_offsets,
    smooth_field,
    steepness,
)
from lmk.data.similarity import SimilarityRange, random_similarity, warp

SIZE = 128


def fields(share: float, count: int = 40) -> torch.Tensor:
    offsets = random_offsets(count, torch.Generator().manual_seed(0))
    return smooth_field(offsets * share * SIZE, SIZE)


def pixels() -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(128.0), torch.arange(128.0), indexing="ij")
    return torch.stack([x, y], -1).view(1, -1, 2)


def test_offsets_are_normal_and_clipped_at_two_deviations() -> None:
    offsets = random_offsets(2000, torch.Generator().manual_seed(1))
    assert offsets.shape == (2000, 2, 5, 5)
    assert offsets.abs().max() == 2
    assert (offsets.abs() < 1).float().mean() == pytest.approx(0.683, abs=0.01)


def test_a_field_has_the_offsets_at_its_control_points() -> None:
    offsets = 0.02 * SIZE * random_offsets(2, torch.Generator().manual_seed(2))
    field = smooth_field(offsets, SIZE)
    corners = field[..., [0, 0, 127, 127], [0, 127, 0, 127]]
    expected = offsets[..., [0, 0, 4, 4], [0, 4, 0, 4]]
    torch.testing.assert_close(corners, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("share", [0.03, 0.1])
def test_no_field_folds(share: float) -> None:
    """Neighbours keep their order: the determinant of the motion's gradient is positive."""
    field = fields(share)
    along, across = (field.diff(dim=axis) for axis in (3, 2))
    assert steepness(field).max() <= STEEPEST + 1e-4
    for row in (slice(None, -1), slice(1, None)):
        for column in (slice(None, -1), slice(1, None)):
            x, y = along[:, :, row], across[..., column]
            determinant = (1 + x[:, 0]) * (1 + y[:, 1]) - x[:, 1] * y[:, 0]
            assert determinant.min() > 0.03  # (1 - 0.8)^2 where both axes shrink most


def test_a_field_that_is_not_steep_is_left_as_it_is() -> None:
    torch.testing.assert_close(fields(0.02), 2 * fields(0.01))
    assert fields(0.1).abs().max() < 4 * fields(0.02).abs().max()


@pytest.mark.parametrize("share", [0.03, 0.1])
def test_each_pixel_comes_from_the_point_that_moves_there(share: float) -> None:
    field = fields(share)
    p = origins(field)
    error = (p + displacement(field, p) - pixels()).norm(dim=-1)
    assert error.max() < 0.05
    assert (p - pixels()).norm(dim=-1).max() > 5


def test_beyond_the_frame_a_point_moves_as_its_border() -> None:
    field = fields(0.03, 2)
    outside = torch.tensor([[[-20.0, 40.0], [140.0, 300.0]]]).expand(2, 2, 2)
    expected = torch.stack([field[:, :, 40, 0], field[:, :, 127, 127]], 1)
    torch.testing.assert_close(displacement(field, outside), expected)


def test_without_displacement_bending_is_the_similarity_alone() -> None:
    random = torch.Generator().manual_seed(4)
    crops = torch.rand(3, 3, 160, 160, generator=random)
    matrix = random_similarity(3, SimilarityRange(40, 0.5, 0.2), 160, SIZE, random)
    still = torch.zeros(3, 2, SIZE, SIZE)
    torch.testing.assert_close(
        bend(crops, matrix, still), warp(crops, matrix, SIZE), atol=1e-3, rtol=0
    )
