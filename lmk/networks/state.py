"""Convert between torch modules and the plain arrays of model files."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from lmk.arrays import Arrays
from lmk.model.weights import check_keys


def state_of(network: nn.Module) -> dict[str, Tensor]:
    """Parameters and batch norm statistics by name, detached, without the batch counters."""
    state = network.state_dict()
    return {name: value.detach() for name, value in state.items() if "num_batches" not in name}


def arrays_of(state: Mapping[str, Tensor]) -> Arrays:
    """Copy tensors to float32 arrays."""
    return {name: value.float().cpu().numpy().copy() for name, value in state.items()}


def load_state(network: nn.Module, arrays: Mapping[str, npt.NDArray[np.generic]]) -> None:
    """Load arrays into a network; one error names every missing, unexpected and wrongly shaped key.

    Raises WeightsError.
    """
    expected = {name: tuple(value.shape) for name, value in state_of(network).items()}
    check_keys(arrays, expected, source=type(network).__name__)
    tensors = {
        name: torch.from_numpy(np.asarray(value, np.float32)) for name, value in arrays.items()
    }
    network.load_state_dict(tensors, strict=False)
