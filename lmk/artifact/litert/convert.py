"""Turn an ONNX graph of lmk into a LiteRT graph, whose pictures are (B, H, W, C)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, TypeAlias

from lmk.artifact.litert import convolutions
from lmk.artifact.litert.building import Building
from lmk.artifact.litert.graph import FREE, NONE, VALID, Graph
from lmk.artifact.litert.quantized import without_qdq
from lmk.artifact.litert.write import type_number
from lmk.system.onnx_package import ModelProto, NodeProto, helper, shape_inference

PLANAR = (0, 3, 1, 2)  # from (B, H, W, C) to (B, C, H, W), which ONNX has
CHANNELS, PLANAR_CHANNELS = 3, 1
WITH_RELU = ("Conv", "Add", "BatchNormalization")

Convert: TypeAlias = Callable[[Building, NodeProto], None]
More: TypeAlias = Callable[[Building, NodeProto], tuple[list[int], dict[str, Any]]]


def to_litert(proto: ModelProto, half_kernels: bool = False) -> Graph:
    """Convert a graph of `build_onnx`, also in int8.

    half_kernels: store the kernels in float16, from which they are turned into float32 when the
    file is loaded.
    """
    quantized = without_qdq(proto)
    fused = _fused(quantized.nodes, [one.name for one in proto.graph.output])
    (image,) = proto.graph.input
    shapes = _shapes(proto) | {image.name: _sizes(image)}
    b = Building(quantized, shapes, fused, half_kernels)
    inputs = (b.result(image.name, "uint8"),)
    for node in quantized.nodes:
        if node.op_type != "Relu" or node.output[0] not in fused.values():
            CONVERTERS[node.op_type](b, node)
    outputs = tuple(b.real(one.name) for one in proto.graph.output)
    metadata = {entry.key: entry.value for entry in proto.metadata_props}
    return Graph(tuple(b.tensors), tuple(b.operations), inputs, outputs, metadata)


def _shapes(proto: ModelProto) -> dict[str, tuple[int, ...]]:
    """Shapes of all tensors, those of pictures as LiteRT has them."""
    graph = shape_inference.infer_shapes(proto, data_prop=True).graph
    shapes = {one.name: _sizes(one) for one in (*graph.value_info, *graph.output)}
    return {
        name: (shape[0], *shape[2:], shape[1]) if len(shape) == 4 else shape
        for name, shape in shapes.items()
    }


def _sizes(value: Any) -> tuple[int, ...]:
    return tuple(size.dim_value or FREE for size in value.type.tensor_type.shape.dim)


def _fused(nodes: list[NodeProto], kept: list[str]) -> dict[str, str]:
    """The ReLUs that become part of the operation before them: its output to theirs."""
    uses = Counter([name for node in nodes for name in node.input] + kept)
    able = {node.output[0] for node in nodes if node.op_type in WITH_RELU}
    return {
        node.input[0]: node.output[0]
        for node in nodes
        if node.op_type == "Relu" and node.input[0] in able and uses[node.input[0]] == 1
    }


def _attribute(node: NodeProto, name: str, default: Any = None) -> Any:
    found = (one for one in node.attribute if one.name == name)
    return next(map(helper.get_attribute_value, found), default)


def _arithmetic(kind: str) -> Convert:
    def convert(b: Building, node: NodeProto) -> None:
        output, relu = b.after_relu(node.output[0])
        whole = kind == "ADD" and {*node.input, output} <= b.ranges.keys()
        place = b.whole if whole else b.real
        inputs = [place(name) for name in node.input]
        result = b.whole_result(output) if whole else b.result(output)
        b.operate(kind, inputs, [result], fusedActivationFunction=relu)

    return convert


def _plain(kind: str, dtype: str = "float32", **options: Any) -> Convert:
    def convert(b: Building, node: NodeProto) -> None:
        inputs = [b.real(name) for name in node.input]
        b.operate(kind, inputs, [b.result(node.output[0], dtype)], **options)

    return convert


def _cast(b: Building, node: NodeProto) -> None:
    before, after = b.real(node.input[0]), node.output[0]
    b.shapes[after] = b.tensors[before].shape  # of a picture, which ONNX has as LiteRT here
    numbers = {"inDataType": type_number(b.tensors[before].dtype)}
    numbers["outDataType"] = type_number("float32")
    b.operate("CAST", [before], [b.result(after)], **numbers)


def _transpose(b: Building, node: NodeProto) -> None:
    """The picture's, which LiteRT does not need."""
    assert tuple(_attribute(node, "perm")) == PLANAR
    b.name(node.output[0], b.real(node.input[0]))


def _planar(b: Building, name: str, output: str = "") -> int:
    """A picture or heatmaps as ONNX has them, (B, C, H, W)."""
    before = b.real(name)
    shape = tuple(b.tensors[before].shape[axis] for axis in PLANAR)
    after = b.between(output or f"{name}.planar", before, shape)
    b.operate("TRANSPOSE", [before, b.integers(f"{name}.order", PLANAR)], [after])
    return after


def _identity(b: Building, node: NodeProto) -> None:
    """Of the heatmaps, which are an output."""
    b.name(node.output[0], _planar(b, node.input[0], node.output[0]))


def _reshape(b: Building, node: NodeProto) -> None:
    name, output = node.input[0], node.output[0]
    before = _planar(b, name) if len(b.shapes[name]) == 4 else b.real(name)
    shape = b.integers(f"{output}.shape", b.shapes[output])
    b.operate("RESHAPE", [before, shape], [b.result(output)])


def _relu(b: Building, node: NodeProto) -> None:
    before, after = node.input[0], node.output[0]
    if {before, after} <= b.ranges.keys():
        b.operate("RELU", [b.whole(before)], [b.whole_result(after)])
    else:
        b.operate("RELU", [b.real(before)], [b.result(after)])


def _concat(b: Building, node: NodeProto) -> None:
    rank, axis = len(b.shapes[node.output[0]]), _attribute(node, "axis")
    axis = CHANNELS if rank == 4 and axis == PLANAR_CHANNELS else axis % rank
    inputs, output = [b.real(name) for name in node.input], b.result(node.output[0])
    b.operate("CONCATENATION", inputs, [output], axis=axis, fusedActivationFunction=NONE)


def _moved(kind: str, more: More) -> Convert:
    """Operations whose outputs are quantized as their inputs."""

    def convert(b: Building, node: NodeProto) -> None:
        before, after = node.input[0], node.output[0]
        whole = before in b.ranges
        others, options = more(b, node)
        inputs = [b.whole(before) if whole else b.real(before), *others]
        output = b.whole_result(after) if whole else b.result(after)
        b.operate(kind, inputs, [output], **options)

    return convert


def _pool(_: Building, node: NodeProto) -> tuple[list[int], dict[str, Any]]:
    height, width = _attribute(node, "kernel_shape")
    down, right = _attribute(node, "strides")
    options = {"padding": VALID, "strideW": right, "strideH": down, "filterWidth": width}
    return [], {**options, "filterHeight": height, "fusedActivationFunction": NONE}


def _twice(b: Building, node: NodeProto) -> tuple[list[int], dict[str, Any]]:
    output = node.output[0]
    sizes = b.integers(f"{output}.sizes", b.shapes[output][1:3])
    return [sizes], {"alignCorners": False, "halfPixelCenters": False}


def _sum(b: Building, node: NodeProto) -> None:
    name, output = node.input[0], node.output[0]
    axes = b.constants[node.input[1]] % len(b.shapes[name])
    inputs = [b.real(name), b.integers(f"{output}.axes", axes)]
    b.operate("SUM", inputs, [b.result(output)], keepDims=bool(_attribute(node, "keepdims", 1)))


def _split(b: Building, node: NodeProto) -> None:
    name = node.input[0]
    sizes = b.integers(f"{name}.sizes", b.constants[node.input[1]])
    axis = b.integers(f"{name}.axis", _attribute(node, "axis"))
    outputs = [b.result(output) for output in node.output]
    b.operate("SPLIT_V", [b.real(name), sizes, axis], outputs, numSplits=len(outputs))


def _matmul(b: Building, node: NodeProto) -> None:
    for name in node.input:
        if name in b.constants:
            values = b.constants[name]
            b.constants[name] = values.reshape(1, *values.shape[-2:])
    inputs = [b.real(name) for name in node.input]
    b.operate("BATCH_MATMUL", inputs, [b.result(node.output[0])], adjX=False, adjY=False)


def _gemm(b: Building, node: NodeProto) -> None:
    name, weights, bias = node.input
    inputs = [b.real(name), b.constant(weights, b.constants[weights].T), b.real(bias)]
    b.operate("FULLY_CONNECTED", inputs, [b.result(node.output[0])], fusedActivationFunction=NONE)


CONVERTERS: dict[str, Convert] = {
    "Add": _arithmetic("ADD"),
    "AveragePool": _moved("AVERAGE_POOL_2D", _pool),
    "BatchNormalization": convolutions.batch_norm,
    "Cast": _cast,
    "Concat": _concat,
    "Conv": convolutions.conv,
    "Div": _arithmetic("DIV"),
    "Gemm": _gemm,
    "Identity": _identity,
    "LessOrEqual": _plain("LESS_EQUAL", "bool"),
    "MatMul": _matmul,
    "Max": _plain("MAXIMUM"),
    "Mul": _arithmetic("MUL"),
    "ReduceSum": _sum,
    "Relu": _relu,
    "Reshape": _reshape,
    "Resize": _moved("RESIZE_NEAREST_NEIGHBOR", _twice),
    "Softmax": _plain("SOFTMAX", beta=1.0),
    "Split": _split,
    "Sub": _arithmetic("SUB"),
    "Transpose": _transpose,
}
"""All nodes that a graph of lmk may have."""
