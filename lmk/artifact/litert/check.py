"""Check that the operations of a graph fit one another, so that an interpreter cannot go astray.

Order, types and shapes are those that the operations have, and constants that say where to read
stay inside. An interpreter computes them itself, of memory that a hostile graph could ask for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from lmk.artifact.litert.graph import FREE, MOST_SIZE, SAME, Graph, Operation, Tensor

Shape: TypeAlias = tuple[int, ...]
ANY = MOST_SIZE + 1  # in place of a free batch: no other size
MOST_PADDING = 16
_REAL, _WHOLE = "float32 float32 float32", "int8 int8 int8"
_MOVED = {"float32 int32 float32", "int8 int32 int8"}
TYPES = {
    "ADD": {_REAL, _WHOLE},
    "AVERAGE_POOL_2D": {"float32 float32", "int8 int8"},
    "CAST": {"uint8 float32", "bool float32"},
    "CONV_2D": {f"{_REAL} float32", "int8 int8 int32 int8"},
    "DEQUANTIZE": {"int8 float32", "float16 float32"},
    "FULLY_CONNECTED": {f"{_REAL} float32"},
    "LESS_EQUAL": {"float32 float32 bool"},
    "PAD": _MOVED,
    "QUANTIZE": {"float32 int8", "int8 int8"},
    "RELU": {"float32 float32", "int8 int8"},
    "RESHAPE": {"float32 int32 float32"},
    "RESIZE_NEAREST_NEIGHBOR": _MOVED,
    "SOFTMAX": {"float32 float32"},
    "SPLIT_V": {"float32 int32 int32 float32 float32 float32"},
    "SUM": {"float32 int32 float32"},
    "TRANSPOSE": {"float32 int32 float32"},
}
"""The types of inputs and outputs, where they are not all float32."""


def check(graph: Graph) -> None:
    """Raise ValueError for a graph that no interpreter should see."""
    _check_order(graph)
    for one in graph.operations:
        inputs, outputs = ([graph.tensors[at] for at in part] for part in (one.inputs, one.outputs))
        _check_types(one, inputs, outputs)
        try:
            expected = SHAPES[one.kind](one, inputs)
        except (ValueError, IndexError, TypeError) as error:
            raise ValueError(f"{_said(one, outputs)}: {error}") from error
        if (found := [_shape(tensor) for tensor in outputs]) != expected:
            words = f"has the shape {found}, expected {expected}".replace(str(ANY), str(FREE))
            raise ValueError(f"{_said(one, outputs)} {words}")


def _said(one: Operation, outputs: Sequence[Tensor]) -> str:
    return f"{one.kind} of {outputs[0].name}"


def _check_order(graph: Graph) -> None:
    """Raise ValueError unless every tensor is there before it is read, and is computed once."""
    there = {at for at, tensor in enumerate(graph.tensors) if tensor.data is not None}
    constants, written = len(there), list(graph.inputs)
    there.update(written)
    for one in graph.operations:
        if not there.issuperset(one.inputs):
            raise ValueError(f"{one.kind} reads a tensor that is not computed before it")
        written += one.outputs
        there.update(one.outputs)
    if len(there) != len(written) + constants:
        raise ValueError("a tensor is computed twice")
    if not there <= {*range(len(graph.tensors))} or not {*graph.outputs} <= {*written}:
        raise ValueError("an input or output is no tensor that is computed")


def _check_types(one: Operation, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> None:
    tensors = [*inputs, *outputs]
    found = " ".join(tensor.dtype for tensor in tensors)
    if found not in TYPES.get(one.kind, {" ".join(["float32"] * len(tensors))}):
        raise ValueError(f"{_said(one, outputs)} has the types {found}")
    for tensor in tensors:
        if tensor.dtype == "int8" and tensor.quantization is None:
            raise ValueError(f"{tensor.name} is in int8 without a scale")


def _shape(tensor: Tensor) -> Shape:
    return tuple(ANY if size == FREE else size for size in tensor.shape)


def _numbers(tensor: Tensor) -> list[int]:
    """The values of a constant of sizes, axes and such."""
    if tensor.data is None:
        raise ValueError(f"{tensor.name} is no constant")
    return [int(one) for one in tensor.data.reshape(-1)[:16]]


def _alike(_: Operation, inputs: Sequence[Tensor]) -> list[Shape]:
    return [_shape(inputs[0])]


def _broadcast(_: Operation, inputs: Sequence[Tensor]) -> list[Shape]:
    return [np.broadcast_shapes(*map(_shape, inputs))]


def _concatenated(one: Operation, inputs: Sequence[Tensor]) -> list[Shape]:
    axis, shapes = one.options["axis"], [list(_shape(tensor)) for tensor in inputs]
    sizes = [shape.pop(axis) for shape in shapes]
    if any(shape != shapes[0] for shape in shapes):
        raise ValueError(f"its inputs have different shapes beside axis {axis}")
    return [(*shapes[0][:axis], sum(sizes), *shapes[0][axis:])]


def _window(one: Operation, image: Tensor, height: int, width: int) -> tuple[int, int, int]:
    """Batch, height and width of what a window finds in a picture."""
    batch, *sizes, _ = _shape(image)
    steps, found = (one.options["strideH"], one.options["strideW"]), []
    for size, window, step in zip(sizes, (height, width), steps, strict=True):
        inside = size if one.options["padding"] == SAME else size - window + 1
        if inside < 1:
            raise ValueError("its window is larger than the picture")
        found.append(-(-inside // step))
    return batch, found[0], found[1]


def _convolved(one: Operation, inputs: Sequence[Tensor]) -> list[Shape]:
    image, kernel, bias = inputs
    channels, height, width, depth = kernel.shape
    if depth != image.shape[3] or bias.shape != (channels,):
        raise ValueError("its kernel or bias has other channels")
    return [(*_window(one, image, height, width), channels)]


def _pooled(one: Operation, inputs: Sequence[Tensor]) -> list[Shape]:
    (image,) = inputs
    size = one.options["filterHeight"], one.options["filterWidth"]
    return [(*_window(one, image, *size), image.shape[3])]


def _padded(_: Operation, inputs: Sequence[Tensor]) -> list[Shape]:
    image, widths = inputs
    pairs = np.array(_numbers(widths)).reshape(4, 2)
    if pairs.min() < 0 or pairs.max() > MOST_PADDING or pairs[[0, 3]].any():
        raise ValueError(f"it pads by {pairs.tolist()}")
    return [tuple(map(int, np.array(_shape(image)) + pairs.sum(1)))]


def _reshaped(_: Operation, inputs: Sequence[Tensor]) -> list[Shape]:
    before, after = _shape(inputs[0]), tuple(_numbers(inputs[1]))
    after = tuple(ANY if size == FREE else size for size in after)
    if before[:1] != after[:1] or np.prod(before[1:]) != np.prod(after[1:]):
        raise ValueError(f"{before} does not become {after}")
    return [after]


def _resized(_: Operation, inputs: Sequence[Tensor]) -> list[Shape]:
    shape = _shape(inputs[0])
    return [(shape[0], *_numbers(inputs[1]), shape[3])]


def _summed(one: Operation, inputs: Sequence[Tensor]) -> list[Shape]:
    shape, (axis,) = _shape(inputs[0]), _numbers(inputs[1])
    if not 1 <= axis < len(shape):
        raise ValueError(f"it sums along axis {axis}")
    kept = (1,) if one.options["keepDims"] else ()
    return [(*shape[:axis], *kept, *shape[axis + 1 :])]


def _split(one: Operation, inputs: Sequence[Tensor]) -> list[Shape]:
    shape, sizes, (axis,) = _shape(inputs[0]), _numbers(inputs[1]), _numbers(inputs[2])
    parts = len(sizes) == one.options["numSplits"] and min(sizes) > 0
    if not 1 <= axis < len(shape) or not parts or sum(sizes) != shape[axis]:
        raise ValueError(f"it splits {shape} into {sizes} along axis {axis}")
    return [(*shape[:axis], size, *shape[axis + 1 :]) for size in sizes]


def _transposed(_: Operation, inputs: Sequence[Tensor]) -> list[Shape]:
    shape, order = _shape(inputs[0]), _numbers(inputs[1])
    if sorted(order) != list(range(len(shape))):
        raise ValueError(f"its order of axes is {order}")
    return [tuple(shape[axis] for axis in order)]


def _product(_: Operation, inputs: Sequence[Tensor]) -> list[Shape]:
    (*batch, rows, inner), (*other, same, columns) = (_shape(tensor) for tensor in inputs)
    if inner != same:
        raise ValueError(f"it multiplies {inner} columns by {same} rows")
    return [(*np.broadcast_shapes(tuple(batch), tuple(other)), rows, columns)]


def _connected(_: Operation, inputs: Sequence[Tensor]) -> list[Shape]:
    (batch, inner), (columns, same), bias = map(_shape, inputs)
    if inner != same or bias != (columns,):
        raise ValueError("its weights or bias have other sizes")
    return [(batch, columns)]


SHAPES: dict[str, Callable[[Operation, Sequence[Tensor]], list[Shape]]] = {
    **dict.fromkeys(("CAST", "DEQUANTIZE", "QUANTIZE", "RELU", "SOFTMAX"), _alike),
    **dict.fromkeys(("ADD", "DIV", "LESS_EQUAL", "MAXIMUM", "MUL", "SUB"), _broadcast),
    "AVERAGE_POOL_2D": _pooled,
    "BATCH_MATMUL": _product,
    "CONCATENATION": _concatenated,
    "CONV_2D": _convolved,
    "FULLY_CONNECTED": _connected,
    "PAD": _padded,
    "RESHAPE": _reshaped,
    "RESIZE_NEAREST_NEIGHBOR": _resized,
    "SPLIT_V": _split,
    "SUM": _summed,
    "TRANSPOSE": _transposed,
}
"""The shapes of an operation's outputs."""
