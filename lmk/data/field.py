"""Smooth random fields that bend a picture, and the exact motion of points under them.

A field (B, 2, S, S) holds, for each pixel of an S x S picture, the displacement (x, y) in pixels:
a point p of the flat picture is at p + field(p) in the bent one, bilinear between pixel centres.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from lmk.geometry import apply_affine

CONTROL_POINTS = 5  # per side
LIMIT = 2.0  # deviations, beyond which offsets of control points are clipped
# Displacements of two points differ by at most this share of their distance. Below 1 no two points
# meet, so that nothing folds, and the inverse is the limit of an iteration; this far below, the
# error of 20 iterations is under 1 % of the displacement.
STEEPEST = 0.8
ITERATIONS = 20


def random_offsets(count: int, generator: torch.Generator) -> Tensor:
    """Draw offsets (B, 2, 5, 5) of control points: N(0, 1), clipped at 2 deviations."""
    shape = (count, 2, CONTROL_POINTS, CONTROL_POINTS)
    return torch.randn(shape, generator=generator, device=generator.device).clamp(-LIMIT, LIMIT)


def smooth_field(offsets_px: Tensor, size: int) -> Tensor:
    """Interpolate offsets (B, 2, n, n) in pixels to fields (B, 2, size, size), bicubic.

    The outer control points are at the outer pixels. A field steeper than STEEPEST is scaled down.
    """
    field = F.interpolate(offsets_px, (size, size), mode="bicubic", align_corners=True)
    return field * (STEEPEST / steepness(field).clamp(min=STEEPEST))[:, None, None, None]


def steepness(field: Tensor) -> Tensor:
    """Bound (B,) of |field(p) - field(q)| / |p - q| over all points: the largest gradient."""
    along, across = (field.diff(dim=axis).square().sum(1) for axis in (3, 2))
    # Between four pixel centres a gradient is a mean of the two differences on either axis.
    along = torch.maximum(along[:, :-1], along[:, 1:])
    across = torch.maximum(across[..., :-1], across[..., 1:])
    return (along + across).amax((1, 2)).sqrt()


def displacement(field: Tensor, xy: Tensor) -> Tensor:
    """Displacement at points (B, K, 2) in pixels; beyond the frame, that of its border."""
    grid = _to_unit(xy, field.shape[-1])[:, :, None]
    sampled = F.grid_sample(field, grid, padding_mode="border", align_corners=False)
    return sampled[..., 0].transpose(1, 2)


def origins(field: Tensor) -> Tensor:
    """Where in the flat picture each pixel of the bent one comes from, (B, S * S, 2).

    The p with p + field(p) = q, by iterating p = q - field(p).
    """
    side = torch.arange(field.shape[-1], dtype=field.dtype, device=field.device)
    y, x = torch.meshgrid(side, side, indexing="ij")
    q = torch.stack([x, y], dim=-1).view(1, -1, 2)
    p = q.expand(len(field), -1, -1)
    for _ in range(ITERATIONS):
        p = q - displacement(field, p)
    return p


def bend(crops: Tensor, input_to_crop: Tensor, field: Tensor) -> Tensor:
    """Resample crops (B, 3, S, S) to inputs (B, 3, size, size) and bend these, edges replicated.

    As `lmk.data.similarity.warp` with a field (B, 2, size, size) in input pixels after it, in one
    interpolation.
    """
    xy_crop = apply_affine(input_to_crop, origins(field))
    grid = _to_unit(xy_crop, crops.shape[-1]).view(len(field), *field.shape[-2:], 2)
    return F.grid_sample(crops, grid, padding_mode="border", align_corners=False)


def _to_unit(xy: Tensor, size: int) -> Tensor:
    """From pixels to grid_sample's [-1, 1], which runs between the outer edges of the picture."""
    return (xy + 0.5) * 2 / size - 1
