"""Compare a written file, or a candidate graph, with the network that it was made from."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from lmk.arrays import FloatArray
from lmk.artifact.onnx_model import build_onnx, save_onnx
from lmk.exporting.layers import describe_layers, layer_errors
from lmk.exporting.options import ExportOptions
from lmk.exporting.parity import Parity, compare, require_parity
from lmk.exporting.reference import NAMES, reference_places
from lmk.exporting.samples import Samples
from lmk.exporting.writer import Writer
from lmk.inference.backends.base import Backend
from lmk.inference.backends.onnxruntime import OnnxRuntimeBackend
from lmk.model.folder import Model
from lmk.system.onnx_package import ModelProto


@dataclass(frozen=True, eq=False)
class Gate:
    """The parity check of graphs in ONNX Runtime, for quantizers.

    The float32 graph replaces the network, so that engines can be built without torch.
    """

    model: Model
    samples: Samples
    precision: str

    def passes(self, proto: ModelProto) -> bool:
        """Whether a graph's landmarks are within the limits of the precision."""
        return not self._parity(proto).over(self.precision)

    def error(self, proto: ModelProto) -> float:
        """Mean distance of a graph's landmarks from the float32 graph's, in input pixels."""
        return self._parity(proto).mean_px

    @cached_property
    def _expected(self) -> FloatArray:
        return reference_places(self.model, self.samples.crops, "onnx")

    def _parity(self, proto: ModelProto) -> Parity:
        actual = in_onnxruntime(proto).infer(self.samples.crops).places
        return compare(actual, self._expected, self.samples, self.model.points)


def open_written(
    path: Path, proto: ModelProto, options: ExportOptions, writer: Writer, needs: str
) -> Backend:
    """Open a file in its own runtime, or its graph in ONNX Runtime if the file `needs` more."""
    if not needs:
        return writer.open(path, options)
    backend, noun = in_onnxruntime(proto), options.file_format.noun
    backend.description += f"; the graph of the {noun}, because the {noun} itself needs {needs}"
    return backend


def verify(
    backend: Backend, model: Model, proto: ModelProto, samples: Samples, options: ExportOptions
) -> Parity:
    """Compare a written file's landmarks with the reference's.

    Raises UnavailableError without the reference's package, and ParityError when the landmarks
    differ by more than the precision's limits.
    """
    assert options.reference is not None
    expected = reference_places(model, samples.crops, options.reference)
    labels = {"reference": NAMES[options.reference], "runtime": backend.description}
    actual = backend.infer(samples.crops).places
    parity = compare(actual, expected, samples, model.points, **labels)
    parity = replace(parity, worst_layers=_worst_layers(parity, options, model, proto, samples))
    require_parity(parity, options.precision)
    return parity


def _worst_layers(
    parity: Parity, options: ExportOptions, model: Model, proto: ModelProto, samples: Samples
) -> str:
    """Name the layers that add most to the largest difference, if the graph allows it."""
    if options.precision == "fp32" or not options.precision_in_graph:
        return ""
    reference = build_onnx(model, replace(options.graph, precision="fp32"))
    worst = samples.crops[list(samples.names).index(parity.worst_image)]
    return describe_layers(layer_errors(reference, proto, worst))


def in_onnxruntime(proto: ModelProto) -> OnnxRuntimeBackend:
    """Open a graph in ONNX Runtime."""
    with tempfile.TemporaryDirectory(prefix="lmk-") as folder:
        path = Path(folder) / "graph.onnx"
        save_onnx(proto, path)
        return OnnxRuntimeBackend(str(path), "cpu")
