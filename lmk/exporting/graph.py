"""The graph that an exported file is made from, in the requested precision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from lmk.artifact.catalogue import load
from lmk.artifact.onnx_model import build_onnx, set_metadata
from lmk.exporting.check_precision import require_precision
from lmk.exporting.options import ExportOptions
from lmk.exporting.samples import Samples
from lmk.exporting.verify import Gate
from lmk.model.folder import Model
from lmk.system.onnx_package import ModelProto
from lmk.system.progress import Reporter


@dataclass(frozen=True)
class Graph:
    """An ONNX graph, and the convolution nodes that quantisation left in float32."""

    proto: ModelProto
    kept: list[str]


@dataclass(frozen=True, eq=False)
class Quantizing:
    """The inputs of a quantizer.

    symmetric: whether ranges must be symmetric about zero, as engines require. gate: the parity
    check. calibration: the crops to measure ranges on, None for a precision that needs none.
    """

    model: Model
    proto: ModelProto
    calibration: Samples | None
    gate: Gate
    symmetric: bool
    report: Reporter


Quantizer: TypeAlias = Callable[[Quantizing], Graph]
"""The quantizer of a precision, from the table of precisions."""


def make_graph(
    model: Model,
    options: ExportOptions,
    samples: Samples,
    calibration: Samples | None,
    report: Reporter,
) -> Graph:
    """Build a model's graph, quantised if the precision requires it; check its precision.

    Raises WeightsError, UnavailableError, and ParityError for a graph in another precision.
    """
    graph = Graph(build_onnx(model, options.graph), [])
    if options.arithmetic.quantizer:
        quantize: Quantizer = load(options.arithmetic.quantizer)
        gate = Gate(model, samples, options.precision)
        symmetric = options.file_format.engine
        graph = quantize(Quantizing(model, graph.proto, calibration, gate, symmetric, report))
        kept = ", ".join(name.removesuffix(".out") for name in graph.kept)
        report.say(f"{options.precision} except {kept}")
    in_graph = options.precision if options.precision_in_graph else "fp32"
    require_precision(graph.proto, in_graph, graph.kept)
    set_metadata(graph.proto, {"precision": options.precision})
    return graph
