"""Precisions read back from a graph: what the file says, not what was asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from lmk.system.errors import ParityError
from lmk.system.onnx_package import ModelProto, NodeProto, TensorProto, onnx

PRECISIONS: dict[int, str] = {TensorProto.FLOAT: "fp32", TensorProto.FLOAT16: "fp16"}


def conv_precisions(proto: ModelProto) -> dict[str, str]:
    """Precision of every convolution by name, in the graph's order.

    "int8" is one whose picture and kernel are both dequantised, which runtimes turn into integer
    arithmetic; otherwise it is its kernel's type.
    """
    kernels = {tensor.name: tensor.data_type for tensor in proto.graph.initializer}
    producers = {output: node for node in proto.graph.node for output in node.output}
    return {
        node.name: _precision(node, kernels, producers)
        for node in proto.graph.node
        if node.op_type == "Conv"
    }


def count(precisions: dict[str, str]) -> dict[str, int]:
    """Number of convolutions in each precision."""
    return dict(Counter(precisions.values()))


def require_precision(proto: ModelProto, precision: str, kept: Collection[str] = ()) -> None:
    """Raise ParityError unless every convolution but those `kept` has the precision asked for.

    The softmax of softargmax must be float32 in any case.
    """
    wrong = [
        f"{name} is {found}"
        for name, found in conv_precisions(proto).items()
        if found != ("fp32" if name in kept else precision)
    ]
    types = {
        value.name: value.type.tensor_type.elem_type
        for value in onnx.shape_inference.infer_shapes(proto).graph.value_info
    }
    for node in proto.graph.node:
        if node.op_type == "Softmax" and types[node.output[0]] != TensorProto.FLOAT:
            wrong.append(f"{node.name} is not float32")
    if wrong:
        raise ParityError(f"the graph is not {precision} throughout: {', '.join(wrong)}")


def _precision(node: NodeProto, kernels: dict[str, int], producers: dict[str, NodeProto]) -> str:
    image, kernel = node.input[:2]
    if kernel in kernels:
        return PRECISIONS.get(kernels[kernel], str(kernels[kernel]))
    both = (producers.get(image), producers.get(kernel))
    dequantized = all(p is not None and p.op_type == "DequantizeLinear" for p in both)
    return "int8" if dequantized else "fp32"
