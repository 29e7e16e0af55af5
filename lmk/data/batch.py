"""The batch of one step: which images, in which colours, from which random numbers.

All of it is a function of seed and step alone, so that a resumed run goes on exactly.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

RECTANGLE_SIDES = (0.15, 0.35)  # shares of the picture's side
BLUR_SIZE = 5


def batch_indices(count: int, batch: int, step: int, seed: int) -> npt.NDArray[np.intp]:
    """Indices (batch,) of step `step`: all images once, in random order, before any comes again."""
    positions = np.arange(step * batch, (step + 1) * batch)
    pairs = zip(positions // count, positions % count, strict=True)
    return np.array([_order(count, seed, int(epoch))[place] for epoch, place in pairs], np.intp)


@lru_cache(maxsize=2)  # a batch may reach into the next epoch
def _order(count: int, seed: int, epoch: int) -> npt.NDArray[np.intp]:
    return np.random.default_rng([seed, epoch]).permutation(count)


def step_generator(step: int, seed: int, device: torch.device) -> torch.Generator:
    """The random numbers of one step, on the training device."""
    mixed = int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> 1)
    return torch.Generator(device).manual_seed(mixed)


def to_float(crops: npt.NDArray[np.uint8], device: torch.device) -> Tensor:
    """Move uint8 (B, S, S, 3) to the device as float (B, 3, S, S) in [0, 1]."""
    moved = torch.from_numpy(crops)
    if device.type == "cuda":  # from pinned memory the copy does not wait for the device
        moved = moved.pin_memory().to(device, non_blocking=True)
    return moved.permute(0, 3, 1, 2).float() / 255


def random_color(count: int, amount: float, generator: torch.Generator) -> Tensor:
    """Draw a gain of 1 +- amount and a shift of half as much for each channel, (B, 2, 3, 1, 1)."""
    draws = torch.rand(count, 2, 3, 1, 1, generator=generator, device=generator.device) * 2 - 1
    return torch.stack([1 + amount * draws[:, 0], 0.5 * amount * draws[:, 1]], dim=1)


def random_noise(shape: tuple[int, ...], amount: float, generator: torch.Generator) -> Tensor:
    """Draw Gaussian noise (..., 3, H, W), each picture's of a deviation of its own up to amount."""
    device = generator.device
    deviation = amount * torch.rand(*shape[:-3], 1, 1, 1, generator=generator, device=device)
    return deviation * torch.randn(shape, generator=generator, device=device)


def recolor(images: Tensor, color: Tensor) -> Tensor:
    """Apply gains and shifts (B, 2, 3, 1, 1) to images (B, 3, H, W) in [0, 1]."""
    return (images * color[:, 0] + color[:, 1]).clamp(0, 1)


def random_rectangles(shape: tuple[int, ...], share: float, generator: torch.Generator) -> Tensor:
    """Draw rectangles (..., 7): left, top, right, bottom as shares of the side, then a colour.

    Only a share of them has a size; the centres are anywhere in the picture.
    """
    draws = torch.rand(*shape, 8, generator=generator, device=generator.device)
    low, high = RECTANGLE_SIDES
    half = (low + (high - low) * draws[..., :2]) / 2 * (draws[..., 7:] < share)
    center = draws[..., 2:4]
    return torch.cat([center - half, center + half, draws[..., 4:7]], dim=-1)


def occlude(images: Tensor, rectangles: Tensor) -> Tensor:
    """Draw one rectangle (B, 7) over each image (B, 3, S, S), none where it has no size."""
    size = images.shape[-1]
    centers = (torch.arange(size, device=images.device) + 0.5) / size
    left, top, right, bottom = rectangles[:, :4, None].unbind(1)
    inside_x = (left < centers) & (centers < right)
    inside_y = (top < centers) & (centers < bottom)
    inside = inside_y[:, None, :, None] & inside_x[:, None, None, :]
    return torch.where(inside, rectangles[:, 4:, None, None], images)


def blur(images: Tensor, chosen: Tensor) -> Tensor:
    """Average each pixel of the chosen (B,) images (B, 3, S, S) with its 5 x 5 neighbours."""
    margin = BLUR_SIZE // 2
    padded = F.pad(images, (margin,) * 4, mode="replicate")
    return torch.where(chosen[:, None, None, None], F.avg_pool2d(padded, BLUR_SIZE, 1), images)
