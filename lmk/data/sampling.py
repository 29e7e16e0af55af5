"""Which images a step sees: a function of seed and step alone, so that a resumed run goes on exactly."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch


def batch_indices(count: int, batch: int, step: int, seed: int) -> npt.NDArray[np.intp]:
    """Indices (batch,) of step `step`: all images once, in random order, before any comes again."""
    positions = np.arange(step * batch, (step + 1) * batch)
    epochs = positions // count
    orders = {e: np.random.default_rng([seed, e]).permutation(count) for e in np.unique(epochs)}
    return np.array(
        [orders[e][p % count] for e, p in zip(epochs, positions, strict=True)], np.intp
    )


def step_generator(step: int, seed: int, device: torch.device) -> torch.Generator:
    """The random numbers of one step, on the training device."""
    mixed = int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> 1)
    return torch.Generator(device).manual_seed(mixed)
