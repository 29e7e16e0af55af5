"""The batch of one step: which images, in which colours, from which random numbers.

All of it is a function of seed and step alone, so that a resumed run goes on exactly.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


def batch_indices(count: int, batch: int, step: int, seed: int) -> npt.NDArray[np.intp]:
    """Indices (batch,) of step `step`: all images once, in random order, before any comes again."""
    positions = np.arange(step * batch, (step + 1) * batch)
    epochs = positions // count
    orders = {e: np.random.default_rng([seed, e]).permutation(count) for e in np.unique(epochs)}
    return np.array([orders[e][p % count] for e, p in zip(epochs, positions, strict=True)], np.intp)


def step_generator(step: int, seed: int, device: torch.device) -> torch.Generator:
    """The random numbers of one step, on the training device."""
    mixed = int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> 1)
    return torch.Generator(device).manual_seed(mixed)


def to_float(crops: npt.NDArray[np.uint8], device: torch.device) -> Tensor:
    """Move uint8 (B, S, S, 3) to the device as float (B, 3, S, S) in [0, 1]."""
    return torch.from_numpy(crops).to(device).permute(0, 3, 1, 2).float() / 255


def jitter_color(images: Tensor, amount: float, generator: torch.Generator) -> Tensor:
    """Scale each channel of images (B, 3, H, W) by up to 1 +- amount and shift it by half."""
    draws = torch.rand(2, len(images), 3, 1, 1, generator=generator, device=images.device) * 2 - 1
    gain, shift = 1 + amount * draws[0], 0.5 * amount * draws[1]
    return (images * gain + shift).clamp(0, 1)
