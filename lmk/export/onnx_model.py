"""A model folder as one ONNX file, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, helper

import lmk
from lmk.export import graph
from lmk.export.nodes import Nodes
from lmk.files import replacing
from lmk.geometry import HEATMAP_SIZE, INPUT_SIZE, STRIDE
from lmk.model.fold import PROJECTION
from lmk.model.folder import Model
from lmk.model.weights import Arrays

OPSET = 17
IR_VERSION = 8  # the one of opset 17's time, which older runtimes still read
SCHEMA_VERSION = 1


def build_onnx(model: Model, fold_projections: bool = True, heatmaps: bool = False) -> ModelProto:
    """Write a model as an ONNX graph.

    Input `images`, uint8 RGB (B, 128, 128, 3); outputs `landmarks`, float32 (B, K, 2), (x, y) in
    input pixels, `scores`, float32 (B, K), the softmax mass within 2 heatmap pixels of the
    landmark, and on request `heatmaps`, float32 (B, K, 32, 32). Raises WeightsError.
    """
    weights = model.folded() if fold_projections else _projections_as_kernels(model.unfolded())
    nodes = Nodes(weights)
    raw = graph.hourglass(nodes, graph.image_to_float(nodes, "images"))
    graph.softargmax(nodes, raw, model.manifest.softargmax_beta)
    if heatmaps:
        nodes.add("Identity", [raw], "heatmaps")
    nodes.check_complete()
    proto = helper.make_model(
        helper.make_graph(
            nodes.nodes,
            f"lmk-{model.manifest.name}",
            [_value("images", TensorProto.UINT8, INPUT_SIZE, INPUT_SIZE, 3)],
            _outputs(model.manifest.num_landmarks, heatmaps),
            list(nodes.initializers.values()),
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="lmk",
        producer_version=lmk.__version__,
    )
    set_metadata(proto, _describe(model, fold_projections))
    onnx.checker.check_model(proto, full_check=True)
    return proto


def set_metadata(proto: ModelProto, values: Mapping[str, str]) -> None:
    """Add entries to the file's metadata_props, replacing those of the same name."""
    merged = {entry.key: entry.value for entry in proto.metadata_props} | dict(values)
    helper.set_model_props(proto, merged)


def save_onnx(proto: ModelProto, path: Path) -> None:
    """Write the file whole or not at all. Raises OutputError."""
    with replacing(path) as temporary:
        temporary.write_bytes(proto.SerializeToString())


def _describe(model: Model, fold_projections: bool) -> dict[str, str]:
    manifest = model.manifest
    adapted = manifest.core is not None
    return {
        "lmk_version": lmk.__version__,
        "schema_version": str(SCHEMA_VERSION),
        "task": "landmarks",
        "name": manifest.name,
        "num_landmarks": str(manifest.num_landmarks),
        "input": f"images uint8 (B, {INPUT_SIZE}, {INPUT_SIZE}, 3)",
        "color": "RGB",
        "stride": str(STRIDE),
        "softargmax_beta": str(manifest.softargmax_beta),
        "folded_projections": str(fold_projections and adapted).lower(),
        "core_sha256": manifest.core.sha256 if manifest.core else "",
        "weights_sha256": manifest.weights_sha256,
        "precision": "fp32",
    }


def _outputs(num_landmarks: int, heatmaps: bool) -> list[onnx.ValueInfoProto]:
    outputs = [
        _value("landmarks", TensorProto.FLOAT, num_landmarks, 2),
        _value("scores", TensorProto.FLOAT, num_landmarks),
    ]
    if heatmaps:
        size = (HEATMAP_SIZE, HEATMAP_SIZE)
        outputs.append(_value("heatmaps", TensorProto.FLOAT, num_landmarks, *size))
    return outputs


def _value(name: str, kind: int, *shape: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, ["batch", *shape])


def _projections_as_kernels(arrays: Arrays) -> Arrays:
    """Turn each delta (Co, Co) into the 1x1 kernel (Co, Co, 1, 1) of I + delta."""
    kernels = dict(arrays)
    for name in [name for name in arrays if name.endswith(PROJECTION)]:
        delta = kernels.pop(name)
        matrix = np.eye(len(delta), dtype=np.float32) + delta
        kernels[name.removesuffix(PROJECTION) + ".projection"] = matrix[:, :, None, None]
    return kernels
