"""The cases to measure: runtimes, devices, precisions and numbers of threads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lmk.artifact.batch import BatchRange
from lmk.artifact.catalogue import PRECISIONS, RUNTIMES, format_for, reads_engines
from lmk.artifact.provenance import check_unchanged, tool_versions
from lmk.exporting.engine import gpu_here
from lmk.exporting.export import export_model
from lmk.exporting.options import ExportOptions
from lmk.exporting.samples import Samples
from lmk.inference.backends.tensorrt import check_machine
from lmk.inference.backends.tensorrt_bindings import load_bindings
from lmk.inference.cuda import Cuda
from lmk.model.folder import Model
from lmk.system.cache import cache_folder
from lmk.system.errors import LmkError, UnavailableError, UsageError
from lmk.system.progress import Reporter


@dataclass(frozen=True)
class Case:
    """One row of the benchmark; `threads` None leaves the number to the runtime."""

    runtime: str
    device: str
    precision: str
    threads: int | None = None


def list_cases(
    runtimes: Sequence[str],
    precisions: Sequence[str],
    threads: Sequence[int | None],
    device: str | None,
) -> list[Case]:
    """All meaningful combinations; empty choices mean all.

    By default a precision is measured in runtimes that compute in it; if given by name, also where
    it is only stored. Raises UsageError for an unknown runtime or precision, and if no case is
    left.
    """
    _check_words("--runtime", runtimes, tuple(RUNTIMES))
    _check_words("--precision", precisions, tuple(PRECISIONS))
    cases = []
    for runtime in runtimes or RUNTIMES:
        for where in _devices(runtime, device):
            for precision in PRECISIONS:
                if precision not in (precisions or RUNTIMES[runtime].devices[where].computes):
                    continue
                counts = threads if where == "cpu" else (None,)
                cases += [Case(runtime, where, precision, count) for count in counts]
    if not cases:
        asked = ", ".join(runtimes)
        raise UsageError(f"{asked} does not run on {device}: omit --device or --runtime")
    return cases


def prepare(
    case: Case,
    model: Model,
    batches: Sequence[int],
    samples: Samples,
    calibration: Samples,
    report: Reporter,
) -> Path | None:
    """Return the file that a case runs, made in the user's cache on first use.

    It is None for a runtime that reads the model folder. Engines are tuned for the first of the
    batches. Raises LmkError if the file cannot be made here.
    """
    if not any(format_for(case.runtime, precision) for precision in PRECISIONS):
        _require_computed(case)
        return None
    engine = reads_engines(case.runtime)
    cuda = Cuda() if engine else None  # before minutes are spent on an engine
    format = format_for(case.runtime, case.precision)
    if format is None:
        raise UsageError(f"{case.runtime} does not support {case.precision} on {case.device}")
    batch = BatchRange(1, batches[0], max(batches)) if engine else BatchRange()
    bench = cache_folder() / "bench"
    folder = bench / model.exported_sha256[:16] / _measured_on(case, calibration, samples)
    name = f"{batch.min}-{batch.opt}-{batch.max or 'any'}"
    options = ExportOptions(format.name, case.precision, batch, reference=None)
    path = folder / name / options.file_name(model)
    if not _as_made_now(path, cuda):
        measured = calibration if options.arithmetic.calibrated else None
        export_model(model, path.parent, options, samples, measured, report)
    return path


def _devices(runtime: str, device: str | None) -> list[str]:
    """The requested ones, or all on this machine; for a runtime with only one, this one."""
    runs_on = list(RUNTIMES[runtime].devices)
    if device:
        return [device] if device in runs_on else []
    without_gpu = [one for one in runs_on if one != "cuda"]
    return runs_on if gpu_here() else without_gpu or runs_on


def _check_words(option: str, words: Sequence[str], known: Sequence[str]) -> None:
    wrong = [word for word in words if word not in known]
    if wrong:
        raise UsageError(f"{option} {wrong[0]}: expected all, or some of {', '.join(known)}")


def _require_computed(case: Case) -> None:
    computes = RUNTIMES[case.runtime].devices[case.device].computes
    if case.precision not in computes:
        raise UnavailableError(f"lmk runs {case.runtime} in {', '.join(computes)} only")


def _measured_on(case: Case, calibration: Samples, samples: Samples) -> str:
    """A name for the crops that the ranges and the float32 layers of a quantised file depend on."""
    if not PRECISIONS[case.precision].quantizer:
        return "plain"
    import hashlib

    parts = (hashlib.sha256(part.crops.tobytes()).hexdigest() for part in (calibration, samples))
    return "-".join(part[:16] for part in parts)


def _as_made_now(path: Path, cuda: Cuda | None) -> bool:
    """Whether a file is unchanged, and was made by the current packages for the current GPU."""
    try:
        known = check_unchanged(path)
        if cuda:
            check_machine(known, path, cuda, load_bindings(known.format).__version__)  # type: ignore[arg-type]
    except LmkError:
        return False
    return known.tools == tool_versions()
