"""Operations and bytes of an ONNX graph, counted node by node from its shapes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lmk.artifact.catalogue import PRECISIONS
from lmk.system.errors import UsageError
from lmk.system.onnx_package import ModelProto, NodeProto, TensorProto, helper, shape_inference

# Operations per number of the output; what is not named here moves numbers or is fused.
ARITHMETIC = {
    "Add": 1,
    "Sub": 1,
    "Mul": 1,
    "Div": 1,
    "Relu": 1,
    "BatchNormalization": 2,  # as scale and shift
    "LessOrEqual": 1,
    "Softmax": 3,  # exponential, sum, division
}

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Cost:
    """The operations of one inference.

    macs: multiply-adds of convolutions and matrix products. other_operations: all other arithmetic.
    weights, activations: numbers that a convolution or product reads or writes, with all other
    nodes fused into it: each weight once, each input and output.
    """

    macs: int
    other_operations: int
    weights: int
    activations: int

    @property
    def operations(self) -> int:
        """Operations of convolutions and products, a multiply-add being two."""
        return 2 * self.macs

    def bytes(self, precision: str) -> int:
        """Bytes moved when weights and activations are stored in this precision."""
        return round((self.weights + self.activations) * PRECISIONS[precision].bytes)


def count(proto: ModelProto) -> Cost:
    """Count a graph whose shapes are all fixed. Raises UsageError for a free shape."""
    shapes = _shapes(proto)
    constants = {tensor.name for tensor in proto.graph.initializer}
    macs = other = weights = activations = 0
    for node in proto.graph.node:
        output = shapes.get(node.output[0])
        if output is None:
            raise UsageError(
                f"the shape of {node.output[0]} is not fixed: fix the graph's batch size"
            )
        depth = _depth(node, shapes)
        if depth:
            macs += math.prod(output) * depth
            read = [name for name in node.input[:2] if name not in constants]
            weights += sum(math.prod(shapes[name]) for name in node.input if name in constants)
            activations += sum(math.prod(shapes[name]) for name in read) + math.prod(output)
        elif node.op_type == "AveragePool":
            other += math.prod(output) * math.prod(_attribute(node, "kernel_shape"))
        elif node.op_type == "ReduceSum":
            other += math.prod(shapes[node.input[0]])
        else:
            other += math.prod(output) * ARITHMETIC.get(node.op_type, 0)
    return Cost(macs, other, weights, activations)


def _depth(node: NodeProto, shapes: dict[str, Shape]) -> int:
    """Multiply-adds per number of the output; 0 for other nodes."""
    if node.op_type == "Conv":
        return math.prod(shapes[node.input[1]][1:])  # channels of a group, kernel height and width
    if node.op_type == "MatMul":
        return shapes[node.input[0]][-1]
    if node.op_type == "Gemm":
        transposed = any(a.name == "transA" and a.i for a in node.attribute)
        return shapes[node.input[0]][0 if transposed else 1]
    return 0


def _attribute(node: NodeProto, name: str) -> Shape:
    found = next(a for a in node.attribute if a.name == name)
    return tuple(helper.get_attribute_value(found))


def _shapes(proto: ModelProto) -> dict[str, Shape]:
    """Shapes of all tensors with fixed sizes."""
    graph = shape_inference.infer_shapes(proto, data_prop=True).graph
    shapes: dict[str, Shape] = {t.name: tuple(t.dims) for t in graph.initializer}
    for value in (*graph.input, *graph.output, *graph.value_info):
        kind = value.type.tensor_type
        sizes = [d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim]
        known = tuple(size for size in sizes if size is not None)
        if kind.elem_type != TensorProto.UNDEFINED and len(known) == len(sizes):
            shapes[value.name] = known
    return shapes
