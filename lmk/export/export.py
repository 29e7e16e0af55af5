"""`export_model`: build, check, and write one file with its provenance."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from lmk.arrays import FloatArray
from lmk.artifact.onnx_model import build_onnx, save_onnx, set_metadata
from lmk.artifact.provenance import Provenance
from lmk.export.engine import build_engine, runs_here
from lmk.export.engine_layers import require_layers
from lmk.export.install import describe, install
from lmk.export.int8 import calibrate, find_kept
from lmk.export.layers import describe_layers, layer_errors
from lmk.export.openvino_ir import save_ir
from lmk.export.options import SUFFIXES, ExportOptions, check_options, rebuild_command
from lmk.export.parity import Parity, compare, require_parity
from lmk.export.precision import conv_precisions, count, require_precision
from lmk.export.reference import NAMES, reference_landmarks
from lmk.export.samples import Samples
from lmk.inference.backends.base import Backend
from lmk.inference.backends.onnxruntime import OnnxRuntimeBackend
from lmk.inference.backends.openvino import OpenVinoBackend
from lmk.inference.backends.select import open_backend
from lmk.model.folder import Model
from lmk.system.files import check_writable, sha256_of
from lmk.system.onnx_package import ModelProto
from lmk.system.progress import Reporter


@dataclass(frozen=True)
class Exported:
    """A written file, its provenance and, unless no check was asked for, its parity."""

    path: Path
    provenance: Provenance
    parity: Parity | None


def export_model(
    model: Model,
    folder: Path,
    options: ExportOptions,
    samples: Samples,
    calibration: Samples | None,
    report: Reporter,
) -> Exported:
    """Write a model into a folder as NAME.onnx, NAME-fp16.onnx, NAME-int8.xml and so on.

    `samples` are what landmarks are compared on, `calibration` what int8 ranges are measured on.
    Raises UsageError, WeightsError, OutputError, UnavailableError, and ParityError when the
    landmarks of the written file are not the network's; then no file is left.
    """
    check_options(options, calibration is not None)
    check_writable(folder)
    proto, kept = _graph(model, options, samples, calibration, report)
    suffix = "" if options.precision == "fp32" else f"-{options.precision}"
    name = f"{model.manifest.name}{suffix}{SUFFIXES[options.format]}"
    with tempfile.TemporaryDirectory(prefix="lmk-") as scratch:
        candidate = Path(scratch) / name
        provenance = describe(model, proto, options.format, options.precision)
        provenance = replace(
            provenance,
            batch=options.batch,
            command=rebuild_command(model, options),
            kept_in_float=[name.removesuffix(".out") for name in kept],
        )
        provenance = _write(proto, candidate, options, provenance, report)
        parity = None
        if options.reference:
            backend = _backend(candidate, proto, options)
            parity = _measure(backend, model, samples, options)
            parity = replace(parity, worst_layers=_layers(parity, options, model, proto, samples))
            require_parity(parity, options.precision)
            layers = provenance.layers
            if isinstance(backend, OpenVinoBackend):
                layers = backend.layers()
            provenance = replace(provenance, parity=asdict(parity), layers=layers)
        return Exported(folder / name, install(candidate, folder, provenance), parity)


def _graph(
    model: Model,
    options: ExportOptions,
    samples: Samples,
    calibration: Samples | None,
    report: Reporter,
) -> tuple[ModelProto, list[str]]:
    """The graph that the file is made from, and the layers that int8 leaves in float32."""
    proto = build_onnx(model, options.graph)
    kept: list[str] = []
    if options.precision == "int8":
        assert calibration is not None
        symmetric = options.engine is not None
        with report.bar("measuring ranges", len(calibration.crops)) as bar:
            ranges = calibrate(proto, model.architecture, calibration.crops, symmetric, bar.advance)
        # The float32 graph stands in for the network, so that engines are built without torch.
        gate = _Gate(samples, reference_landmarks(model, samples.crops, "onnx"), options)
        proto, kept = find_kept(ranges, gate.passes, gate.error)
        report.say(f"int8 but for {', '.join(name.removesuffix('.out') for name in kept)}")
    require_precision(proto, options.precision if options.precision_in_graph else "fp32", kept)
    set_metadata(proto, {"precision": options.precision})
    return proto, kept


@dataclass(frozen=True, eq=False)
class _Gate:
    """The parity gate as the search for layers asks it."""

    samples: Samples
    expected: FloatArray
    options: ExportOptions

    def passes(self, proto: ModelProto) -> bool:
        return not self._measure(proto).over(self.options.precision)

    def error(self, proto: ModelProto) -> float:
        return self._measure(proto).mean_px

    def _measure(self, proto: ModelProto) -> Parity:
        with tempfile.TemporaryDirectory(prefix="lmk-") as folder:
            path = Path(folder) / "candidate.onnx"
            save_onnx(proto, path)
            actual = OnnxRuntimeBackend(str(path), "cpu").infer(self.samples.crops)[0]
        return compare(actual, self.expected, self.samples)


def _write(
    proto: ModelProto,
    path: Path,
    options: ExportOptions,
    provenance: Provenance,
    report: Reporter,
) -> Provenance:
    """Write the file and add to its provenance what only its making tells."""
    if options.engine:
        engine = build_engine(proto.SerializeToString(), options.engine, report)
        fused = len(conv_precisions(proto)) - len(engine.layers)
        require_layers(engine.layers, options.precision, len(provenance.kept_in_float))
        path.write_bytes(engine.plan)
        layers = count(engine.layers) | ({"fused": fused} if fused else {})
        provenance = replace(provenance, layers=layers, gpu=engine.gpu, batch=engine.batch)
        provenance = replace(provenance, files={path.name: sha256_of(path)})
        provenance.write(path)
    elif options.format == "openvino":
        save_ir(proto, path, half_weights=options.precision == "fp16")
    else:
        save_onnx(proto, path)
    return provenance


def _backend(candidate: Path, proto: ModelProto, options: ExportOptions) -> Backend:
    """The file in its own runtime; an engine's graph in ONNX Runtime where no GPU here runs it."""
    if options.engine and not runs_here(options.engine):
        path = candidate.with_suffix(".graph.onnx")
        save_onnx(proto, path)
        backend = OnnxRuntimeBackend(str(path), "cpu")
        backend.description += "; the engine's graph, the engine itself needs its GPU"
        path.unlink()
        return backend
    return open_backend(str(candidate), options.runtime)


def _measure(backend: Backend, model: Model, samples: Samples, options: ExportOptions) -> Parity:
    assert options.reference is not None
    expected = reference_landmarks(model, samples.crops, options.reference)
    labels = {"reference": NAMES[options.reference], "runtime": backend.description}
    return compare(backend.infer(samples.crops)[0], expected, samples, **labels)


def _layers(
    parity: Parity, options: ExportOptions, model: Model, proto: ModelProto, samples: Samples
) -> str:
    """Name the layers that add most to the largest difference, where the graph can tell."""
    if options.precision == "fp32" or not options.precision_in_graph:
        return ""
    reference = build_onnx(model, replace(options.graph, precision="fp32"))
    worst = samples.crops[list(samples.names).index(parity.worst_image)]
    return describe_layers(layer_errors(reference, proto, worst))
