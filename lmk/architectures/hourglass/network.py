"""The hourglass, the network of the core and of every adapted model.

Source: Newell et al., ECCV 2016, with the hierarchical residual block of Bulat and Tzimiropoulos,
ICCV 2017, as used by Sanchez and Tzimiropoulos, NeurIPS 2019.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lmk.architectures.hourglass.spec import ARCHITECTURE
from lmk.architectures.network import LandmarkNetwork

CHANNELS = 256
DEPTH = 4


class ResidualBlock(nn.Module):
    """Three pre-activated 3x3 convolutions whose outputs are concatenated and added to the input.

    They have half, a quarter and a quarter of the output channels. Where the width changes, the
    input first passes a pre-activated 1x1 convolution.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        half, quarter = out_channels // 2, out_channels // 4
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, half, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(half)
        self.conv2 = nn.Conv2d(half, quarter, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(quarter)
        self.conv3 = nn.Conv2d(quarter, quarter, 3, padding=1, bias=False)
        self.shortcut: nn.Module = nn.Identity()
        if in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.BatchNorm2d(in_channels),
                nn.ReLU(),
                nn.Conv2d(in_channels, out_channels, 1, bias=False),
            )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, Cin, H, W) to (B, Cout, H, W)."""
        a = self.conv1(F.relu(self.bn1(x)))
        b = self.conv2(F.relu(self.bn2(a)))
        c = self.conv3(F.relu(self.bn3(b)))
        shortcut: Tensor = self.shortcut(x)
        return torch.cat([a, b, c], dim=1) + shortcut


class HourglassModule(nn.Module):
    """One level of the hourglass: a skip connection at this resolution plus all levels below."""

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        self.skip = ResidualBlock(channels, channels)
        self.before = ResidualBlock(channels, channels)
        self.inner: nn.Module = (
            HourglassModule(channels, depth - 1) if depth > 1 else ResidualBlock(channels, channels)
        )
        self.after = ResidualBlock(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape; H and W are divisible by 2 to the depth."""
        low = self.after(self.inner(self.before(F.avg_pool2d(x, 2))))
        skip: Tensor = self.skip(x)
        return skip + F.interpolate(low, scale_factor=2.0, mode="nearest")


class Hourglass(LandmarkNetwork):
    """The hourglass: pictures in, one heatmap per landmark out at a quarter of the resolution.

    H and W of the pictures are multiples of 64; lmk uses 128.
    """

    architecture = ARCHITECTURE

    def __init__(self, num_landmarks: int = 10) -> None:
        super().__init__()
        self.stem_conv = nn.Conv2d(3, 64, 7, stride=2, padding=3)
        self.stem_bn = nn.BatchNorm2d(64)
        self.block1 = ResidualBlock(64, 128)
        self.block2 = ResidualBlock(128, 128)
        self.block3 = ResidualBlock(128, CHANNELS)
        self.hourglass = HourglassModule(CHANNELS, DEPTH)
        self.block4 = ResidualBlock(CHANNELS, CHANNELS)
        self.last_conv = nn.Conv2d(CHANNELS, CHANNELS, 1)
        self.last_bn = nn.BatchNorm2d(CHANNELS)
        self.head = nn.Conv2d(CHANNELS, num_landmarks, 1)

    def features(self, images: Tensor) -> list[Tensor]:
        """See `LandmarkNetwork.features`: (B, 64, H/2, W/2), then (B, 256, H/4, W/4)."""
        stem = F.relu(self.stem_bn(self.stem_conv(images)))
        return [stem, self.block3(self.block2(F.avg_pool2d(self.block1(stem), 2)))]

    def forward(self, images: Tensor) -> Tensor:
        """See `LandmarkNetwork.forward`."""
        return self.describe(images)[0]

    def describe(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """See `LandmarkNetwork.describe`."""
        x = self.features(images)[-1]
        last = F.relu(self.last_bn(self.last_conv(self.block4(self.hourglass(x)))))
        return self.head(last), [last]
