"""Read a .tflite file that may be anything.

Only what lmk writes is read: one graph of the operations of `KINDS`, whose constants are in the
file. The interpreter, which is C++ and trusts offsets, is given what `write` makes of it anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from lmk.artifact.litert.check import check
from lmk.artifact.litert.graph import (
    DTYPES,
    FREE,
    KINDS,
    MOST_SIZE,
    Array,
    Graph,
    Operation,
    Quantization,
    Tensor,
    items,
)
from lmk.artifact.litert.write import IDENTIFIER, METADATA, import_schema, type_number
from lmk.system.reading import MB
from lmk.system.schema import parse_json, read_as

MOST_BYTES = 512 * MB
MOST_METADATA = 4 * MB
MOST_TENSORS, MOST_OPERATIONS, MOST_PLACES = 4096, 2048, 16
MOST_VALUES = 100_000_000  # of all tensors for one picture
MOST_SCALES = 2048
LONGEST_NAME = 512
TENSOR_NAME, METADATA_NAME = 10, 4  # where the schema's tables have it


def read(content: bytes) -> Graph:
    """Read the content of a file. Raises ValueError, and UnavailableError without LiteRT."""
    schema = import_schema()
    if content[4:8] != IDENTIFIER:
        raise ValueError(f"its identifier is {content[4:8]!r}, expected {IDENTIFIER!r}")
    if len(content) > MOST_BYTES:
        raise ValueError(f"it has {len(content):,} bytes, expected at most {MOST_BYTES:,}")
    try:
        return _graph(schema.Model.GetRootAs(content, 0))
    except ValueError:
        raise
    except Exception as error:  # the generated code raises what it likes outside of the content
        raise ValueError(f"it is damaged ({type(error).__name__}: {error})") from error


def _graph(model: Any) -> Graph:
    if (count := model.SubgraphsLength()) != 1:
        raise ValueError(f"it has {count} graphs, expected one")
    subgraph, buffers = model.Subgraphs(0), _Buffers(model)
    count = _count(subgraph.TensorsLength(), MOST_TENSORS, "tensors")
    tensors = tuple(_tensor(subgraph.Tensors(place), buffers) for place in range(count))
    if sum(items(tensor.shape) for tensor in tensors) > MOST_VALUES:
        raise ValueError(f"its tensors have more than {MOST_VALUES:,} values")
    names = _operation_names(model)
    count = _count(subgraph.OperatorsLength(), MOST_OPERATIONS, "operations")
    operations = tuple(_operation(subgraph.Operators(place), names) for place in range(count))
    inputs, outputs = (
        _places(length, at)
        for length, at in (
            (subgraph.InputsLength, subgraph.Inputs),
            (subgraph.OutputsLength, subgraph.Outputs),
        )
    )
    graph = Graph(tensors, operations, inputs, outputs, _metadata(model, buffers))
    check(graph)
    return graph


class _Buffers:
    """The buffers of a file, of which each is that of one tensor."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._left = set(range(_count(model.BuffersLength(), MOST_TENSORS, "buffers")))

    def take(self, number: int, most: int = MOST_BYTES) -> Array | None:
        """The bytes of a buffer, a view into the file; None if it is empty."""
        if number not in self._left:
            raise ValueError(f"buffer {number} is missing, or that of two tensors")
        buffer = self._model.Buffers(number)
        if buffer.Offset() or buffer.Size():
            raise ValueError(f"buffer {number} lies outside of the graph")
        if buffer.DataIsNone() or not buffer.DataLength():
            return None  # which many tensors may have
        self._left.discard(number)
        _count(buffer.DataLength(), most, f"bytes in buffer {number}")
        return np.asarray(buffer.DataAsNumpy())


def _tensor(table: Any, buffers: _Buffers) -> Tensor:
    name = _name(table, TENSOR_NAME)
    known = {type_number(dtype): dtype for dtype in DTYPES}
    dtype = known.get(table.Type())
    if dtype is None or table.IsVariable() or table.Sparsity():
        raise ValueError(f"tensor {name} is of another type than {', '.join(DTYPES)}")
    shape = _sizes(table.ShapeLength(), table.Shape, name)
    signature = _sizes(table.ShapeSignatureLength(), table.ShapeSignature, name)
    if signature and (shape[:1] != (1,) or signature != (FREE, *shape[1:])):
        raise ValueError(f"tensor {name} has the shapes {shape} and {signature}")
    data = buffers.take(table.Buffer())
    if data is not None:
        if signature or len(data) != items(shape) * np.dtype(dtype).itemsize:
            raise ValueError(f"tensor {name} has {len(data)} bytes for {dtype} {shape}")
        data = data.view(dtype).reshape(shape)
    return Tensor(name, dtype, signature or shape, data, _quantization(table, shape, name))


def _sizes(length: int, size: Callable[[int], int], name: str) -> tuple[int, ...]:
    sizes = tuple(size(axis) for axis in range(_count(length, 5, f"sizes of {name}")))
    if any(not 1 <= one <= MOST_SIZE for one in sizes[1:]) or sizes[:1] == (0,):
        raise ValueError(f"tensor {name} has the shape {sizes}")
    if sizes and not (sizes[0] == FREE or 1 <= sizes[0] <= MOST_SIZE):
        raise ValueError(f"tensor {name} has the shape {sizes}")
    return sizes


def _quantization(table: Any, shape: tuple[int, ...], name: str) -> Quantization | None:
    found = table.Quantization()
    if found is None or not found.ScaleLength():
        return None
    count = _count(found.ScaleLength(), MOST_SCALES, f"scales of {name}")
    axis = found.QuantizedDimension()
    along = shape[axis] if 0 <= axis < len(shape) else 0
    if count not in (1, along) or found.ZeroPointLength() != count or found.DetailsType():
        raise ValueError(f"tensor {name} has {count} scales along axis {axis} of {shape}")
    scales = tuple(map(float, found.ScaleAsNumpy()))
    zero_points = tuple(map(int, found.ZeroPointAsNumpy()))
    if not all(math.isfinite(one) and one > 0 for one in scales):
        raise ValueError(f"tensor {name} has scales that are not above 0")
    if not all(-128 <= one <= 255 for one in zero_points):
        raise ValueError(f"tensor {name} has a zero that is no number of its type")
    return Quantization(scales, zero_points, axis)


def _operation_names(model: Any) -> list[str]:
    schema = import_schema()
    known = {getattr(schema.BuiltinOperator, name): name for name in KINDS}
    names = []
    for place in range(_count(model.OperatorCodesLength(), MOST_OPERATIONS, "operator codes")):
        code = model.OperatorCodes(place)
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        if number not in known:
            raise ValueError(f"operation {number} is not one that lmk writes")
        names.append(known[number])
    return names


def _operation(table: Any, names: list[str]) -> Operation:
    number = table.OpcodeIndex()
    if number >= len(names):
        raise ValueError(f"an operation has the kind {number} of {len(names)}")
    name = names[number]
    inputs = _places(table.InputsLength, table.Inputs)
    outputs = _places(table.OutputsLength, table.Outputs)
    if len(inputs) not in KINDS[name].inputs or not outputs:
        raise ValueError(f"{name} has {len(inputs)} inputs and {len(outputs)} outputs")
    return Operation(name, inputs, outputs, dict(_options(table, name)))


def _options(table: Any, name: str) -> Iterator[tuple[str, Any]]:
    schema, kind = import_schema(), KINDS[name]
    if not kind.fields:
        return
    if table.BuiltinOptionsType() != getattr(schema.BuiltinOptions, kind.table):
        raise ValueError(f"{name} has the options of another operation")
    place = table.BuiltinOptions()
    found = getattr(schema, f"{kind.table}T").InitFromBuf(place.Bytes, place.Pos)
    for field, values in kind.fields.items():
        value = getattr(found, field)
        if value not in values:
            raise ValueError(f"{name} has {field} {value}")
        yield field, value


def _places(length: Callable[[], int], place: Callable[[int], int]) -> tuple[int, ...]:
    return tuple(place(at) for at in range(_count(length(), MOST_PLACES, "inputs or outputs")))


def _metadata(model: Any, buffers: _Buffers) -> dict[str, str]:
    for place in range(_count(model.MetadataLength(), MOST_PLACES, "metadata entries")):
        entry = model.Metadata(place)
        if _name(entry, METADATA_NAME) == METADATA:
            content = buffers.take(entry.Buffer(), MOST_METADATA)
            text = b"" if content is None else content.tobytes()
            return read_as(dict[str, str], parse_json(text.decode()))
    return {}


def _count(number: int, most: int, what: str) -> int:
    if not 0 <= number <= most:
        raise ValueError(f"it has {number:,} {what}, expected at most {most:,}")
    return number


def _name(table: Any, slot: int) -> str:
    """The name in a table, whose length is checked before it is copied."""
    at = table._tab.Offset(slot)
    _count(table._tab.VectorLen(at) if at else 0, LONGEST_NAME, "bytes in a name")
    text = (table.Name() or b"").decode()
    if not text.isprintable():
        raise ValueError("a name in it is not printable")
    return text
