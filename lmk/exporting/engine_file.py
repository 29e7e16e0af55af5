"""The writers of engine files, for both kinds of TensorRT."""

from __future__ import annotations

from pathlib import Path

from lmk.exporting.check_precision import conv_precisions, count
from lmk.exporting.engine import EngineOptions, build_engine, runs_here
from lmk.exporting.engine_layers import require_layers
from lmk.exporting.options import ExportOptions
from lmk.exporting.writer import Writer, Written
from lmk.inference.backends.tensorrt_bindings import Kind, load_bindings
from lmk.inference.cuda import Cuda
from lmk.system.cache import cache_folder
from lmk.system.onnx_package import ModelProto
from lmk.system.progress import Reporter


def engine_options(options: ExportOptions) -> EngineOptions:
    """What the engine of an export is built for."""
    kind: Kind = "tensorrt" if options.format == "tensorrt" else "tensorrt-rtx"
    cache = cache_folder() / "tensorrt-timings"
    return EngineOptions(
        kind, options.batch, options.workspace_mb, options.compute_capability, cache
    )


def _require(options: ExportOptions) -> None:
    kind = engine_options(options).kind
    load_bindings(kind)
    if kind == "tensorrt":
        Cuda()  # it builds on the GPU that will run the engine


def _write(proto: ModelProto, path: Path, options: ExportOptions, report: Reporter) -> Written:
    engine = build_engine(proto.SerializeToString(), engine_options(options), report)
    graph = count(conv_precisions(proto))
    kept = graph.get("fp32", 0) if options.precision != "fp32" else 0
    require_layers(engine.layers, options.precision, kept)
    path.write_bytes(engine.plan)
    fused = sum(graph.values()) - len(engine.layers)
    layers = count(engine.layers) | ({"fused": fused} if fused else {})
    return Written(layers, engine.batch, engine.gpu)


def _needs(options: ExportOptions) -> str:
    return "" if runs_here(engine_options(options)) else "its GPU"


WRITER = Writer(_write, _require, _needs)
