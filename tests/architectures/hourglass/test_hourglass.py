from __future__ import annotations

import torch
from random_models import randomize
from torch import nn

from lmk.architectures.hourglass.network import Hourglass, ResidualBlock
from lmk.networks.projection import project


def parameters(network: nn.Module, word: str = "") -> int:
    return sum(p.numel() for name, p in network.named_parameters() if word in name)


def test_parameter_counts_are_those_of_the_specification() -> None:
    core = Hourglass(num_landmarks=10)
    assert parameters(core) == 6_234_762
    assert parameters(project(core, 10), "projection_delta") == 532_480
    assert parameters(project(core, 10, "3x3"), "projection_delta") == 380_928


def test_heatmaps_are_a_quarter_of_the_input_whatever_its_sides() -> None:
    heatmaps = Hourglass(5).eval()(torch.rand(2, 3, 128, 192))
    assert heatmaps.shape == (2, 5, 32, 48)


def test_residual_block_concatenates_half_and_two_quarters() -> None:
    block = ResidualBlock(8, 16).eval()
    randomize(block, 0)
    x = torch.randn(2, 8, 5, 6, generator=torch.Generator().manual_seed(1))
    norm, _, conv = block.shortcut
    out = block(x) - conv(activate(x, norm))
    half = block.conv1(activate(x, block.bn1))
    quarter = block.conv2(activate(half, block.bn2))
    last_quarter = block.conv3(activate(quarter, block.bn3))
    assert (half.shape[1], quarter.shape[1], last_quarter.shape[1]) == (8, 4, 4)
    torch.testing.assert_close(out, torch.cat([half, quarter, last_quarter], dim=1))


def activate(x: torch.Tensor, norm: nn.BatchNorm2d) -> torch.Tensor:
    """Normalise with the running statistics and cut off below 0."""
    statistics = (norm.running_mean, norm.running_var, norm.weight, norm.bias)
    mean, variance, gain, shift = (value[:, None, None] for value in statistics)
    return ((x - mean) / (variance + norm.eps).sqrt() * gain + shift).clamp(min=0)


def test_a_block_that_keeps_its_width_adds_its_input_unchanged() -> None:
    block = ResidualBlock(8, 8).eval()
    randomize(block, 0)
    for conv in (block.conv1, block.conv2, block.conv3):
        nn.init.zeros_(conv.weight)
    x = torch.randn(2, 8, 5, 6)
    torch.testing.assert_close(block(x), x)
