"""Write a LiteRT graph as a flatbuffer: the content of a .tflite file."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import numpy as np

from lmk.artifact.litert.graph import DTYPES, FREE, KINDS, Array, Graph, Operation, Tensor
from lmk.system.errors import missing_extra
from lmk.system.version import __version__

IDENTIFIER = b"TFL3"
SCHEMA_VERSION = 3
METADATA = "lmk"
SIGNATURE = "serving_default"
ALIGNMENT = 16  # of constants, as the schema demands


def import_schema() -> Any:
    """Import TensorFlow Lite's schema, which is part of LiteRT. Raises UnavailableError."""
    try:
        from ai_edge_litert import schema_py_generated
    except ImportError as error:
        raise missing_extra("ai-edge-litert", "litert") from error
    return schema_py_generated


def write(graph: Graph) -> bytes:
    """Write a graph. Raises UnavailableError without LiteRT, whose schema it needs."""
    import_schema()
    import flatbuffers

    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(_model(graph).Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


def _model(graph: Graph) -> Any:
    buffers, tensors = [_made("Buffer")], []  # the first one is that of all without data
    for tensor in graph.tensors:
        tensors.append(_tensor(tensor, 0 if tensor.data is None else len(buffers)))
        if tensor.data is not None:
            buffers.append(_buffer(tensor.data.reshape(-1).view(np.uint8)))
    text = json.dumps(dict(graph.metadata)).encode()
    metadata = _made("Metadata", name=METADATA, buffer=len(buffers))
    buffers.append(_buffer(np.frombuffer(text, np.uint8)))
    codes: dict[tuple[str, int], int] = {}
    operations = [_operation(one, graph, codes) for one in graph.operations]
    subgraph = _made(
        "SubGraph",
        tensors=tensors,
        inputs=list(graph.inputs),
        outputs=list(graph.outputs),
        operators=operations,
        name=METADATA,
    )
    return _made(
        "Model",
        version=SCHEMA_VERSION,
        operatorCodes=[_code(*code) for code in codes],
        subgraphs=[subgraph],
        description=f"lmk {__version__}",
        buffers=buffers,
        metadata=[metadata],
        signatureDefs=[_signature(graph)],
    )


def _made(table: str, **fields: Any) -> Any:
    """An object of the schema; earlier versions of it have no fields in their constructors."""
    made = getattr(import_schema(), f"{table}T")()
    for name, value in fields.items():
        assert hasattr(made, name), f"{table} has no {name}"
        setattr(made, name, value)
    return made


def _buffer(content: Array) -> Any:
    """A buffer that packs itself with its bytes aligned, which the generated code does not do."""
    return _made("Buffer", Pack=partial(_pack_aligned, content))


def _pack_aligned(content: Array, builder: Any) -> int:
    schema = import_schema()
    builder.StartVector(1, len(content), ALIGNMENT)
    builder.head -= len(content)
    builder.Bytes[builder.head : builder.head + len(content)] = content.tobytes()
    data = builder.EndVector()
    schema.BufferStart(builder)
    schema.BufferAddData(builder, data)
    place: int = schema.BufferEnd(builder)
    return place


def _tensor(tensor: Tensor, buffer: int) -> Any:
    free = FREE in tensor.shape
    quantization = None
    if tensor.quantization:
        scales, zero_points, axis = tensor.quantization
        quantization = _made(
            "QuantizationParameters",
            scale=np.array(scales, np.float32),
            zeroPoint=np.array(zero_points, np.int64),
            quantizedDimension=axis,
        )
    return _made(
        "Tensor",
        shape=np.abs(np.array(tensor.shape, np.int32)),
        type=type_number(tensor.dtype),
        buffer=buffer,
        name=tensor.name,
        quantization=quantization,
        shapeSignature=np.array(tensor.shape, np.int32) if free else None,
    )


def type_number(dtype: str) -> int:
    """The schema's number of a type of `DTYPES`."""
    assert dtype in DTYPES
    number: int = getattr(import_schema().TensorType, dtype.upper())
    return number


def _operation(one: Operation, graph: Graph, codes: dict[tuple[str, int], int]) -> Any:
    kind = KINDS[one.kind]
    version = kind.versions.get(graph.tensors[one.inputs[0]].dtype, 1)
    options = None
    if kind.table:
        options = _made(kind.table, **one.options)
    return _made(
        "Operator",
        opcodeIndex=codes.setdefault((one.kind, version), len(codes)),
        inputs=list(one.inputs),
        outputs=list(one.outputs),
        builtinOptionsType=getattr(import_schema().BuiltinOptions, kind.table or "NONE"),
        builtinOptions=options,
    )


def _code(kind: str, version: int) -> Any:
    number = getattr(import_schema().BuiltinOperator, kind)
    return _made(
        "OperatorCode",
        deprecatedBuiltinCode=min(number, 127),  # of older runtimes; it has one byte
        version=version,
        builtinCode=number,
    )


def _signature(graph: Graph) -> Any:
    """Inputs and outputs by their names, for `Interpreter.get_signature_runner`."""

    def named(places: tuple[int, ...]) -> list[Any]:
        return [
            _made("TensorMap", name=graph.tensors[place].name, tensorIndex=place)
            for place in places
        ]

    return _made(
        "SignatureDef",
        inputs=named(graph.inputs),
        outputs=named(graph.outputs),
        signatureKey=SIGNATURE,
    )
