"""The batch of one step: which images, in which colours, from which random numbers.

All of it is a function of seed and step alone, so that a resumed run goes on exactly.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


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
