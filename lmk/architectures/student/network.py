"""The student: a small network that learns the landmarks of a larger one.

A plain encoder with residual blocks (He et al., CVPR 2016), and on the way up sums with the
features of the way down (Lin et al., CVPR 2017). Only convolutions, batch norms that fold into
them, ReLU and nearest-neighbour upsampling, which every runtime and int8 compute fast.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lmk.architectures.network import LandmarkNetwork
from lmk.architectures.spec import Architecture
from lmk.architectures.student.declare import Widths


class Block(nn.Module):
    """Two 3x3 convolutions, each with a batch norm, added to their input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape."""
        inner = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(inner)) + x)


class Down(nn.Module):
    """A convolution of stride 2 with a batch norm, then residual blocks."""

    def __init__(self, in_channels: int, channels: int, blocks: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, 3, stride=2, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(channels)
        self.blocks = nn.Sequential(*(Block(channels) for _ in range(blocks)))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, Cin, H, W) to (B, C, H / 2, W / 2)."""
        return self.blocks(F.relu(self.bn(self.conv(x))))  # type: ignore[no-any-return]


class Up(nn.Module):
    """Features of a lower resolution, added to those of this one, then residual blocks."""

    def __init__(self, low_channels: int, channels: int, blocks: int) -> None:
        super().__init__()
        self.low = nn.Conv2d(low_channels, channels, 1)
        self.blocks = nn.Sequential(*(Block(channels) for _ in range(blocks)))

    def forward(self, low: Tensor, x: Tensor) -> Tensor:
        """Map (B, Clow, H / 2, W / 2) and (B, C, H, W) to (B, C, H, W)."""
        return self.blocks(_twice(self.low(low)) + x)  # type: ignore[no-any-return]


class Last(nn.Module):
    """Features of two resolutions, mixed by one 3x3 convolution of few channels."""

    def __init__(self, low_channels: int, skip_channels: int, channels: int) -> None:
        super().__init__()
        self.low = nn.Conv2d(low_channels, channels, 1)
        self.skip = nn.Conv2d(skip_channels, channels, 1)
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, low: Tensor, skip: Tensor) -> Tensor:
        """Map (B, Clow, H / 2, W / 2) and (B, Cskip, H, W) to (B, C, H, W)."""
        mixed = F.relu(_twice(self.low(low)) + self.skip(skip))
        return F.relu(self.bn(self.conv(mixed)))


class Student(LandmarkNetwork):
    """A student of some widths, which `architecture` declares."""

    def __init__(self, widths: Widths, architecture: Architecture, num_landmarks: int) -> None:
        super().__init__()
        self.architecture = architecture
        c2, c4, c8, c16 = widths.channels
        b2, b4, b8, b16, b_up = widths.blocks
        self.down2 = Down(3, c2, b2)
        self.down4 = Down(c2, c4, b4)
        self.down8 = Down(c4, c8, b8)
        self.down16 = Down(c8, c16, b16)
        self.up8 = Up(c16, c8, b_up)
        self.last = Last(c8, c4, widths.last)
        self.head = nn.Conv2d(widths.last, num_landmarks, 1)

    def features(self, images: Tensor) -> list[Tensor]:
        """See `LandmarkNetwork.features`: at strides 2 and 4."""
        first = self.down2(images)
        return [first, self.down4(first)]

    def forward(self, images: Tensor) -> Tensor:
        """See `LandmarkNetwork.forward`."""
        return self.describe(images)[0]

    def describe(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """See `LandmarkNetwork.describe`."""
        x4 = self.features(images)[-1]
        x8 = self.down8(x4)
        x8 = self.up8(self.down16(x8), x8)
        last = self.last(x8, x4)
        with torch.autocast(last.device.type, enabled=False):  # heatmaps in float32
            return self.head(last.float()), [x4, last]


def _twice(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")
