"""Options of an export, and the combinations that are not allowed."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from lmk.artifact import catalogue
from lmk.artifact.batch import BatchRange
from lmk.artifact.onnx_model import OPSET, GraphOptions
from lmk.exporting.reference import Reference
from lmk.model.folder import Model
from lmk.system.errors import UsageError, missing_extra

WORKSPACE_MB = 512

WHY_NOT = {
    "heatmaps": ": engines and pages return only landmarks and scores",
    "batch_range": ", which have one batch size, such as 4, or any, which is dynamic",
}
"""Why a format does not have an option, where that is not clear from its name."""


@dataclass(frozen=True)
class ExportOptions:
    """What to write, and what to compare it with; `reference` None is without a check."""

    format: str = "onnx"
    precision: str = "fp32"
    batch: BatchRange = field(default_factory=BatchRange)
    opset: int = OPSET
    heatmaps: bool = False
    fold_projections: bool = True
    reference: Reference | None = "network"
    workspace_mb: int = WORKSPACE_MB
    compute_capability: str | None = None
    runtime_files: str | None = None
    picture: Path | None = None

    @property
    def file_format(self) -> catalogue.Format:
        """The format, from the table of formats."""
        return catalogue.FORMATS[self.format]

    @property
    def arithmetic(self) -> catalogue.Precision:
        """The precision, from the table of precisions."""
        return catalogue.PRECISIONS[self.precision]

    @property
    def graph(self) -> GraphOptions:
        """Options of the floating point graph that the file is made from."""
        half = self.precision == "fp16" and self.precision_in_graph
        precision: Literal["fp32", "fp16"] = "fp16" if half else "fp32"
        batch = self.batch.fixed
        return GraphOptions(precision, batch, self.opset, self.heatmaps, self.fold_projections)

    @property
    def precision_in_graph(self) -> bool:
        """Whether the graph itself has the precision, and not only the storage or the runtime."""
        return self.precision not in self.file_format.outside_graph

    def file_name(self, model: Model) -> str:
        """NAME.onnx, NAME-fp16.onnx, NAME-int8.xml and so on; a path, where the format has one."""
        suffix = "" if self.precision == "fp32" else f"-{self.precision}"
        stem = self.file_format.layout.format(f"{model.manifest.name}{suffix}")
        return f"{stem}{self.file_format.suffix}"


def find_format(name: str) -> catalogue.Format:
    """A format of the table. Raises UsageError for a name that is not in it."""
    if name not in catalogue.FORMATS:
        known = ", ".join(catalogue.FORMATS)
        raise UsageError(f"unknown format {name!r}: expected one of {known}")
    return catalogue.FORMATS[name]


def check_options(options: ExportOptions, calibrated: bool) -> None:
    """Raise for a combination that cannot be written, before any work is done."""
    format, precision = find_format(options.format), options.precision
    if precision not in format.precisions:
        known = ", ".join(format.precisions)
        raise UsageError(f"{format.name} files are written in {known}, not {precision}")
    _check_calibration(options, calibrated)
    for option, words in _given(options).items():
        takers = [one for one in catalogue.FORMATS.values() if option in one.options]
        if format not in takers:
            engines = takers == [one for one in catalogue.FORMATS.values() if one.engine]
            names = catalogue.listed((one.name for one in takers), "and")
            raise UsageError(
                f"{words} is for {'engines' if engines else f'{names} files'}, not for "
                f"{format.name} files{WHY_NOT.get(option, '')}"
            )
    if options.reference == "network" and find_spec("torch") is None:
        raise missing_extra("torch", "train")


def _check_calibration(options: ExportOptions, calibrated: bool) -> None:
    name = options.precision
    if options.arithmetic.calibrated and not calibrated:
        raise UsageError(
            f"{name} needs crops to measure activation ranges on: add  --calibration-data FOLDER  "
            "with photographs of the category"
        )
    if calibrated and not options.arithmetic.calibrated:
        wanting = [one.name for one in catalogue.PRECISIONS.values() if one.calibrated]
        raise UsageError(
            f"--calibration-data is for {catalogue.listed(wanting, 'and')}, not for {name}"
        )
    if options.arithmetic.quantizer and not options.fold_projections:
        raise UsageError(f"{name} is for folded networks: omit --no-fold-projections")


def _given(options: ExportOptions) -> dict[str, str]:
    """Options in use that not every format has, as written on the command line."""
    in_use = {
        "heatmaps": options.heatmaps,
        "batch_range": options.batch.fixed is None and options.batch != BatchRange(),
        "workspace": options.workspace_mb != WORKSPACE_MB,
        "compute_capability": options.compute_capability is not None,
        "runtime_files": options.runtime_files is not None,
        "picture": options.picture is not None,
    }
    words = {
        "heatmaps": "--heatmaps",
        "batch_range": f"--batch {_batch(options.batch)}",
        "workspace": "--workspace",
        "compute_capability": "--compute-capability",
        "runtime_files": "--runtime-files",
        "picture": "--picture",
    }
    return {option: words[option] for option, used in in_use.items() if used}


def _batch(batch: BatchRange) -> str:
    return str(batch.fixed or f"{batch.min}:{batch.opt}:{batch.max}")


def rebuild_command(model: Model, options: ExportOptions) -> str:
    """The command that makes such a file again."""
    words = ["lmk", "export", model.reference, "-o", "DIR", "-f", options.format]
    words += ["--precision", options.precision]
    if options.batch != BatchRange():
        words += ["--batch", _batch(options.batch)]
    if options.opset != OPSET:
        words += ["--opset", str(options.opset)]
    if options.heatmaps:
        words.append("--heatmaps")
    if not options.fold_projections:
        words.append("--no-fold-projections")
    if options.workspace_mb != WORKSPACE_MB:
        words += ["--workspace", str(options.workspace_mb)]
    if options.arithmetic.calibrated:
        words += ["--calibration-data", "FOLDER"]
    if options.reference is None:
        words.append("--no-verify")
    elif options.reference != "network":
        words += ["--reference", options.reference]
    if options.compute_capability:
        words += ["--compute-capability", options.compute_capability]
    if options.runtime_files:
        words += ["--runtime-files", "npm" if options.runtime_files == "npm" else "DIR"]
    if options.picture:
        words += ["--picture", "FILE"]
    return shlex.join(words)
