"""Inference by LiteRT, which was TensorFlow Lite, on the CPU, in the file's precision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lmk.artifact.cached import cached_file
from lmk.artifact.catalogue import PRECISIONS
from lmk.artifact.contract import (
    Signature,
    check_signature,
    describe,
    fixed_batch,
    read_framing,
    read_points,
    unreadable,
)
from lmk.artifact.litert.graph import FREE, Graph
from lmk.artifact.litert.read import MOST_BYTES, read
from lmk.artifact.litert.write import write
from lmk.inference.backends.base import Inferred, inferred, require_cpu
from lmk.inference.backends.batches import in_batches
from lmk.inference.backends.sharing import not_in_forks
from lmk.inference.pool import Pool
from lmk.system.errors import missing_extra
from lmk.system.reading import read_bytes

COMPUTED = {"float32": "fp32", "int8": "int8"}


class LiteRtBackend:
    """A model in LiteRT. Raises WeightsError, and UnavailableError for any device but cpu."""

    name = "litert"
    transfers = None

    def __init__(self, model: str, device: str, threads: int | None = None) -> None:
        require_cpu(device, "LiteRT")
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise missing_extra("ai-edge-litert", "litert") from error
        path = cached_file(model, "litert")
        self._graph = _read(path)
        signature = _signature(self._graph)
        self.num_landmarks, self.input_size = check_signature(signature, path)
        self.framing = read_framing(signature, path)
        self.points = read_points(signature, path)
        self._batch = signature.batch
        content = write(self._graph)  # not the file's own bytes: see `read`

        def make() -> _Opened:
            return _Opened(Interpreter(model_content=content, num_threads=threads))

        try:
            self._opened = Pool(make)
        except (ValueError, RuntimeError) as error:
            raise unreadable(path, error) from error
        several = threads is not None and threads > 1
        self._run = not_in_forks(self._infer) if several else self._infer
        precision = signature.metadata.get("precision", "fp32")
        words = PRECISIONS[precision].words
        if precision == "fp16":
            words = "float16 weights, computed in float32"
        self.description = f"LiteRT {version('ai-edge-litert')} on cpu, {words}"

    def infer(self, images: npt.NDArray[np.uint8]) -> Inferred:
        """See `Backend.infer`."""
        return in_batches(self._run, images, self._batch or 1, self._batch)

    def layers(self) -> dict[str, int]:
        """See `Backend.layers`; by the type of what they read."""
        tensors = self._graph.tensors
        inputs = (one.inputs[0] for one in self._graph.operations if one.kind == "CONV_2D")
        return dict(Counter(COMPUTED[tensors[place].dtype] for place in inputs))

    def _infer(self, images: npt.NDArray[np.uint8]) -> Inferred:
        with self._opened.take() as opened:
            found = opened.run(images)
        points = [found["points"]] if self.points else []
        return inferred(found["landmarks"], found["scores"], *points)


class _Opened:
    """One interpreter, which serves one thread at a time."""

    def __init__(self, interpreter: Any) -> None:
        self._interpreter = interpreter
        interpreter.allocate_tensors()
        (self._input,) = interpreter.get_input_details()
        self._shape = tuple(self._input["shape"])
        self._outputs = {one["name"]: one["index"] for one in interpreter.get_output_details()}

    def run(self, images: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        """Outputs by name; they are copies."""
        if images.shape != self._shape:
            self._interpreter.resize_tensor_input(self._input["index"], images.shape)
            self._interpreter.allocate_tensors()
            self._shape = images.shape
        self._interpreter.set_tensor(self._input["index"], images)
        self._interpreter.invoke()
        return {name: self._interpreter.get_tensor(at) for name, at in self._outputs.items()}


def _read(path: Path) -> Graph:
    try:
        return read(read_bytes(path, MOST_BYTES))
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error


def _signature(graph: Graph) -> Signature:
    def tensors(places: Iterable[int]) -> dict[str, str]:
        chosen = [graph.tensors[place] for place in places]
        return {one.name: describe(one.dtype, one.shape) for one in chosen}

    shapes = [graph.tensors[place].shape for place in graph.inputs]
    batch = fixed_batch([[None if size == FREE else size for size in shape] for shape in shapes])
    return Signature(tensors(graph.inputs), tensors(graph.outputs), graph.metadata, batch)
