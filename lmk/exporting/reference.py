"""The landmarks and points that an exported file is compared with."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from lmk.arrays import FloatArray, Images
from lmk.inference.backends.base import Inferred
from lmk.model.folder import Model
from lmk.system.errors import missing_extra

Reference = Literal["network", "onnx"]
NAMES = {"network": "the torch network", "onnx": "the float32 ONNX graph"}
BATCH = 32


def reference_places(
    model: Model, crops: npt.NDArray[np.uint8], reference: Reference
) -> FloatArray:
    """Landmarks, then named points (N, K + P, 2) in input pixels for RGB crops (N, S, S, 3).

    "network" is the torch network as it was trained, with separate projections; "onnx" the float32
    graph in ONNX Runtime, for machines without torch. Raises UnavailableError without the package.
    """
    if reference == "onnx":
        return _onnx_places(model, crops)
    return _network_places(model, crops)


def _network_places(model: Model, crops: npt.NDArray[np.uint8]) -> FloatArray:
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise missing_extra("torch", "train") from error
    from lmk.inference.backends.torch import run_network
    from lmk.networks.load import load_network

    network, beta = load_network(model, folded=False)
    return _in_parts(partial(run_network, network, beta, model.point_map()), crops)


def _onnx_places(model: Model, crops: npt.NDArray[np.uint8]) -> FloatArray:
    from lmk.artifact.onnx_model import build_onnx, save_onnx
    from lmk.inference.backends.onnxruntime import OnnxRuntimeBackend

    with tempfile.TemporaryDirectory(prefix="lmk-") as folder:
        path = Path(folder) / "reference.onnx"
        save_onnx(build_onnx(model), path)
        backend = OnnxRuntimeBackend(str(path), "cpu")
        return _in_parts(backend.infer, crops)


def _in_parts(infer: Callable[[Images], Inferred], crops: Images) -> FloatArray:
    parts = [infer(crops[start : start + BATCH]) for start in range(0, len(crops), BATCH)]
    return np.concatenate([part.places for part in parts])
