"""Store the kernels of a float32 graph in half the bytes, for what is sent over a network."""

from __future__ import annotations

from typing import Any

import numpy as np

from lmk.system.onnx_package import ModelProto, NodeProto, TensorProto, helper, numpy_helper

LARGEST = 32767


def with_short_weights(proto: ModelProto) -> ModelProto:
    """A copy of a graph that computes its convolutions' kernels from 16 bits and a channel's scale.

    All is computed in float32: runtimes compute the kernels once, when they load the file. Rounding
    is to 1/65,534 of a channel's range, 16 times as fine as float16 at its end. The bits are two
    bytes, because the builds of ONNX Runtime for pages have no int16.
    """
    copy = ModelProto()
    copy.CopyFrom(proto)
    kernels = {node.input[1] for node in proto.graph.node if node.op_type.startswith("Conv")}
    nodes, parts = [], []
    for tensor in copy.graph.initializer:
        if tensor.name not in kernels or tensor.data_type != TensorProto.FLOAT:
            continue
        name, values = tensor.name, numpy_helper.to_array(tensor)
        channels = tuple(range(1, values.ndim))
        scale = np.maximum(np.abs(values).max(channels, keepdims=True) / LARGEST, 1e-30)
        high, low = np.divmod(np.round(values / scale).astype(np.int32) + LARGEST, 256)
        tensor.CopyFrom(numpy_helper.from_array(high.astype(np.uint8), f"{name}.high"))
        parts += [
            numpy_helper.from_array(low.astype(np.uint8), f"{name}.low"),
            numpy_helper.from_array(scale.astype(np.float32), f"{name}.scale"),
        ]
        nodes += _kernel(name)
    if nodes:
        constants = {"high_bytes": 256, "zero_bits": LARGEST}
        parts += [numpy_helper.from_array(np.float32(v), name) for name, v in constants.items()]
    copy.graph.initializer.extend(parts)
    nodes += copy.graph.node
    del copy.graph.node[:]
    copy.graph.node.extend(nodes)
    return copy


def _kernel(name: str) -> list[NodeProto]:
    """(256 * high + low - zero) * scale, all whole numbers until the last step."""

    def node(kind: str, inputs: list[str], output: str, **more: Any) -> NodeProto:
        names = [one if one in ("high_bytes", "zero_bits") else f"{name}.{one}" for one in inputs]
        return helper.make_node(kind, names, [output], **more)

    return [
        node("Cast", ["high"], f"{name}.high_float", to=TensorProto.FLOAT),
        node("Cast", ["low"], f"{name}.low_float", to=TensorProto.FLOAT),
        node("Mul", ["high_float", "high_bytes"], f"{name}.high_part"),
        node("Add", ["high_part", "low_float"], f"{name}.bits"),
        node("Sub", ["bits", "zero_bits"], f"{name}.whole"),
        node("Mul", ["whole", "scale"], name),
    ]
