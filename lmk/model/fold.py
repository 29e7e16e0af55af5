"""Folding: frozen core weights and a learned adapter become one plain network. Numpy only."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from lmk.errors import WeightsError
from lmk.model.weights import Arrays

PROJECTION = ".projection_delta"

FloatArrays = Mapping[str, npt.NDArray[np.float32]]


def fold_state(core: FloatArrays, adapter: FloatArrays) -> Arrays:
    """Replace each projected kernel by (I + delta) x1 kernel, and the rest by the adapter's.

    `core` holds a whole plain network, `adapter` what differs from it. Returns float32 arrays of a
    plain network. Raises WeightsError naming every key of the adapter that the core does not have.
    """
    deltas = {name: value for name, value in adapter.items() if name.endswith(PROJECTION)}
    replaced = {name: value for name, value in adapter.items() if name not in deltas}
    kernels = {name: name.removesuffix(PROJECTION) + ".weight" for name in deltas}
    unknown = sorted({*replaced, *kernels.values()} - core.keys())
    if unknown:
        raise WeightsError(f"the adapter does not fit this core: no {', '.join(unknown)} in it")
    folded = {name: value.astype(np.float32) for name, value in core.items()}
    folded.update({name: value.astype(np.float32) for name, value in replaced.items()})
    for name, delta in deltas.items():
        folded[kernels[name]] = _project(core[kernels[name]], delta)
    return folded


def _project(
    kernel: npt.NDArray[np.float32], delta: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    if delta.shape != (kernel.shape[0], kernel.shape[0]):
        raise WeightsError(
            f"a projection of {delta.shape} does not fit a kernel of {kernel.shape}: "
            f"expected {(kernel.shape[0], kernel.shape[0])}"
        )
    flat = kernel.reshape(len(kernel), -1).astype(np.float32)
    return (flat + delta.astype(np.float32) @ flat).reshape(kernel.shape)
