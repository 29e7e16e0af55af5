"""The few kinds of ncnn layers that lmk writes, and all that a file may say of each.

ncnn trusts what it reads. These rules give the shape of every tensor and the size of every weight,
before ncnn sees a file. Shapes are without a batch, which ncnn does not have: (C, H, W), (H, W) or
(W,). Source of numbers and meanings: ncnn's wiki, "param and model file structure" and "operators".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Shape = tuple[int, ...]
Value = int | float | tuple[int, ...]
Sizes = Sequence["Weight"]

# Of all layers: where only some have it, ncnn hands float16 to layers that read it as float32, and
# memory is overwritten (seen in bfloat16, release 20261020).
MASK, FLOAT32 = 31, 7
"""The parameter that every layer has: no float16 nor bfloat16, whatever the runtime's options."""
ABSENT = -233  # how ncnn writes a size that there is not
MOST_CHANNELS, LARGEST_KERNEL = 1 << 16, 64
ADD, SUB, MUL, DIV, MAX, FROM, SHARE = 0, 1, 2, 3, 4, 7, 8
"""Operations of BinaryOp; FROM is b - a, SHARE b / a."""
BINARY = (ADD, SUB, MUL, DIV, MAX, FROM, SHARE)


@dataclass(frozen=True)
class Layer:
    """One layer; `params` are its numbers by their number in ncnn, except MASK."""

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    params: Mapping[int, Value]


@dataclass(frozen=True)
class Weight:
    """A run of numbers in the .bin; one that is `tagged` says first in which type they are."""

    count: int
    tagged: bool = False


@dataclass(frozen=True)
class Rule:
    """What a layer of one kind may be.

    inputs, outputs: least and largest number. params: by number a type, or the only value. shapes:
    those of the outputs, from those of the inputs; raises ValueError for others. weights: in their
    order.
    """

    inputs: tuple[int, int]
    outputs: tuple[int, int]
    params: Mapping[int, type | Value]
    shapes: Callable[[Layer, Sequence[Shape]], Sequence[Shape]]
    weights: Callable[[Layer, Sequence[Shape]], Sizes] = lambda _, __: ()


def check_layer(layer: Layer, inputs: Sequence[Shape]) -> tuple[Sequence[Shape], Sizes]:
    """Shapes of a layer's outputs, and its weights. Raises ValueError."""
    rule = RULES.get(layer.kind)
    if rule is None:
        raise ValueError(f"it is of the kind {layer.kind}, expected one of {', '.join(RULES)}")
    for what, names, (least, most) in (
        ("inputs", layer.inputs, rule.inputs),
        ("outputs", layer.outputs, rule.outputs),
    ):
        if not least <= len(names) <= most:
            raise ValueError(f"it has {len(names)} {what}, expected {least} to {most}")
    if layer.params.keys() != rule.params.keys():
        raise ValueError(
            f"it has the parameters {sorted(layer.params)}, expected {sorted(rule.params)}"
        )
    for number, expected in rule.params.items():
        value = layer.params[number]
        fits = type(value) is expected if isinstance(expected, type) else value == expected
        if not fits:
            words = expected.__name__ if isinstance(expected, type) else expected
            raise ValueError(f"parameter {number} is {value}, expected {words}")
    shapes = rule.shapes(layer, inputs)
    if not all(1 <= size <= MOST_CHANNELS for shape in shapes for size in shape):
        raise ValueError(f"its output has the shape {shapes}")
    return shapes, rule.weights(layer, inputs)


def whole(layer: Layer, number: int, least: int, most: int = MOST_CHANNELS) -> int:
    """A parameter that is a whole number within limits. Raises ValueError."""
    value = layer.params[number]
    if not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"parameter {number} is {value}, expected {least} to {most}")
    return value


def _require(fits: bool, shapes: Sequence[Shape]) -> None:
    if not fits:
        raise ValueError(f"its inputs have the shapes {list(shapes)}, which do not fit it")


def _same(_: Layer, inputs: Sequence[Shape]) -> Sequence[Shape]:
    return inputs


def _data(layer: Layer, _: Sequence[Shape]) -> Sequence[Shape]:
    sizes = tuple(whole(layer, number, 0) for number in (2, 1, 0))  # C, H, W; 0 for none
    shape = tuple(size for size in sizes if size)
    if not shape or sizes[-len(shape) :] != shape:
        raise ValueError(f"it has the sizes {sizes}")
    return [shape]


def _picture(layer: Layer, inputs: Sequence[Shape]) -> Sequence[Shape]:
    (shape,) = _data(layer, inputs)
    _require(len(shape) == 3, [shape])
    return [shape]


def _convolution(layer: Layer, inputs: Sequence[Shape]) -> Sequence[Shape]:
    _require(len(inputs[0]) == 3, inputs)
    out = whole(layer, 0, 1)
    kernel = whole(layer, 1, 1, LARGEST_KERNEL)
    stride, padding = whole(layer, 3, 1, LARGEST_KERNEL), whole(layer, 4, 0, kernel - 1)
    whole(layer, 5, 0, 1), whole(layer, 9, 0, 1)
    channels, *sides = inputs[0]
    if layer.params[6] != out * channels * kernel**2:
        raise ValueError(f"it has {layer.params[6]} weights, expected {out * channels * kernel**2}")
    return [(out, *((side + 2 * padding - kernel) // stride + 1 for side in sides))]


def _dense(layer: Layer, inputs: Sequence[Shape]) -> Sequence[Shape]:
    _require(len(inputs[0]) == 1, inputs)
    out = whole(layer, 0, 1)
    whole(layer, 1, 0, 1)
    if layer.params[2] != out * inputs[0][0]:
        raise ValueError(f"it has {layer.params[2]} weights, expected {out * inputs[0][0]}")
    return [(out,)]


def _kernel(size: int, bias: int) -> Callable[[Layer, Sequence[Shape]], Sizes]:
    """Weights of a layer by the numbers of its parameters, with the bias if it has one."""

    def weights(layer: Layer, _: Sequence[Shape]) -> Sizes:
        kernel = Weight(whole(layer, size, 1, 1 << 30), tagged=True)
        return (kernel, Weight(whole(layer, 0, 1))) if layer.params[bias] else (kernel,)

    return weights


def _norm(layer: Layer, inputs: Sequence[Shape]) -> Sequence[Shape]:
    _require(len(inputs[0]) == 3 and inputs[0][0] == layer.params[0], inputs)
    return inputs


def _halved(_: Layer, inputs: Sequence[Shape]) -> Sequence[Shape]:
    _require(len(inputs[0]) == 3 and not any(side % 2 for side in inputs[0][1:]), inputs)
    channels, height, width = inputs[0]
    return [(channels, height // 2, width // 2)]


def _doubled(_: Layer, inputs: Sequence[Shape]) -> Sequence[Shape]:
    _require(len(inputs[0]) == 3, inputs)
    channels, height, width = inputs[0]
    return [(channels, 2 * height, 2 * width)]


def _joined(layer: Layer, inputs: Sequence[Shape]) -> Sequence[Shape]:
    axis = whole(layer, 0, 0, len(inputs[0]) - 1)
    others = {(*shape[:axis], *shape[axis + 1 :]) for shape in inputs}
    _require(len(others) == 1 and len({len(shape) for shape in inputs}) == 1, inputs)
    first = inputs[0]
    return [(*first[:axis], sum(shape[axis] for shape in inputs), *first[axis + 1 :])]


def _cut(layer: Layer, inputs: Sequence[Shape]) -> Sequence[Shape]:
    sizes, axis = layer.params[0], whole(layer, 1, 0, len(inputs[0]) - 1)
    assert isinstance(sizes, tuple)
    fits = len(sizes) == len(layer.outputs) and min(sizes, default=0) > 0
    _require(fits and sum(sizes) == inputs[0][axis], inputs)
    return [(*inputs[0][:axis], size, *inputs[0][axis + 1 :]) for size in sizes]


def _copies(layer: Layer, inputs: Sequence[Shape]) -> Sequence[Shape]:
    return [inputs[0]] * len(layer.outputs)


def _binary(layer: Layer, inputs: Sequence[Shape]) -> Sequence[Shape]:
    if layer.params[0] not in BINARY:
        raise ValueError(f"parameter 0 is {layer.params[0]}, expected one of {BINARY}")
    if layer.params[1] != 2 - len(inputs):
        raise ValueError(f"parameter 1 is {layer.params[1]} for {len(inputs)} inputs")
    _require(len({len(shape) for shape in inputs}) == 1, inputs)
    sizes = list(zip(*inputs, strict=True))
    _require(all(len({*size} - {1}) <= 1 for size in sizes), inputs)
    return [tuple(map(max, sizes))]


def _reshaped(layer: Layer, inputs: Sequence[Shape]) -> Sequence[Shape]:
    width, height = whole(layer, 0, 1, 1 << 30), whole(layer, 1, ABSENT, 1 << 30)
    shape = (width,) if height == ABSENT else (height, width)
    _require(math.prod(shape) == math.prod(inputs[0]), inputs)
    return [shape]


def _flat(_: Layer, inputs: Sequence[Shape]) -> Sequence[Shape]:
    _require(len(inputs[0]) == 2, inputs)
    return inputs


def _summed(layer: Layer, inputs: Sequence[Shape]) -> Sequence[Shape]:
    _require(len(inputs[0]) == 2 and layer.params[3] in ((0,), (1,)), inputs)
    kept = whole(layer, 4, 0, 1)
    rows, columns = inputs[0]
    if layer.params[3] == (0,):
        return [(1, columns) if kept else (columns,)]
    return [(rows, 1) if kept else (rows,)]


def _product(_: Layer, inputs: Sequence[Shape]) -> Sequence[Shape]:
    one, other = inputs
    _require(len(one) == len(other) == 2 and one[1] == other[0], inputs)
    return [(one[0], other[1])]


ONE, TWO, SOME = (1, 1), (2, 2), (2, 64)
RULES: Mapping[str, Rule] = {
    "Input": Rule((0, 0), ONE, {0: int, 1: int, 2: int}, _picture),
    "MemoryData": Rule(
        (0, 0),
        ONE,
        {0: int, 1: int, 2: int},
        _data,
        lambda layer, inputs: (Weight(math.prod(_data(layer, inputs)[0])),),
    ),
    "Convolution": Rule(  # channels, kernel, stride, padding, whether bias, weights, whether ReLU
        ONE,
        ONE,
        {0: int, 1: int, 3: int, 4: int, 5: int, 6: int, 9: int},
        _convolution,
        _kernel(6, 5),
    ),
    "InnerProduct": Rule(ONE, ONE, {0: int, 1: int, 2: int}, _dense, _kernel(2, 1)),
    "BatchNorm": Rule(
        ONE,
        ONE,
        {0: int, 1: float},
        _norm,
        lambda layer, _: (Weight(whole(layer, 0, 1)),) * 4,
    ),
    "ReLU": Rule(ONE, ONE, {}, _same),
    "Pooling": Rule(ONE, ONE, {0: 1, 1: 2, 2: 2, 5: 1}, _halved),  # means of 2 x 2 pixels
    "Interp": Rule(ONE, ONE, {0: 1, 1: 2.0, 2: 2.0}, _doubled),  # nearest
    "Concat": Rule(SOME, ONE, {0: int}, _joined),
    "Slice": Rule(ONE, SOME, {0: tuple, 1: int}, _cut),
    "Split": Rule(ONE, SOME, {}, _copies),
    "Noop": Rule(ONE, ONE, {}, _same),
    "BinaryOp": Rule((1, 2), ONE, {0: int, 1: int, 2: float}, _binary),
    "Threshold": Rule(ONE, ONE, {0: float}, _same),
    "Reshape": Rule(ONE, ONE, {0: int, 1: int}, _reshaped),
    "Softmax": Rule(ONE, ONE, {0: 1, 1: 1}, _flat),  # over the last axis
    "Reduction": Rule(ONE, ONE, {0: 0, 1: 0, 3: tuple, 4: int, 5: 1}, _summed),
    "MatMul": Rule(TWO, ONE, {0: 0}, _product),
}
