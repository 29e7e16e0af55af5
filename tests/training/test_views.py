from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lmk.data.synthetic import draw
from lmk.system.errors import UsageError
from lmk.training.device import Compute
from lmk.training.options import AdaptOptions
from lmk.training.views import Views

OPTIONS = AdaptOptions(batch_size=6, flip=True, noise=0.1, seed=3)
COMPUTE = Compute(torch.device("cpu"), bf16=False)


class OneOf:
    """Stands for Fabric: process `global_rank` of three."""

    world_size = 3

    def __init__(self, rank: int) -> None:
        self.global_rank = rank


def test_shares_of_three_processes_are_the_batch_of_one() -> None:
    crops = draw(8, seed=0)[0]
    whole = Views(crops, 128, OPTIONS, COMPUTE).pair(5)
    shares = [
        Views(crops, 128, OPTIONS, replace(COMPUTE, fabric=OneOf(r))).pair(5) for r in range(3)
    ]
    for name in ("view", "deformed", "view_to_deformed"):
        joined = torch.cat([getattr(share, name) for share in shares])
        assert torch.equal(joined, getattr(whole, name))
    for part in range(2):
        joined = torch.cat([share.seen.chunk(2)[part] for share in shares])
        assert torch.equal(joined, whole.seen.chunk(2)[part])
    assert len(shares[1].view) == 2


def test_a_batch_that_cannot_be_shared_is_refused() -> None:
    views = Views(draw(8, seed=0)[0], 128, replace(OPTIONS, batch_size=7), COMPUTE)
    views.compute = replace(COMPUTE, fabric=OneOf(0))
    with pytest.raises(UsageError, match="batch of 7 cannot be shared by 3 processes"):
        views.pair(0)


def test_a_flip_mirrors_both_views_of_a_picture() -> None:
    """Left halves are bright: with no other transform a mirrored picture is bright on the right."""
    crops = np.zeros((8, 160, 160, 3), np.uint8)
    crops[:, :, :80] = 200
    still = {"degrees": 0.0, "degrees_deformed": 0.0, "zoom": 0.0, "shift": 0.0, "color": 0.0}
    pair = Views(crops, 128, replace(OPTIONS, batch_size=8, **still), COMPUTE).pair(0)
    left_of_view, left_of_deformed = (
        images[:, 0, 64, 10] > 0.5 for images in (pair.view, pair.deformed)
    )
    assert torch.equal(left_of_view, left_of_deformed)
    assert 0 < left_of_view.sum() < 8
    identity = torch.eye(2, 3).expand(8, 2, 3)
    torch.testing.assert_close(pair.view_to_deformed, identity, atol=1e-4, rtol=0)


def test_the_detector_alone_sees_noise_of_another_deviation_in_each_picture() -> None:
    crops = np.full((40, 160, 160, 3), 128, np.uint8)
    options = replace(OPTIONS, batch_size=40, color=0.0)
    pair = Views(crops, 128, options, COMPUTE).pair(0)
    clean = Views(crops, 128, replace(options, noise=0.0), COMPUTE).pair(0)
    assert torch.equal(pair.view, clean.view)
    assert torch.equal(clean.seen, torch.cat([clean.view, clean.deformed]))
    noise = (pair.seen - clean.seen).flatten(1)
    deviation = noise.std(1)
    assert 0 < deviation.min() < 0.02 < 0.08 < deviation.max() < 0.101
    torch.testing.assert_close(noise.mean(1), torch.zeros(80), atol=2e-3, rtol=0)
    first, second = noise.chunk(2)
    assert torch.corrcoef(torch.stack([first[3], second[3]]))[0, 1].abs() < 0.05


def test_fixed_pairs_are_a_whole_batch_in_any_process() -> None:
    crops = draw(8, seed=0)[0]
    alone = Views(crops, 128, OPTIONS, COMPUTE).fixed()
    shared = Views(crops, 128, replace(OPTIONS, seed=9), replace(COMPUTE, fabric=OneOf(2))).fixed()
    assert torch.equal(alone.view, shared.view)
    assert len(alone.view) == 6
