"""Check the precisions of a graph: those of the file may differ from the requested one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from lmk.artifact.catalogue import PRECISIONS
from lmk.system.errors import ParityError
from lmk.system.onnx_package import ModelProto, NodeProto, TensorProto, onnx

KERNEL_TYPES = {getattr(TensorProto, p.onnx_type): p.name for p in PRECISIONS.values()}


def conv_precisions(proto: ModelProto) -> dict[str, str]:
    """Precision of every convolution by name, in the graph's order.

    It is the type of the kernel. A dequantised kernel counts as quantised only if its input is
    dequantised too, which runtimes turn into integer arithmetic; otherwise it counts as float32.
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
    """Raise ParityError unless every convolution except `kept` has the requested precision.

    The softmax of softargmax must always be float32.
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
        raise ParityError(f"expected a graph in {precision}: {', '.join(wrong)}")


def _precision(node: NodeProto, kernels: dict[str, int], producers: dict[str, NodeProto]) -> str:
    image, kernel = (producers.get(name) for name in node.input[:2])
    stored = node.input[1]
    if stored not in kernels:
        if not all(p is not None and p.op_type == "DequantizeLinear" for p in (image, kernel)):
            return "fp32"
        assert kernel is not None
        stored = kernel.input[0]
    return KERNEL_TYPES.get(kernels[stored], str(kernels[stored]))
