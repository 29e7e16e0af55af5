"""The generator, which reconstructs a picture from a deformed copy of it and its landmarks.

Source: Sanchez and Tzimiropoulos, NeurIPS 2019, section 4.1, after Johnson et al., ECCV 2016.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

RESIDUAL_BLOCKS = 6
BOTTLENECK_STRIDE = 4  # pixels of a picture per pixel of the bottleneck, where heatmaps join


class Generator(nn.Module):
    """Encode a picture to a quarter of its size, join the landmarks' heatmaps, and decode.

    `width` channels after the first convolution, four times as many at the bottleneck: 64 in the
    paper, 32 in its authors' code.
    """

    def __init__(self, num_landmarks: int, width: int) -> None:
        super().__init__()
        joined = 4 * width + num_landmarks
        self.encoder = nn.Sequential(
            *_layer(nn.Conv2d(3, width, 7, padding=3, bias=False)),
            *_layer(nn.Conv2d(width, 2 * width, 3, stride=2, padding=1, bias=False)),
            *_layer(nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1, bias=False)),
        )
        self.blocks = nn.Sequential(*(_Residual(joined) for _ in range(RESIDUAL_BLOCKS)))
        self.decoder = nn.Sequential(
            *_up(joined, 2 * width),
            *_up(2 * width, width),
            nn.Conv2d(width, 3, 7, padding=3),
        )

    def forward(self, images: Tensor, heatmaps: Tensor) -> Tensor:
        """Reconstruct images (B, 3, H, W) from images in [0, 1] and heatmaps (B, K, H/4, W/4)."""
        encoded = self.encoder(images)
        joined = torch.cat([encoded, heatmaps.to(encoded.dtype)], dim=1)
        return torch.sigmoid(self.decoder(self.blocks(joined)).float())


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_layer(nn.Conv2d(channels, channels, 3, padding=1, bias=False)),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)  # type: ignore[no-any-return]


def _layer(conv: nn.Conv2d) -> list[nn.Module]:
    return [conv, nn.BatchNorm2d(conv.out_channels), nn.ReLU(inplace=True)]


def _up(in_channels: int, out_channels: int) -> list[nn.Module]:
    # The paper has "upsampling blocks", its authors' code transposed convolutions. Those draw a
    # checkerboard (Odena et al., 2016), to which features compared at half the size are blind.
    conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
    return [nn.Upsample(scale_factor=2.0, mode="nearest"), *_layer(conv)]
