"""The features of a network in pictures, without torch."""

from __future__ import annotations

import numpy as np

from lmk.arrays import FloatArray, Images
from lmk.artifact.onnx_model import GraphOptions, build_onnx
from lmk.model.folder import Model
from lmk.system.errors import missing_extra
from lmk.system.runtime_packages import import_onnxruntime

BATCH = 16


def find_features(model: Model, images: Images) -> FloatArray:
    """Find the features (N, C, H * H), float32, that `Architecture.point_features` names.

    images uint8 RGB (N, S, S, 3), S the input size. Raises WeightsError, and UnavailableError
    without ONNX Runtime.
    """
    try:
        onnxruntime = import_onnxruntime()
    except ImportError as error:
        raise missing_extra("onnxruntime", "run") from error
    graph = build_onnx(model, GraphOptions(features=True)).SerializeToString()
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    parts = [
        session.run(["features"], {"images": images[start : start + BATCH]})[0]
        for start in range(0, len(images), BATCH)
    ]
    return np.concatenate(parts)
