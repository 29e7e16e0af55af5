"""The landmarks that an exported file is compared with."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from lmk.arrays import FloatArray
from lmk.model.folder import Model
from lmk.system.errors import missing_extra

Reference = Literal["network", "onnx"]
NAMES = {"network": "the torch network", "onnx": "the float32 ONNX graph"}
BATCH = 32


def reference_landmarks(
    model: Model, crops: npt.NDArray[np.uint8], reference: Reference
) -> FloatArray:
    """Landmarks (N, K, 2) in input pixels for uint8 RGB crops (N, S, S, 3).

    "network" is the torch network as it was trained, with separate projections; "onnx" the float32
    graph in ONNX Runtime, for machines without torch. Raises UnavailableError without the package.
    """
    if reference == "onnx":
        return _onnx_landmarks(model, crops)
    return _network_landmarks(model, crops)


def _network_landmarks(model: Model, crops: npt.NDArray[np.uint8]) -> FloatArray:
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise missing_extra("torch", "train") from error
    from lmk.networks.detect import detect
    from lmk.networks.load import load_network

    return detect(*load_network(model, folded=False), crops)[0]


def _onnx_landmarks(model: Model, crops: npt.NDArray[np.uint8]) -> FloatArray:
    from lmk.artifact.onnx_model import build_onnx, save_onnx
    from lmk.inference.backends.onnxruntime import OnnxRuntimeBackend

    with tempfile.TemporaryDirectory(prefix="lmk-") as folder:
        path = Path(folder) / "reference.onnx"
        save_onnx(build_onnx(model), path)
        backend = OnnxRuntimeBackend(str(path), "cpu")
        parts = [backend.infer(crops[i : i + BATCH])[0] for i in range(0, len(crops), BATCH)]
    return np.concatenate(parts)
