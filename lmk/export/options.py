"""What may be asked of an export, and what cannot be had together."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import Literal

from lmk.artifact.batch import BatchRange
from lmk.artifact.onnx_model import OPSET, GraphOptions
from lmk.export.engine import WORKSPACE_MB, EngineOptions
from lmk.export.openvino_ir import require_bf16
from lmk.export.reference import Reference
from lmk.inference.backends.tensorrt_bindings import Kind, load_bindings
from lmk.inference.cuda import Cuda
from lmk.model.folder import Model
from lmk.system.errors import UsageError
from lmk.system.files import cache_folder

Format = Literal["onnx", "openvino", "tensorrt", "tensorrt-rtx"]
Precision = Literal["fp32", "fp16", "bf16", "int8"]

PRECISIONS: dict[str, tuple[str, ...]] = {
    "onnx": ("fp32", "fp16", "int8"),
    "openvino": ("fp32", "fp16", "bf16", "int8"),
    "tensorrt": ("fp32", "fp16", "int8"),
    "tensorrt-rtx": ("fp32", "fp16", "int8"),
}
SUFFIXES = {"onnx": ".onnx", "openvino": ".xml", "tensorrt": ".plan", "tensorrt-rtx": ".rtx"}


@dataclass(frozen=True)
class ExportOptions:
    """What to write, and what to hold it against; `reference` None writes without a check."""

    format: Format = "onnx"
    precision: Precision = "fp32"
    batch: BatchRange = field(default_factory=BatchRange)
    opset: int = OPSET
    heatmaps: bool = False
    fold_projections: bool = True
    reference: Reference | None = "network"
    workspace_mb: int = WORKSPACE_MB
    compute_capability: str | None = None

    @property
    def runtime(self) -> str:
        """The runtime that runs the file."""
        return "onnxruntime" if self.format == "onnx" else self.format

    @property
    def engine(self) -> EngineOptions | None:
        """How the engine is built, None for a format that is none."""
        if self.format not in ("tensorrt", "tensorrt-rtx"):
            return None
        kind: Kind = "tensorrt" if self.format == "tensorrt" else "tensorrt-rtx"
        cache = cache_folder() / "tensorrt-timings"
        return EngineOptions(kind, self.batch, self.workspace_mb, self.compute_capability, cache)

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


def check_options(options: ExportOptions, calibrated: bool) -> None:
    """Raise for a combination that cannot be written, before any work is done."""
    known = PRECISIONS[options.format]
    if options.precision not in known:
        raise UsageError(
            f"{options.format} files are written in {', '.join(known)}, not {options.precision}"
        )
    if options.precision == "int8" and not calibrated:
        raise UsageError(
            "int8 needs crops to measure activation ranges on: add  --calibration-data FOLDER  "
            "with photographs of the category"
        )
    if calibrated and options.precision != "int8":
        raise UsageError(f"--calibration-data is for int8, not for {options.precision}")
    if options.precision == "int8" and not options.fold_projections:
        raise UsageError("int8 is for folded networks: leave out --no-fold-projections")
    if options.precision == "bf16":
        require_bf16()
    if options.engine:
        if options.heatmaps:
            raise UsageError("--heatmaps is for ONNX and OpenVINO files: engines give landmarks")
        load_bindings(options.engine.kind)
        if options.engine.kind == "tensorrt":
            Cuda()  # it builds on the GPU that will run the engine
        return
    batch = options.batch
    if batch.fixed is None and batch != BatchRange():
        raise UsageError(
            f"--batch {batch.min}:{batch.opt}:{batch.max} is for engines: {options.format} files "
            "take one size, such as 4, or any, which is dynamic"
        )
    if options.compute_capability:
        raise UsageError(f"--compute-capability is for engines, not for {options.format} files")
    if options.workspace_mb != WORKSPACE_MB:
        raise UsageError(f"--workspace is for engines, not for {options.format} files")


def rebuild_command(model: Model, options: ExportOptions) -> str:
    """The command that makes such a file again."""
    words = ["lmk", "export", model.reference, "-o", "DIR", "-f", options.format]
    words += ["--precision", options.precision]
    if options.batch != BatchRange():
        batch = options.batch
        words += ["--batch", str(batch.fixed or f"{batch.min}:{batch.opt}:{batch.max}")]
    if options.opset != OPSET:
        words += ["--opset", str(options.opset)]
    if options.heatmaps:
        words.append("--heatmaps")
    if not options.fold_projections:
        words.append("--no-fold-projections")
    if options.engine and options.workspace_mb != WORKSPACE_MB:
        words += ["--workspace", str(options.workspace_mb)]
    if options.precision == "int8":
        words += ["--calibration-data", "FOLDER"]
    if options.reference is None:
        words.append("--no-verify")
    elif options.reference != "network":
        words += ["--reference", options.reference]
    if options.compute_capability:
        words += ["--compute-capability", options.compute_capability]
    return shlex.join(words)
