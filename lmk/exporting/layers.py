"""Find the layers of an exported graph that cause a difference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from lmk.arrays import Arrays
from lmk.artifact.onnx_model import repeat_for
from lmk.system.errors import missing_extra
from lmk.system.onnx_package import ModelProto, TensorProto, helper, shape_inference
from lmk.system.runtime_packages import import_onnxruntime


def layer_errors(
    reference: ModelProto, candidate: ModelProto, image: npt.NDArray[np.uint8]
) -> dict[str, float]:
    """Error that each convolution of the candidate adds by itself, relative to its output's norm.

    Both convolutions get the input of the candidate's, so that errors of earlier layers do not
    count. `image` is uint8 RGB (S, S, 3). Largest first.
    """
    convs = [node for node in reference.graph.node if node.op_type == "Conv"]
    wanted = sorted({name for node in convs for name in (node.input[0], node.output[0])})
    found = _run(_with_outputs(candidate, wanted), wanted, {"images": repeat_for(candidate, image)})
    inputs = {node.input[0]: found[node.input[0]] for node in convs}
    outputs = [node.output[0] for node in convs]
    alone = _run(_convolutions(reference, list(inputs)), outputs, inputs)
    errors = {
        name.removesuffix(".out"): float(
            np.linalg.norm(found[name] - alone[name]) / max(np.linalg.norm(alone[name]), 1e-12)
        )
        for name in outputs
    }
    return dict(sorted(errors.items(), key=lambda item: -item[1]))


def describe_layers(errors: dict[str, float], count: int = 3) -> str:
    """Name the layers that add the largest errors by themselves."""
    return ", ".join(f"{name} {error:.1%}" for name, error in list(errors.items())[:count])


def _with_outputs(proto: ModelProto, names: list[str]) -> ModelProto:
    inferred = shape_inference.infer_shapes(proto)
    known = {value.name: value for value in inferred.graph.value_info}
    inferred.graph.output.extend(known[name] for name in names)
    return inferred


def _convolutions(proto: ModelProto, inputs: list[str]) -> ModelProto:
    """A graph of the convolutions only, each with its own input."""
    convs = [node for node in proto.graph.node if node.op_type == "Conv"]
    used = {name for node in convs for name in node.input[1:]}
    graph = helper.make_graph(
        convs,
        "convolutions",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in inputs],
        [helper.make_tensor_value_info(n.output[0], TensorProto.FLOAT, None) for n in convs],
        [tensor for tensor in proto.graph.initializer if tensor.name in used],
    )
    return helper.make_model(graph, opset_imports=proto.opset_import, ir_version=proto.ir_version)


def _run(proto: ModelProto, outputs: list[str], inputs: Mapping[str, npt.NDArray[Any]]) -> Arrays:
    try:
        onnxruntime = import_onnxruntime()
    except ImportError as error:
        raise missing_extra("onnxruntime", "run") from error
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    values = session.run(outputs, inputs)
    return {name: value.astype(np.float32) for name, value in zip(outputs, values, strict=True)}
