"""A LiteRT graph in plain values: what lmk writes into a .tflite file, and all that it reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
MOST_SIZE = 1 << 20
FREE = -1  # the first size of a shape whose batch is free
SAME, VALID = 0, 1  # of the option `padding`
NONE, RELU = 0, 1  # of the option `fusedActivationFunction`


class Quantization(NamedTuple):
    """value = scales * (number - zero_points), of the whole tensor or along `axis`."""

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor; pictures are (B, H, W, C). data: of a constant, None for what is computed."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    data: Array | None = None
    quantization: Quantization | None = None


@dataclass(frozen=True)
class Operation:
    """An operation of a kind of `KINDS`; inputs and outputs are places in the list of tensors."""

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Graph:
    """Tensors, operations in the order in which they run, and the texts of the metadata."""

    tensors: tuple[Tensor, ...]
    operations: tuple[Operation, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class Kind:
    """A kind of operation, as TensorFlow Lite's schema names it.

    inputs: how many it has. table: of its options. fields: the values that each option may have.
    versions: by the type of its first input, where that is not 1.
    """

    inputs: range
    table: str = ""
    fields: Mapping[str, range] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)


_ONE, _TWO, _THREE = range(1, 2), range(2, 3), range(3, 4)
_RELU = {"fusedActivationFunction": range(NONE, RELU + 1)}
_NO, _ANY = range(0, 1), range(0, 2)
_SIZE = range(1, 17)
_WINDOW = {"padding": range(SAME, VALID + 1), "strideW": _SIZE, "strideH": _SIZE, **_RELU}
_DILATION = {"dilationWFactor": range(1, 2), "dilationHFactor": range(1, 2)}
_INT8 = {"int8": 2}
_TYPES = range(0, 10)  # the schema's numbers of float32, float16, ..., bool, ..., int8

KINDS = {
    "ADD": Kind(_TWO, "AddOptions", _RELU, _INT8),
    "AVERAGE_POOL_2D": Kind(
        _ONE, "Pool2DOptions", {**_WINDOW, "filterWidth": _SIZE, "filterHeight": _SIZE}, _INT8
    ),
    "BATCH_MATMUL": Kind(_TWO, "BatchMatMulOptions", {"adjX": _NO, "adjY": _NO}),
    "CAST": Kind(_ONE, "CastOptions", {"inDataType": _TYPES, "outDataType": _TYPES}),
    "CONCATENATION": Kind(
        range(2, 17), "ConcatenationOptions", {"axis": range(1, 4), **_RELU}, _INT8
    ),
    "CONV_2D": Kind(_THREE, "Conv2DOptions", {**_WINDOW, **_DILATION}, {"int8": 3}),
    "DEQUANTIZE": Kind(_ONE, versions={"int8": 2, "float16": 3}),
    "DIV": Kind(_TWO, "DivOptions", _RELU),
    "FULLY_CONNECTED": Kind(_THREE, "FullyConnectedOptions", _RELU),
    "LESS_EQUAL": Kind(_TWO, "LessEqualOptions"),
    "MAXIMUM": Kind(_TWO, "MaximumMinimumOptions"),
    "MUL": Kind(_TWO, "MulOptions", _RELU),
    "PAD": Kind(_TWO, "PadOptions", versions=_INT8),
    "QUANTIZE": Kind(_ONE, "QuantizeOptions"),
    "RELU": Kind(_ONE, versions=_INT8),
    "RESHAPE": Kind(_TWO, "ReshapeOptions"),
    "RESIZE_NEAREST_NEIGHBOR": Kind(
        _TWO, "ResizeNearestNeighborOptions", {"alignCorners": _NO, "halfPixelCenters": _NO}, _INT8
    ),
    "SOFTMAX": Kind(_ONE, "SoftmaxOptions", {"beta": range(1, 2)}),
    "SPLIT_V": Kind(_THREE, "SplitVOptions", {"numSplits": range(3, 4)}),
    "SUB": Kind(_TWO, "SubOptions", _RELU),
    "SUM": Kind(_TWO, "ReducerOptions", {"keepDims": _ANY}),
    "TRANSPOSE": Kind(_TWO, "TransposeOptions"),
}
"""All operations that lmk writes, and therefore all that it reads."""

DTYPES = ("float32", "float16", "int32", "uint8", "bool", "int8")
"""Their types, by numpy's names."""


def items(shape: tuple[int, ...]) -> int:
    """How many values a shape has, for one picture if its batch is free."""
    return int(np.prod([abs(size) for size in shape], dtype=object))
