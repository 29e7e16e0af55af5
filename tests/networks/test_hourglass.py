from __future__ import annotations

import torch
from torch import nn

from lmk.networks.hourglass import Hourglass, ResidualBlock
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
    x = torch.randn(2, 8, 5, 6)
    out = block(x) - block.shortcut(x)
    first = block.conv1(torch.relu(block.bn1(x)))
    third = block.conv3(torch.relu(block.bn3(out[:, 8:12])))
    torch.testing.assert_close(out[:, :8], first)
    torch.testing.assert_close(out[:, 12:], third)


def test_a_block_that_keeps_its_width_adds_its_input_unchanged() -> None:
    block = ResidualBlock(8, 8).eval()
    for conv in (block.conv1, block.conv2, block.conv3):
        nn.init.zeros_(conv.weight)
    x = torch.randn(2, 8, 5, 6)
    torch.testing.assert_close(block(x), x)
