"""Read a QDQ graph as a float graph, with the quantization of its tensors beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lmk.artifact.litert.graph import Array, Quantization
from lmk.system.onnx_package import ModelProto, NodeProto, numpy_helper

LOWEST, HIGHEST = -128, 127  # of int8
KEEPING = ("Resize", "AveragePool")  # whose outputs are quantized as their inputs


@dataclass(frozen=True, eq=False)
class Quantized:
    """A float graph, and how its tensors are quantized in int8.

    constants: by name; of quantized ones what they stand for. kernels: the quantized ones, with a
    scale per output channel. ranges: of the tensors that are computed.
    """

    nodes: list[NodeProto]
    constants: dict[str, Array]
    kernels: dict[str, tuple[Array, Array]] = field(default_factory=dict)
    ranges: dict[str, Quantization] = field(default_factory=dict)


def without_qdq(proto: ModelProto) -> Quantized:
    """Take the nodes QuantizeLinear and DequantizeLinear out of a graph; it may have none."""
    constants = {one.name: numpy_helper.to_array(one) for one in proto.graph.initializer}
    found = Quantized([], constants)
    original: dict[str, str] = {}
    for node in proto.graph.node:
        if node.op_type == "QuantizeLinear":
            found.ranges[node.input[0]] = _quantization(node, constants)
            original[node.output[0]] = node.input[0]
    for node in proto.graph.node:
        if node.op_type == "DequantizeLinear":
            source, output = node.input[0], node.output[0]
            if source in original:
                original[output] = original[source]
            else:
                _dequantize(node, found)
    for node in proto.graph.node:
        if node.op_type not in ("QuantizeLinear", "DequantizeLinear"):
            copy = NodeProto()
            copy.CopyFrom(node)
            copy.input[:] = [original.get(name, name) for name in node.input]
            found.nodes.append(copy)
    _complete(found.nodes, found.ranges)
    return found


def _quantization(node: NodeProto, constants: dict[str, Array]) -> Quantization:
    """In int8, also of uint8: both have 256 numbers."""
    scale, zero = (constants[name] for name in node.input[1:])
    moved = 128 if zero.dtype == np.uint8 else 0
    return Quantization((float(scale),), (int(zero) - moved,))


def _dequantize(node: NodeProto, found: Quantized) -> None:
    """Add a constant: a kernel in int8, or a bias in int32."""
    numbers, scale = (found.constants[name] for name in node.input[:2])
    along = np.reshape(scale, (-1, *[1] * (numbers.ndim - 1)))
    found.constants[node.output[0]] = (numbers * along).astype(np.float32)
    if numbers.dtype == np.int8:
        scales = np.broadcast_to(np.ravel(scale), numbers.shape[:1])
        found.kernels[node.output[0]] = numbers, scales


def _complete(nodes: Sequence[NodeProto], ranges: dict[str, Quantization]) -> None:
    """Add the ranges that follow from others: of ReLU's outputs, and of what is only moved."""
    for node in nodes:
        before, after = node.input[0] if node.input else "", node.output[0]
        if before not in ranges:
            continue
        if node.op_type in KEEPING:
            ranges[after] = ranges[before]
        elif node.op_type == "Relu" and after not in ranges:
            ranges[after] = positive_part(ranges[before])


def positive_part(quantization: Quantization) -> Quantization:
    """The quantization of the values from 0 to the largest one."""
    (scale,), (zero,), _ = quantization
    largest = max((HIGHEST - zero) * scale, scale)
    return Quantization((largest / (HIGHEST - LOWEST),), (LOWEST,))
