"""From lmk's own ONNX graphs to ncnn: each function adds the layers of one node."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from lmk.artifact.ncnn import layers as kinds
from lmk.artifact.ncnn.building import Building, with_copies
from lmk.artifact.ncnn.layers import ABSENT
from lmk.artifact.ncnn.network import NcnnNetwork
from lmk.system.errors import UsageError
from lmk.system.onnx_package import ModelProto, NodeProto, helper, numpy_helper

BINARY = {
    "Add": kinds.ADD,
    "Sub": kinds.SUB,
    "Mul": kinds.MUL,
    "Div": kinds.DIV,
    "Max": kinds.MAX,
}
REVERSED = BINARY | {"Sub": kinds.FROM, "Div": kinds.SHARE}
"""Of a number and a tensor, where ncnn wants the tensor first."""


def ncnn_of(proto: ModelProto, half: bool = False) -> NcnnNetwork:
    """Turn a float32 graph of lmk into a network for ncnn, which computes it in float32.

    The input `images` becomes float32 (3, S, S), RGB, 0 to 255, as `ncnn::Mat::from_pixels` gives
    it; all tensors lose their batch. half: whether kernels are stored in float16, but for the
    head's. Raises UsageError for an operation that is not known here, and WeightsError for kernels
    that float16 does not hold.
    """
    graph = Building({one.name: numpy_helper.to_array(one) for one in proto.graph.initializer})
    size = proto.graph.input[0].type.tensor_type.shape.dim[1].dim_value
    graph.add("Input", [], ["images"], {0: size, 1: size, 2: 3})
    readers = Counter(name for node in proto.graph.node for name in node.input)
    kernels = [node.name for node in proto.graph.node if node.op_type == "Conv"]
    for node in proto.graph.node:
        if node.op_type == "Conv":
            _convolution(graph, node, half and node.name != kernels[-1])
        elif node.op_type == "Relu" and readers[node.input[0]] == 1 and _fused(graph, node):
            continue
        elif node.op_type in ADDS:
            ADDS[node.op_type](graph, node)
        else:
            raise UsageError(
                f"ncnn files have no {node.op_type}, which {node.name} is: choose another format"
            )
    outputs = [value.name for value in proto.graph.output]
    metadata = {entry.key: entry.value for entry in proto.metadata_props}
    return NcnnNetwork(with_copies(graph.layers, outputs), bytes(graph.weights), metadata)


def _attributes(node: NodeProto) -> dict[str, Any]:
    return {one.name: helper.get_attribute_value(one) for one in node.attribute}


def _convolution(graph: Building, node: NodeProto, half: bool) -> None:
    picture, kernel, *bias = node.input
    values, geometry = graph.constants[kernel], _attributes(node)
    params = {
        0: values.shape[0],
        1: values.shape[2],
        3: geometry.get("strides", [1])[0],
        4: geometry.get("pads", [0])[0],
        5: len(bias),
        6: values.size,
        9: 0,
    }
    graph.add("Convolution", [picture], node.output, params)
    graph.add_kernel(values, half)
    for name in bias:
        graph.add_weights(graph.constants[name])


def _fused(graph: Building, node: NodeProto) -> bool:
    fused = graph.fuse_relu(node.input[0])
    if fused:
        graph.alias(node.output[0], node.input[0])
    return fused


def _norm(graph: Building, node: NodeProto) -> None:
    picture, weight, bias, mean, variance = node.input
    channels = graph.constants[weight].size
    graph.add("BatchNorm", [picture], node.output, {0: channels, 1: _attributes(node)["epsilon"]})
    for name in (weight, mean, variance, bias):
        graph.add_weights(graph.constants[name])


def _dense(graph: Building, node: NodeProto) -> None:
    row, weights, bias = node.input
    values = graph.constants[weights]
    graph.add("InnerProduct", [row], node.output, {0: values.shape[1], 1: 1, 2: values.size})
    graph.add_kernel(values.T)
    graph.add_weights(graph.constants[bias])


def _nothing(graph: Building, node: NodeProto) -> None:
    """Types are those of ncnn, which also has the channels of pictures first."""
    graph.alias(node.output[0], node.input[0])


def _binary(graph: Building, node: NodeProto) -> None:
    one, other = node.input
    for tensor, number, operations in ((one, other, BINARY), (other, one, REVERSED)):
        if (value := graph.scalar(number)) is not None:
            _with_number(graph, tensor, operations[node.op_type], value, node.output)
            return
    graph.add("BinaryOp", [one, other], node.output, {0: BINARY[node.op_type], 1: 0, 2: 0.0})


def _with_number(
    graph: Building, tensor: str, operation: int, value: float, outputs: Sequence[str]
) -> None:
    graph.add("BinaryOp", [tensor], outputs, {0: operation, 1: 1, 2: value})


def _at_most(graph: Building, node: NodeProto) -> None:
    """1 where a tensor is at most a number, else 0: ncnn has only the opposite."""
    more = f"{node.output[0]}.more"
    graph.add("Threshold", [node.input[0]], [more], {0: graph.scalar(node.input[1]) or 0.0})
    _with_number(graph, more, kinds.FROM, 1.0, node.output)


def _reshaped(graph: Building, node: NodeProto) -> None:
    sizes = graph.constants[node.input[1]].tolist()
    given = (1, *graph.shape(node.input[0]))
    sizes = [given[i] if size == 0 else size for i, size in enumerate(sizes)][1:]
    free = 1
    for size in given:
        free *= size
    for size in sizes:
        free //= size if size > 0 else 1
    *height, width = (free if size < 0 else size for size in sizes)
    params = {0: width, 1: height[0] if height else ABSENT}
    graph.add("Reshape", [node.input[0]], node.output, params)


def _summed(graph: Building, node: NodeProto) -> None:
    axis = _axis(graph, node, int(graph.scalar(node.input[1]) or 0))
    params = {0: 0, 1: 0, 3: (axis,), 4: _attributes(node).get("keepdims", 1), 5: 1}
    graph.add("Reduction", [node.input[0]], node.output, params)


def _cut(graph: Building, node: NodeProto) -> None:
    sizes = tuple(graph.constants[node.input[1]].tolist())
    axis = _axis(graph, node, _attributes(node)["axis"])
    graph.add("Slice", [node.input[0]], node.output, {0: sizes, 1: axis})


def _joined(graph: Building, node: NodeProto) -> None:
    axis = _axis(graph, node, _attributes(node)["axis"])
    graph.add("Concat", node.input, node.output, {0: axis})


def _axis(graph: Building, node: NodeProto, axis: int) -> int:
    """An axis without the batch, counted from the first."""
    return axis % (len(graph.shape(node.input[0])) + 1) - 1


def _plain(kind: str, params: dict[int, Any]) -> Callable[[Building, NodeProto], None]:
    def add(graph: Building, node: NodeProto) -> None:
        inputs = node.input[:1] if kind == "Interp" else node.input  # whose others are sizes
        graph.add(kind, inputs, node.output, params)

    return add


ADDS: dict[str, Callable[[Building, NodeProto], None]] = {
    "Cast": _nothing,
    "Transpose": _nothing,
    **dict.fromkeys(BINARY, _binary),
    "BatchNormalization": _norm,
    "Relu": _plain("ReLU", {}),
    "AveragePool": _plain("Pooling", {0: 1, 1: 2, 2: 2, 5: 1}),
    "Resize": _plain("Interp", {0: 1, 1: 2.0, 2: 2.0}),
    "Concat": _joined,
    "Reshape": _reshaped,
    "Softmax": _plain("Softmax", {0: 1, 1: 1}),
    "ReduceSum": _summed,
    "LessOrEqual": _at_most,
    "Gemm": _dense,
    "MatMul": _plain("MatMul", {0: 0}),
    "Split": _cut,
    "Identity": _plain("Noop", {}),
}
