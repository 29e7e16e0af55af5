"""From lmk's own ONNX graphs to programs of Core ML: each function adds one operation.

A program is in MIL, the intermediate language of Core ML, and is built with coremltools' own
builder, which checks the types and shapes of every operation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from lmk.system.errors import UsageError
from lmk.system.onnx_package import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from lmk.system.runtime_packages import import_coremltools

TARGET = "iOS16"  # and macOS 13; no operation needs more. Every iPhone with a Neural Engine has it
PLANAR = [0, 3, 1, 2]  # of the picture: from (B, H, W, C) to (B, C, H, W)
TYPES = {int(TensorProto.FLOAT): "fp32", int(TensorProto.FLOAT16): "fp16"}


class Building:
    """The tensors of a program under construction, by their names in ONNX.

    mil: the builder. constants: those of the ONNX graph.
    """

    def __init__(self, mil: Any, proto: ModelProto) -> None:
        self.mil = mil
        self.constants = {one.name: numpy_helper.to_array(one) for one in proto.graph.initializer}
        self._tensors: dict[str, Any] = {}

    def name(self, name: str, tensor: Any) -> None:
        """Let a tensor of the program be the one of this name."""
        self._tensors[name] = tensor

    def operand(self, name: str) -> Any:
        """A tensor, or a constant of its type in ONNX."""
        return self._tensors[name] if name in self._tensors else self.constants[name][()]


Convert: TypeAlias = Callable[[Building, NodeProto, dict[str, Any]], Any]
"""Adds an operation for a node with these attributes; returns the tensor, or several."""


def program_of(proto: ModelProto) -> Any:
    """Turn a graph of lmk, in float32 or float16, into a program of the same precision.

    The input `images` becomes float32 (B, 3, H, W), RGB, 0 to 255, as Core ML gives pictures to a
    program; B is 1 for a graph whose batch is free. Raises UsageError for an operation that is not
    known here, and UnavailableError without coremltools.
    """
    coremltools = import_coremltools()
    from coremltools.converters.mil import Builder
    from coremltools.converters.mil.mil import types

    (image,) = proto.graph.input
    batch, *sizes = (size.dim_value for size in image.type.tensor_type.shape.dim)
    planar = (batch or 1, sizes[2], sizes[0], sizes[1])
    building = Building(Builder, proto)

    def main(images: Any) -> Any:
        building.name(image.name, images)
        for node in proto.graph.node:
            _add(building, node)
        return tuple(building.operand(one.name) for one in proto.graph.output)

    return Builder.program(
        input_specs=[Builder.TensorSpec(planar, types.fp32)],
        opset_version=getattr(coremltools.target, TARGET),
    )(main)


def _add(b: Building, node: NodeProto) -> None:
    if node.op_type not in CONVERTERS:
        raise UsageError(
            f"Core ML packages have no {node.op_type}, which {node.name} is: choose another format"
        )
    attributes = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    made = CONVERTERS[node.op_type](b, node, attributes)
    for name, tensor in zip(node.output, made if isinstance(made, list) else [made], strict=True):
        b.name(name, tensor)


def _elementwise(operation: str) -> Convert:
    """Of one tensor or two, of which one may be a constant."""

    def convert(b: Building, node: NodeProto, _: dict[str, Any]) -> Any:
        operands = dict(zip("xy", map(b.operand, node.input), strict=False))
        return getattr(b.mil, operation)(**operands, name=node.output[0])

    return convert


def _cast(b: Building, node: NodeProto, attributes: dict[str, Any]) -> Any:
    dtype = TYPES[attributes["to"]]
    return b.mil.cast(x=b.operand(node.input[0]), dtype=dtype, name=node.output[0])


def _transpose(b: Building, node: NodeProto, attributes: dict[str, Any]) -> Any:
    """The picture's, which Core ML does not need."""
    assert attributes["perm"] == PLANAR
    return b.operand(node.input[0])


def _conv(b: Building, node: NodeProto, attributes: dict[str, Any]) -> Any:
    picture, *weights = map(b.operand, node.input)
    top, left, bottom, right = attributes.get("pads", [0] * 4)
    return b.mil.conv(
        x=picture,
        **dict(zip(("weight", "bias"), weights, strict=False)),
        strides=attributes.get("strides", [1, 1]),
        pad_type="custom",
        pad=[top, bottom, left, right],
        groups=attributes.get("group", 1),
        name=node.output[0],
    )


def _norm(b: Building, node: NodeProto, attributes: dict[str, Any]) -> Any:
    picture, gamma, beta, mean, variance = map(b.operand, node.input)
    return b.mil.batch_norm(
        x=picture,
        mean=mean,
        variance=variance,
        gamma=gamma,
        beta=beta,
        epsilon=attributes["epsilon"],
        name=node.output[0],
    )


def _pool(b: Building, node: NodeProto, attributes: dict[str, Any]) -> Any:
    return b.mil.avg_pool(
        x=b.operand(node.input[0]),
        kernel_sizes=attributes["kernel_shape"],
        strides=attributes["strides"],
        pad_type="valid",
        name=node.output[0],
    )


def _enlarge(b: Building, node: NodeProto, _: dict[str, Any]) -> Any:
    height, width = b.constants[node.input[2]][2:].tolist()
    return b.mil.upsample_nearest_neighbor(
        x=b.operand(node.input[0]),
        scale_factor_height=int(height),
        scale_factor_width=int(width),
        name=node.output[0],
    )


def _concat(b: Building, node: NodeProto, attributes: dict[str, Any]) -> Any:
    values = [b.operand(name) for name in node.input]
    return b.mil.concat(values=values, axis=attributes["axis"], name=node.output[0])


def _reshape(b: Building, node: NodeProto, _: dict[str, Any]) -> Any:
    """With the sizes that ONNX copies written out."""
    tensor, sizes = b.operand(node.input[0]), b.constants[node.input[1]].tolist()
    shape = [size or tensor.shape[place] for place, size in enumerate(sizes)]
    return b.mil.reshape(x=tensor, shape=shape, name=node.output[0])


def _softmax(b: Building, node: NodeProto, attributes: dict[str, Any]) -> Any:
    return b.mil.softmax(x=b.operand(node.input[0]), axis=attributes["axis"], name=node.output[0])


def _sum(b: Building, node: NodeProto, attributes: dict[str, Any]) -> Any:
    return b.mil.reduce_sum(
        x=b.operand(node.input[0]),
        axes=b.constants[node.input[1]].tolist(),
        keep_dims=bool(attributes.get("keepdims", 1)),
        name=node.output[0],
    )


def _dense(b: Building, node: NodeProto, _: dict[str, Any]) -> Any:
    row, weight, bias = map(b.operand, node.input)
    return b.mil.linear(x=row, weight=weight.T, bias=bias, name=node.output[0])


def _matmul(b: Building, node: NodeProto, _: dict[str, Any]) -> Any:
    """Of tensors with a batch, which a constant is given."""
    operands = {
        side: tensor.reshape(-1, *tensor.shape[-2:]) if isinstance(tensor, np.ndarray) else tensor
        for side, tensor in zip("xy", map(b.operand, node.input), strict=True)
    }
    return b.mil.matmul(**operands, name=node.output[0])


def _split(b: Building, node: NodeProto, attributes: dict[str, Any]) -> Sequence[Any]:
    sizes = b.constants[node.input[1]].tolist()
    parts = b.mil.split(x=b.operand(node.input[0]), split_sizes=sizes, axis=attributes["axis"])
    for part, name in zip(parts, node.output, strict=True):
        part.name = name
    return list(parts)


CONVERTERS: dict[str, Convert] = {
    "Add": _elementwise("add"),
    "AveragePool": _pool,
    "BatchNormalization": _norm,
    "Cast": _cast,
    "Concat": _concat,
    "Conv": _conv,
    "Div": _elementwise("real_div"),
    "Gemm": _dense,
    "Identity": _elementwise("identity"),
    "LessOrEqual": _elementwise("less_equal"),
    "MatMul": _matmul,
    "Max": _elementwise("maximum"),
    "Mul": _elementwise("mul"),
    "ReduceSum": _sum,
    "Relu": _elementwise("relu"),
    "Reshape": _reshape,
    "Resize": _enlarge,
    "Softmax": _softmax,
    "Split": _split,
    "Sub": _elementwise("sub"),
    "Transpose": _transpose,
}
"""All nodes that a graph of lmk may have."""
