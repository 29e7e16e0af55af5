"""Store the kernels of a float32 graph in half the bytes, for what is sent over a network."""

from __future__ import annotations

import numpy as np

from lmk.system.onnx_package import ModelProto, TensorProto, helper, numpy_helper

LARGEST = 32767  # of int16


def with_short_weights(proto: ModelProto) -> ModelProto:
    """A copy of a graph that computes its convolutions' kernels from int16 and a scale per channel.

    All is computed in float32: runtimes compute the kernels once, when they load the file. Rounding
    is to 1/65,536 of a channel's range, 16 times as fine as float16 at its end.
    """
    copy = ModelProto()
    copy.CopyFrom(proto)
    kernels = {node.input[1] for node in proto.graph.node if node.op_type.startswith("Conv")}
    nodes, scales = [], []
    for tensor in copy.graph.initializer:
        if tensor.name not in kernels or tensor.data_type != TensorProto.FLOAT:
            continue
        name, values = tensor.name, numpy_helper.to_array(tensor)
        channels = tuple(range(1, values.ndim))
        scale = np.maximum(np.abs(values).max(channels, keepdims=True) / LARGEST, 1e-30)
        short = np.round(values / scale).astype(np.int16)
        tensor.CopyFrom(numpy_helper.from_array(short, f"{name}.short"))
        scales.append(numpy_helper.from_array(scale.astype(np.float32), f"{name}.scale"))
        nodes += [
            helper.make_node("Cast", [f"{name}.short"], [f"{name}.cast"], to=TensorProto.FLOAT),
            helper.make_node("Mul", [f"{name}.cast", f"{name}.scale"], [name]),
        ]
    copy.graph.initializer.extend(scales)
    nodes += copy.graph.node
    del copy.graph.node[:]
    copy.graph.node.extend(nodes)
    return copy
