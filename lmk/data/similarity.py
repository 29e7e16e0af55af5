"""Random similarity transforms and warps, drawn and applied to a whole batch on its device."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from lmk.geometry import turn_about

NORMAL_LIMIT = 40.0  # degrees, as in the authors' code


@dataclass(frozen=True)
class SimilarityRange:
    """Ranges: rotation in +-degrees, zoom from 1/(1+z) to 1+z, shift in +-share of the side.

    With `normal`, angles are drawn from N(0, degrees) and clipped to +-NORMAL_LIMIT.
    """

    degrees: float
    zoom: float
    shift: float
    normal: bool = False


def random_similarity(
    count: int,
    ranges: SimilarityRange,
    crop_size: int,
    input_size: int,
    generator: torch.Generator,
    flip: Tensor | None = None,
) -> Tensor:
    """Draw matrices (B, 2, 3) from input pixels to crop pixels.

    At the identity the whole crop fills the input; `flip`, bool (B,), mirrors left and right.
    """
    device = generator.device
    angle, zoom, x, y = torch.rand(4, count, generator=generator, device=device) * 2 - 1
    if ranges.normal:
        angle = torch.randn(count, generator=generator, device=device)
    angle = torch.deg2rad(angle * ranges.degrees)
    if ranges.normal:
        limit = math.radians(NORMAL_LIMIT)
        angle = angle.clamp(-limit, limit)
    scale = crop_size / input_size * torch.exp(zoom * math.log1p(ranges.zoom))
    mirror = torch.ones_like(scale) if flip is None else 1 - 2 * flip.to(scale.dtype)
    shift = torch.stack([x, y], dim=-1) * ranges.shift * crop_size
    center = torch.full((2,), (input_size - 1) / 2, device=device)
    return turn_about(center, (crop_size - 1) / 2 + shift, angle, scale, mirror)  # type: ignore[no-any-return]


def warp(crops: Tensor, input_to_crop: Tensor, size: int) -> Tensor:
    """Resample crops (B, 3, S, S) to inputs (B, 3, size, size), edges replicated.

    `input_to_crop` (B, 2, 3) says for each input pixel where in the crop its colour comes from.
    """
    side = crops.shape[-1]
    # affine_grid works in [-1, 1] over pixel edges: x_pixel = (x_unit + 1) * side / 2 - 0.5
    linear = input_to_crop[..., :2] * size / side
    center = input_to_crop[..., :2].sum(-1) * (size - 1) / 2 + input_to_crop[..., 2]
    offset = (center + 0.5) * 2 / side - 1
    theta = torch.cat([linear, offset[..., None]], dim=-1)
    grid = F.affine_grid(theta, [len(crops), 3, size, size], align_corners=False)
    return F.grid_sample(crops, grid, padding_mode="border", align_corners=False)
