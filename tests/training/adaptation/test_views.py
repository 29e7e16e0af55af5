from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from lmk.data.batch import (
    batch_indices,
    random_color,
    random_noise,
    recolor,
    step_generator,
    to_float,
)
from lmk.data.similarity import SimilarityRange, random_similarity, warp
from lmk.data.synthetic import draw
from lmk.geometry import apply_affine, invert_affine
from lmk.system.errors import UsageError
from lmk.training.adaptation.views import Pair, Views
from lmk.training.device import Compute
from lmk.training.options import AdaptOptions

OPTIONS = AdaptOptions(batch_size=6, flip=True, noise=0.1, seed=3)
STILL = {"degrees": 0.0, "degrees_deformed": 0.0, "zoom": 0.0, "shift": 0.0, "color": 0.0}
CHANGED = {"warp": 0.05, "occlusion": 0.5, "blur": 0.3}
PARTNER = torch.tensor([1, 0, 2])
COMPUTE = Compute(torch.device("cpu"), bf16=False)


class OneOf:
    """Stands for Fabric: process `global_rank` of three."""

    world_size = 3

    def __init__(self, rank: int) -> None:
        self.global_rank = rank


def pixels() -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(128.0), torch.arange(128.0), indexing="ij")
    return torch.stack([x, y], -1).view(1, -1, 2)


def test_shares_of_three_processes_are_the_batch_of_one() -> None:
    crops = draw(8, seed=0)[0]
    options = replace(OPTIONS, **CHANGED)
    whole = Views(crops, 128, options, COMPUTE).pair(5, PARTNER)
    shares = [
        Views(crops, 128, options, replace(COMPUTE, fabric=OneOf(r))).pair(5, PARTNER)
        for r in range(3)
    ]
    for name in ("view", "deformed", "view_to_deformed", "field", "partner"):
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
    pair = Views(crops, 128, replace(OPTIONS, batch_size=8, **STILL), COMPUTE).pair(0)
    left_of_view, left_of_deformed = (
        images[:, 0, 64, 10] > 0.5 for images in (pair.view, pair.deformed)
    )
    assert torch.equal(left_of_view, left_of_deformed)
    assert 0 < left_of_view.sum() < 8
    identity = torch.eye(2, 3).expand(8, 2, 3)
    torch.testing.assert_close(pair.view_to_deformed, identity, atol=1e-4, rtol=0)


def test_the_network_alone_sees_noise_of_another_deviation_in_each_picture() -> None:
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


def test_views_without_warps_and_mirrors_are_two_similarities_of_one_recoloured_crop() -> None:
    """To the bit and in this order of draws, by which runs of earlier versions go on."""
    crops = draw(8, seed=0)[0]
    pair = Views(crops, 128, replace(OPTIONS, degrees_deformed=10.0), COMPUTE).pair(5)
    index = batch_indices(8, 6, 5, 3)
    random = step_generator(5, 3, COMPUTE.device)
    flip = torch.rand(6, generator=random) < 0.5
    ranges = [SimilarityRange(degrees, 0.2, 0.08) for degrees in (25.0, 10.0)]
    matrices = [random_similarity(6, r, 160, 128, random, flip) for r in ranges]
    colored = recolor(to_float(crops[index], COMPUTE.device), random_color(6, 0.2, random))
    view, deformed = (warp(colored, matrix, 128) for matrix in matrices)
    noise = random_noise((2, 6, 3, 128, 128), 0.1, random).flatten(0, 1)
    assert torch.equal(pair.view, view)
    assert torch.equal(pair.deformed, deformed)
    assert torch.equal(pair.seen, (torch.cat([view, deformed]) + noise).clamp(0, 1))
    points = 128 * torch.rand(6, 4, 2, generator=random)
    expected = apply_affine(invert_affine(matrices[1]), apply_affine(matrices[0], points))
    torch.testing.assert_close(pair.to_deformed(points), expected, atol=1e-3, rtol=0)


def test_each_pixel_of_a_warped_view_shows_the_point_that_moves_there() -> None:
    """A crop whose colours are its coordinates says where a pixel comes from."""
    ramp = np.arange(160, dtype=np.uint8)
    crops = np.zeros((8, 160, 160, 3), np.uint8)
    crops[..., 0], crops[..., 1] = ramp, ramp[:, None]
    options = replace(OPTIONS, batch_size=8, warp=0.04, color=0.0, noise=0.0)
    pair = Views(crops, 128, options, COMPUTE).pair(2, torch.arange(128 * 128))
    view, deformed = (
        (255 * images[:, :2]).flatten(2).transpose(1, 2) for images in (pair.view, pair.deformed)
    )
    # of the view, pixels and colours give the matrix to the crop
    inner = ((view > 2) & (view < 157)).all(-1)
    ones = torch.ones(1, 128 * 128, 1)
    for b in range(8):
        known = torch.cat([pixels(), ones], -1)[0, inner[b]]
        to_crop = torch.linalg.lstsq(known, view[b, inner[b]]).solution.T
        from_crop = apply_affine(invert_affine(to_crop[None]), deformed[b : b + 1])
        moved = only(pair, b).to_deformed(from_crop)
        shown = ((deformed[b] > 2) & (deformed[b] < 157)).all(-1)
        assert shown.sum() > 5000
        assert (moved - pixels()).norm(dim=-1)[0, shown].max() < 0.2


def only(pair: Pair, index: int) -> Pair:
    """One of the pairs, with points instead of landmarks: none has a number to trade."""
    parts = {f.name: getattr(pair, f.name)[index : index + 1] for f in fields(pair)}
    return Pair(**{**parts, "partner": None})


def test_drawn_dots_land_where_the_pair_says() -> None:
    y, x = np.mgrid[:160, :160]
    dots = [(60, 62), (100, 70), (84, 104)]
    options = replace(OPTIONS, batch_size=4, color=0.0, noise=0.0, warp=0.04)
    for xy in dots:
        dot = np.exp(-((x - xy[0]) ** 2 + (y - xy[1]) ** 2) / (2 * 1.5**2))
        crops = np.repeat((255 * dot).astype(np.uint8)[None, ..., None], 3, -1)
        pair = Views(np.repeat(crops, 4, 0), 128, options, COMPUTE).pair(7)
        seen = [images[:, 0].flatten(1) for images in (pair.view, pair.deformed)]
        found = [(mass / mass.sum(1, keepdim=True)) @ pixels()[0] for mass in seen]
        expected = pair.to_deformed(found[0][:, None])[:, 0]
        assert (found[1] - expected).norm(dim=-1).max() < 0.2
        similarity = apply_affine(pair.view_to_deformed, found[0][:, None])[:, 0]
        assert (found[1] - similarity).norm(dim=-1).max() > 2


def test_half_of_the_second_views_are_mirrored_and_their_landmarks_trade_numbers() -> None:
    """Left halves are bright; nothing else changes, so that x becomes 127 - x."""
    crops = np.zeros((8, 160, 160, 3), np.uint8)
    crops[:, :, :80] = 200
    views = Views(crops, 128, replace(OPTIONS, batch_size=8, **STILL), COMPUTE)
    pair = views.pair(0, PARTNER)
    left, left_of_deformed = (i[:, 0, 64, 10] > 0.5 for i in (pair.view, pair.deformed))
    mirrored = left != left_of_deformed
    assert 0 < mirrored.sum() < 8
    xy = torch.tensor([[[10.0, 20.0], [100.0, 30.0], [64.0, 90.0]]]).expand(8, 3, 2)
    traded = torch.tensor([[27.0, 30.0], [117.0, 20.0], [63.0, 90.0]])
    expected = torch.where(mirrored[:, None, None], traded, xy)
    torch.testing.assert_close(pair.to_deformed(xy), expected, atol=1e-4, rtol=0)
    assert views.fixed().partner is None


def test_occlusion_and_blur_change_what_the_network_sees_alone() -> None:
    crops = draw(20, seed=0)[0]
    plain = replace(OPTIONS, batch_size=20, noise=0.0)
    clean = Views(crops, 128, plain, COMPUTE).pair(0)
    for change, share in (({"occlusion": 0.5}, 0.5), ({"blur": 0.3}, 0.3)):
        pair = Views(crops, 128, replace(plain, **change), COMPUTE).pair(0)
        for name in ("view", "deformed", "view_to_deformed"):
            assert torch.equal(getattr(pair, name), getattr(clean, name))
        different = (pair.seen != clean.seen).flatten(1).any(1).float()
        assert different.mean() == pytest.approx(share, abs=0.2)
        assert not torch.equal(*different.chunk(2))
