"""Convert heatmaps to points and points to heatmaps, differentiably, in heatmap pixels."""

from __future__ import annotations

import torch
from torch import Tensor

from lmk.geometry import SCORE_RADIUS_HEATMAP


def pixel_grid(height: int, width: int, like: Tensor) -> Tensor:
    """Return the (x, y) of every pixel as (H * W, 2) in the dtype and on the device of `like`."""
    y, x = torch.meshgrid(
        torch.arange(height, dtype=like.dtype, device=like.device),
        torch.arange(width, dtype=like.dtype, device=like.device),
        indexing="ij",
    )
    return torch.stack([x, y], dim=-1).reshape(-1, 2)


def softargmax(heatmaps: Tensor, beta: float = 10.0) -> tuple[Tensor, Tensor]:
    """Expected position under softmax(beta * heatmap), and the mass near it.

    heatmaps (B, K, H, W), any floating dtype. Returns landmarks (B, K, 2), (x, y) in heatmap
    pixels, and scores (B, K), the probability within 2 pixels of the landmark, in [0, 1]; both
    float32, computed in float32 for any precision of the network.
    """
    height, width = heatmaps.shape[-2:]
    probability = torch.softmax(beta * heatmaps.float().flatten(2), dim=-1)
    grid = pixel_grid(height, width, probability)
    xy_heatmap = probability @ grid
    distance2 = (xy_heatmap[:, :, None] - grid).square().sum(-1)
    scores = (probability * (distance2 <= SCORE_RADIUS_HEATMAP**2)).sum(-1)
    return xy_heatmap, scores


def gaussian_heatmaps(xy_heatmap: Tensor, size_hw: tuple[int, int], sigma: float) -> Tensor:
    """Draw exp(-d^2 / sigma^2) around each point (the paper's formula, without a factor 2).

    xy_heatmap (B, K, 2) in heatmap pixels; returns (B, K, H, W) in [0, 1] with gradients to the
    points.
    """
    height, width = size_hw
    grid = pixel_grid(height, width, xy_heatmap)
    distance2 = (xy_heatmap[:, :, None] - grid).square().sum(-1)
    heatmaps = torch.exp(-distance2 / sigma**2)
    return heatmaps.view(*heatmaps.shape[:-1], height, width)
