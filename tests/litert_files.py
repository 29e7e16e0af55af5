"""Run LiteRT graphs by the interpreter itself, and write files that are whole but wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from lmk.artifact.litert.graph import Graph
from lmk.artifact.litert.write import write
from lmk.artifact.onnx_model import build_onnx
from lmk.exporting.int8 import always_kept, calibrate
from lmk.exporting.samples import drawn_samples
from lmk.model.folder import Model
from lmk.system.onnx_package import ModelProto


def interpret(graph: Graph, images: np.ndarray) -> dict[str, np.ndarray]:
    """All outputs of a graph by name."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=write(graph))
    (given,) = interpreter.get_input_details()
    interpreter.resize_tensor_input(given["index"], images.shape, strict=True)
    interpreter.allocate_tensors()
    interpreter.set_tensor(given["index"], images)
    interpreter.invoke()
    outputs = interpreter.get_output_details()
    return {one["name"]: interpreter.get_tensor(one["index"]) for one in outputs}


def in_int8(model: Model, crops: int = 8) -> ModelProto:
    """A model's graph with QDQ nodes, measured on drawn foxes."""
    proto, architecture = build_onnx(model), model.architecture
    samples = drawn_samples(architecture.input_size, crops)
    ranges = calibrate(proto, architecture, samples.crops, False, lambda: None)
    return ranges.quantize(always_kept(architecture))


def changed_file(content: bytes, change: Callable[[Any], None]) -> bytes:
    """The same file after a change of what it holds, as TensorFlow Lite's own schema writes it."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(content)
    change(model)
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def change_in_place(path: Path, change: Callable[[Any], None]) -> None:
    path.write_bytes(changed_file(path.read_bytes(), change))
