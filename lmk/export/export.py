"""`export_model`: build, check, and write one file with its provenance."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from onnx import ModelProto

from lmk.errors import ParityError, UsageError
from lmk.export.batch import BatchRange
from lmk.export.int8 import calibrate, find_kept
from lmk.export.layers import describe_layers, layer_errors
from lmk.export.onnx_model import OPSET, GraphOptions, build_onnx, save_onnx, set_metadata
from lmk.export.openvino_ir import require_bf16, save_ir
from lmk.export.parity import Parity, compare, require_parity
from lmk.export.precision import conv_precisions, count, require_precision
from lmk.export.provenance import Provenance, sha256_of
from lmk.export.reference import NAMES, Reference, reference_landmarks
from lmk.export.samples import Samples
from lmk.files import replacing
from lmk.geometry import FloatArray
from lmk.model.folder import Model
from lmk.progress import Reporter
from lmk.runtime.backends.base import Backend
from lmk.runtime.backends.select import open_backend

Format = Literal["onnx", "openvino"]
Precision = Literal["fp32", "fp16", "bf16", "int8"]

PRECISIONS: dict[str, tuple[str, ...]] = {
    "onnx": ("fp32", "fp16", "int8"),
    "openvino": ("fp32", "fp16", "bf16", "int8"),
}
SUFFIXES = {"onnx": ".onnx", "openvino": ".xml"}
RUNTIMES = {"onnx": "onnxruntime", "openvino": "openvino"}
SEARCH_CROPS = 32


@dataclass(frozen=True)
class ExportOptions:
    """What to write, and what to hold it against; `reference` None writes without a check."""

    format: Format = "onnx"
    precision: Precision = "fp32"
    batch: BatchRange = BatchRange()
    opset: int = OPSET
    heatmaps: bool = False
    fold_projections: bool = True
    reference: Reference | None = "network"

    @property
    def graph(self) -> GraphOptions:
        """Options of the floating point graph that the file is made from."""
        half = self.precision == "fp16" and self.precision_in_graph
        precision: Literal["fp32", "fp16"] = "fp16" if half else "fp32"
        batch = self.batch.fixed
        return GraphOptions(precision, batch, self.opset, self.heatmaps, self.fold_projections)

    @property
    def precision_in_graph(self) -> bool:
        """Whether the graph itself says the precision; for OpenVINO's halves it is how weights are
        stored (fp16) or how the file is run (bf16)."""
        return self.format != "openvino" or self.precision in ("fp32", "int8")


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
    check_options(options, calibration)
    expected = None
    if options.reference:
        expected = reference_landmarks(model, samples.crops, options.reference)
    proto, kept = _graph(model, options, samples, expected, calibration, report)
    suffix = "" if options.precision == "fp32" else f"-{options.precision}"
    name = f"{model.manifest.name}{suffix}{SUFFIXES[options.format]}"
    with tempfile.TemporaryDirectory(prefix="lmk-") as scratch:
        candidate = Path(scratch) / name
        _write(proto, candidate, options)
        layers, parity = count(conv_precisions(proto)), None
        if expected is not None:
            backend = open_backend(str(candidate), RUNTIMES[options.format])
            parity = _measure(backend, samples, expected, options)
            _require(parity, options, model, proto, samples)
            if options.format == "openvino":
                layers = backend.layers()
        provenance = _provenance(model, options, proto, kept, layers, parity)
        return _install(candidate, folder, provenance, parity)


def check_options(options: ExportOptions, calibration: Samples | None) -> None:
    """Raise for a combination that cannot be written, before any work is done."""
    known = PRECISIONS[options.format]
    if options.precision not in known:
        raise UsageError(
            f"{options.format} files are written in {', '.join(known)}, not {options.precision}"
        )
    if options.precision == "int8" and calibration is None:
        raise UsageError(
            "int8 needs crops to measure activation ranges on: add  --calibration-data FOLDER  "
            "with photographs of the category"
        )
    if options.precision == "int8" and not options.fold_projections:
        raise UsageError("int8 is for folded networks: leave out --no-fold-projections")
    if options.precision == "bf16":
        require_bf16()


def _graph(
    model: Model,
    options: ExportOptions,
    samples: Samples,
    expected: FloatArray | None,
    calibration: Samples | None,
    report: Reporter,
) -> tuple[ModelProto, list[str]]:
    """The graph that the file is made from, and the layers that int8 leaves in float32."""
    proto, kept = build_onnx(model, options.graph), []
    if options.precision == "int8":
        assert calibration is not None
        with report.bar("measuring ranges", len(calibration.crops)) as bar:
            ranges = calibrate(proto, calibration.crops, False, bar.advance)
        if expected is None:
            expected = reference_landmarks(model, samples.crops, "onnx")
        gate = _Gate(samples, expected, options)
        proto, kept = find_kept(ranges, gate.passes, gate.error)
        report.say(f"int8 but for {', '.join(name.removesuffix('.out') for name in kept)}")
    require_precision(proto, options.precision if options.precision_in_graph else "fp32", kept)
    set_metadata(proto, {"precision": options.precision})
    return proto, kept


@dataclass(frozen=True, eq=False)
class _Gate:
    """The parity gate as the search for layers asks it, on part of the samples."""

    samples: Samples
    expected: FloatArray
    options: ExportOptions

    def passes(self, proto: ModelProto) -> bool:
        return not self._measure(proto).over(self.options.precision)

    def error(self, proto: ModelProto) -> float:
        return self._measure(proto).mean_px

    def _measure(self, proto: ModelProto) -> Parity:
        from lmk.runtime.backends.onnxruntime import OnnxRuntimeBackend

        with tempfile.TemporaryDirectory(prefix="lmk-") as folder:
            path = Path(folder) / "candidate.onnx"
            save_onnx(proto, path)
            actual = OnnxRuntimeBackend(str(path), "cpu").infer(self.samples.crops)[0]
        return compare(actual, self.expected, self.samples)


def _write(proto: ModelProto, path: Path, options: ExportOptions) -> None:
    if options.format == "openvino":
        save_ir(proto, path, half_weights=options.precision == "fp16")
    else:
        save_onnx(proto, path)


def _measure(
    backend: Backend, samples: Samples, expected: FloatArray, options: ExportOptions
) -> Parity:
    assert options.reference is not None
    labels = {"reference": NAMES[options.reference], "runtime": backend.description}
    return compare(backend.infer(samples.crops)[0], expected, samples, **labels)


def _require(
    parity: Parity, options: ExportOptions, model: Model, proto: ModelProto, samples: Samples
) -> None:
    try:
        require_parity(parity, options.precision)
    except ParityError as error:
        where = ""
        if options.precision_in_graph:
            reference = build_onnx(model, replace(options.graph, precision="fp32"))
            worst = samples.crops[list(samples.names).index(parity.worst_image)]
            found = describe_layers(layer_errors(reference, proto, worst))
            where = f" Largest errors that single layers add there: {found}."
        raise ParityError(
            f"{error}.{where} Crops of the model's own category tell more: --verify-data FOLDER. "
            "--no-verify keeps the file all the same"
        ) from error


def _provenance(
    model: Model,
    options: ExportOptions,
    proto: ModelProto,
    kept: list[str],
    layers: dict[str, int],
    parity: Parity | None,
) -> Provenance:
    import hashlib

    manifest = model.manifest
    return Provenance(
        format=options.format,
        precision=options.precision,
        name=manifest.name,
        num_landmarks=manifest.num_landmarks,
        weights_sha256=manifest.weights_sha256,
        core_sha256=manifest.core.sha256 if manifest.core else None,
        onnx_sha256=hashlib.sha256(proto.SerializeToString()).hexdigest(),
        batch=options.batch,
        layers=layers,
        command=rebuild_command(model, options),
        kept_in_float=[name.removesuffix(".out") for name in kept],
        parity=asdict(parity) if parity else None,
    )


def rebuild_command(model: Model, options: ExportOptions) -> str:
    """The command that makes such a file again."""
    words = ["lmk export", model.reference, "-o DIR", "-f", options.format]
    words += ["--precision", options.precision]
    if options.batch != BatchRange():
        batch = options.batch
        words.append(f"--batch {batch.fixed or f'{batch.min}:{batch.opt}:{batch.max}'}")
    if options.precision == "int8":
        words.append("--calibration-data FOLDER")
    return " ".join(words)


def _install(
    candidate: Path, folder: Path, provenance: Provenance, parity: Parity | None
) -> Exported:
    """Move the files in place, the provenance last, so that a half-done export is noticed."""
    files = sorted(candidate.parent.glob(f"{candidate.stem}.*"))
    provenance = replace(provenance, files={file.name: sha256_of(file) for file in files})
    for file in files:
        with replacing(folder / file.name) as temporary:
            temporary.write_bytes(file.read_bytes())
    path = folder / candidate.name
    provenance.write(path)
    return Exported(path, provenance, parity)
