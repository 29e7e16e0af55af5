"""What there is to measure: runtimes, devices, precisions and numbers of threads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lmk.artifact.batch import BatchRange
from lmk.artifact.provenance import check_unchanged, tool_versions
from lmk.export.engine import gpu_here
from lmk.export.export import export_model
from lmk.export.options import PRECISIONS as WRITTEN
from lmk.export.options import SUFFIXES, ExportOptions, Format, Precision
from lmk.export.samples import Samples
from lmk.inference.backends.select import ENGINES, RUNTIMES
from lmk.inference.backends.tensorrt import check_machine
from lmk.inference.backends.tensorrt_bindings import load_bindings
from lmk.inference.cuda import Cuda
from lmk.model.folder import Model
from lmk.system.errors import LmkError, UnavailableError, UsageError
from lmk.system.files import cache_folder
from lmk.system.progress import Reporter

Device = Literal["cpu", "cuda"]
PRECISIONS: tuple[Precision, ...] = ("fp32", "fp16", "bf16", "int8")
# OpenVINO reads ONNX files; its own format is for what an ONNX file cannot say.
OWN_FORMAT = {("openvino", "fp16"), ("openvino", "bf16")}
# Precisions in which a runtime really computes on the processor.
COMPUTED = {
    "onnxruntime": ("fp32", "int8"),
    "openvino": ("fp32", "bf16", "int8"),
    "torch": ("fp32",),
}
ON_GPU = {"onnxruntime": ("fp32", "fp16"), "torch": ("fp32",)}


@dataclass(frozen=True)
class Case:
    """One row of the benchmark; `threads` None leaves their number to the runtime."""

    runtime: str
    device: Device
    precision: Precision
    threads: int | None = None


def list_cases(
    runtimes: Sequence[str],
    precisions: Sequence[str],
    threads: Sequence[int | None],
    device: Device | None,
) -> list[Case]:
    """All combinations that mean something; empty choices mean all.

    Left to itself a precision is measured where it is computed in; asked for by name also where it
    is only stored. Raises UsageError for words that are no runtimes or precisions, and where
    nothing is left.
    """
    known = RUNTIMES[1:]
    _check_words("--runtime", runtimes, known)
    _check_words("--precision", precisions, PRECISIONS)
    cases = []
    for runtime in runtimes or known:
        for where in _devices(runtime, device):
            for precision in PRECISIONS:
                if precision not in (precisions or _computed(runtime, where)):
                    continue
                counts = threads if where == "cpu" else (None,)
                cases += [Case(runtime, where, precision, count) for count in counts]
    if not cases:
        asked = ", ".join(runtimes)
        raise UsageError(f"{asked} does not run on {device}: leave out --device or --runtime")
    return cases


def prepare(
    case: Case,
    model: Model,
    batches: Sequence[int],
    samples: Samples,
    calibration: Samples,
    report: Reporter,
) -> Path | None:
    """Return the file that a case runs, made in the user's cache on first use; None for torch.

    Engines are tuned for the first of the batches. Raises LmkError where it cannot be made here.
    """
    cuda = Cuda() if case.runtime in ENGINES else None  # before minutes are spent on an engine
    if case.runtime == "torch":
        _require_torch(case)
        return None
    own = (case.runtime, case.precision) in OWN_FORMAT or case.runtime in ENGINES
    format: Format = case.runtime if own else "onnx"  # type: ignore[assignment]
    if case.precision not in WRITTEN[format]:
        raise UsageError(f"{case.runtime} has no {case.precision} on {case.device}")
    batch = BatchRange(1, batches[0], max(batches)) if case.runtime in ENGINES else BatchRange()
    bench = cache_folder() / "bench"
    folder = bench / model.exported_sha256[:16] / _measured_on(case, calibration, samples)
    name = f"{batch.min}-{batch.opt}-{batch.max or 'any'}"
    options = ExportOptions(format, case.precision, batch, reference=None)
    suffix = "" if case.precision == "fp32" else f"-{case.precision}"
    path = folder / name / f"{model.manifest.name}{suffix}{SUFFIXES[format]}"
    if not _as_made_now(path, cuda):
        measured = calibration if case.precision == "int8" else None
        export_model(model, path.parent, options, samples, measured, report)
    return path


def _devices(runtime: str, device: Device | None) -> list[Device]:
    if runtime in ENGINES:
        return ["cuda"] if device != "cpu" else []
    if runtime == "openvino":
        return ["cpu"] if device != "cuda" else []
    if device:
        return [device]
    return ["cpu", "cuda"] if gpu_here() else ["cpu"]


def _computed(runtime: str, device: Device) -> Sequence[str]:
    if runtime in ENGINES:
        return WRITTEN[runtime]
    return ON_GPU[runtime] if device == "cuda" else COMPUTED[runtime]


def _check_words(option: str, words: Sequence[str], known: Sequence[str]) -> None:
    wrong = [word for word in words if word not in known]
    if wrong:
        raise UsageError(f"{option} {wrong[0]}: expected all, or some of {', '.join(known)}")


def _require_torch(case: Case) -> None:
    if case.precision != "fp32":
        raise UnavailableError("lmk runs torch in fp32 alone")


def _measured_on(case: Case, calibration: Samples, samples: Samples) -> str:
    """int8 files differ by the crops of their ranges, and by those that choose float32 layers."""
    if case.precision != "int8":
        return "plain"
    import hashlib

    parts = (hashlib.sha256(part.crops.tobytes()).hexdigest() for part in (calibration, samples))
    return "-".join(part[:16] for part in parts)


def _as_made_now(path: Path, cuda: Cuda | None) -> bool:
    """Whether a file is whole, and what the packages and the GPU of now would make."""
    try:
        known = check_unchanged(path)
        if cuda:
            check_machine(known, path, cuda, load_bindings(known.format).__version__)  # type: ignore[arg-type]
    except LmkError:
        return False
    return known.tools == tool_versions()
