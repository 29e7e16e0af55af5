"""Folding: make a complete network of frozen core weights and a learned adapter. numpy only."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from lmk.architectures.spec import BATCH_NORM_EPSILON
from lmk.arrays import Arrays
from lmk.system.errors import WeightsError

PROJECTION = ".projection_delta"
FloatArrays = Mapping[str, npt.NDArray[np.float32]]


def fold_state(core: FloatArrays, adapter: FloatArrays) -> Arrays:
    """Replace each projected kernel by (I + delta) x1 kernel, and the rest by the adapter's.

    `core` is a complete network, `adapter` the differences. Returns float32 arrays of the folded
    network. Only the first dimension may differ from the core's: the head may have other landmarks.
    Raises WeightsError, which names every key of the adapter that the core does not have.
    """
    deltas = {name: value for name, value in adapter.items() if name.endswith(PROJECTION)}
    replaced = {name: value for name, value in adapter.items() if name not in deltas}
    kernels = {name: name.removesuffix(PROJECTION) + ".weight" for name in deltas}
    unknown = sorted({*replaced, *kernels.values()} - core.keys())
    if unknown:
        raise WeightsError(
            f"the adapter does not match this core, which lacks {', '.join(unknown)}"
        )
    for name, value in replaced.items():
        if value.ndim != core[name].ndim or value.shape[1:] != core[name].shape[1:]:
            raise WeightsError(
                f"the adapter does not match this core: {name} is {value.shape}, expected "
                f"{core[name].shape}"
            )
    folded = {name: value.astype(np.float32) for name, value in core.items()}
    folded.update({name: value.astype(np.float32) for name, value in replaced.items()})
    for name, delta in deltas.items():
        folded[kernels[name]] = _project(core[kernels[name]], delta)
    return folded


def fold_batch_norms(network: FloatArrays, norms: Mapping[str, str]) -> Arrays:
    """Fold batch norms into the kernel and bias of the convolution before each of them.

    Computed in float64, returned as float32 arrays of a network without these batch norms.
    """
    folded = dict(network)
    for norm, conv in norms.items():
        scale, shift = _pop_batch_norm(folded, norm)
        kernel = folded[f"{conv}.weight"]
        bias = folded.get(f"{conv}.bias", np.zeros(len(kernel), np.float32))
        folded[f"{conv}.weight"] = (kernel * scale[:, None, None, None]).astype(np.float32)
        folded[f"{conv}.bias"] = (bias * scale + shift).astype(np.float32)
    return folded


def batch_norms_as_scales(network: FloatArrays) -> Arrays:
    """Replace each batch norm by its `scale` and `shift` (C, 1, 1), for arithmetic in float16.

    float16 cannot represent the variances, and not every runtime normalises float16 in float32.
    """
    scaled = dict(network)
    for name in [name for name in network if name.endswith(".running_var")]:
        norm = name.removesuffix(".running_var")
        for part, value in zip(("scale", "shift"), _pop_batch_norm(scaled, norm), strict=True):
            scaled[f"{norm}.{part}"] = value[:, None, None].astype(np.float32)
    return scaled


def _pop_batch_norm(
    arrays: Arrays, norm: str
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Remove a batch norm from the arrays; return scale and shift (C,): y = scale * x + shift."""
    parts = ("weight", "bias", "running_mean", "running_var")
    weight, bias, mean, variance = (arrays.pop(f"{norm}.{p}").astype(np.float64) for p in parts)
    scale = weight / np.sqrt(variance + BATCH_NORM_EPSILON)
    return scale, bias - mean * scale


def _project(
    kernel: npt.NDArray[np.float32], delta: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    if kernel.ndim < 2 or delta.shape != (kernel.shape[0], kernel.shape[0]):
        raise WeightsError(
            f"a projection of {delta.shape} does not match a kernel of {kernel.shape}: expected "
            f"{(kernel.shape[0], kernel.shape[0])}"
        )
    flat = kernel.reshape(len(kernel), -1).astype(np.float32)
    return (flat + delta.astype(np.float32) @ flat).reshape(kernel.shape)
