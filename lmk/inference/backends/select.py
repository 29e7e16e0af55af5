"""Select the runtime that runs a model."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from weakref import finalize

from lmk.artifact.catalogue import FORMATS, PREFERENCE, RUNTIMES, format_of, load, reads_engines
from lmk.inference.backends.base import Backend
from lmk.inference.backends.saved_choice import saved_choice
from lmk.system.errors import LmkError, UnavailableError, UsageError
from lmk.system.install import install
from lmk.system.machine import jetson_model
from lmk.system.signing import PublicKey

NAMES = ("auto", *RUNTIMES)


def open_backend(
    model: str,
    runtime: str = "auto",
    device: str | None = None,
    threads: int | None = None,
    saved: bool = True,
    signed_by: PublicKey | None = None,
) -> Backend:
    """Load a model into a runtime.

    model: the name of a shipped model, a model or run folder, or an exported file. runtime: one of
    NAMES. device: "cpu" or "cuda", by default the CPU, and the GPU for engines. threads: number of
    threads on the CPU, by default the runtime chooses. If `saved` is set, runtime "auto" uses the
    choice that `lmk bench --save` saved for this model on this machine; the backend's description
    says so, or what changed since. signed_by: accept only an adapter file or an exported file that
    this key signed, and use neither a saved choice nor a file in the cache, which nobody signed.
    There is no fallback. Raises UsageError, WeightsError, and UnavailableError when the runtime or
    device is not on this machine.
    """
    if signed_by is not None:
        return _open_signed(model, signed_by, runtime, device, threads)
    choice = changed = None
    if saved and runtime == "auto" and not format_of(model):
        choice, changed = saved_choice(model, device)
    if choice:
        chosen = choice.file or model, choice.runtime, choice.device
        backend = _open(*chosen, threads or choice.threads)
        backend.description += ", chosen by lmk bench"
        return backend
    runtime, device = choose_runtime(model, runtime, device)
    if threads and device != "cpu":
        raise UsageError(f"threads are for the CPU, not for {device}: omit them")
    backend = _open(model, runtime, device, threads)
    if changed:
        backend.description += (
            f"; the choice of lmk bench is ignored, because {changed} changed: run  lmk bench "
            f"{model} --save  again"
        )
    return backend


def _open_signed(
    model: str, signed_by: PublicKey, runtime: str, device: str | None, threads: int | None
) -> Backend:
    """Open a private copy of a signed model, which stays as long as its backend."""
    from lmk.artifact.cached import MADE
    from lmk.artifact.signed_copy import signed_copy

    chosen = choose_runtime(model, runtime, device)[0]
    made = next((format for format in MADE if chosen in FORMATS[format].runtimes), "")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="lmk-")))
        stack.enter_context(_naming(model, folder))
        copy = signed_copy(model, signed_by, folder, made)
        backend = open_backend(str(copy), runtime, device, threads, saved=False)
        finalize(backend, stack.pop_all().close)
    backend.description += ", signature verified"
    return backend


@contextmanager
def _naming(model: str, folder: Path) -> Iterator[None]:
    """Let errors about a copy name the model that was given."""
    try:
        yield
    except LmkError as error:
        given = model.removesuffix(Path(model).name)
        raise type(error)(str(error).replace(f"{folder}{os.sep}", given)) from error


def _open(model: str, runtime: str, device: str, threads: int | None) -> Backend:
    backend: Backend = load(RUNTIMES[runtime].backend)(model, device, threads)
    return backend


def choose_runtime(model: str, runtime: str, device: str | None) -> tuple[str, str]:
    """Check that runtime, device and file match, and fill in defaults, without a saved choice.

    Raises UsageError, and UnavailableError where no runtime is installed.
    """
    if runtime not in NAMES:
        raise UsageError(f"unknown runtime {runtime!r}: expected one of {', '.join(NAMES)}")
    format = format_of(model)
    if format and not format.runtimes:
        raise UsageError(
            f"{Path(model).name} is for {format.title}, which lmk does not run: give the model's "
            "name or folder, or a file of another format"
        )
    readers = format.runtimes if format else tuple(RUNTIMES)
    engine = (format is not None and format.engine) or reads_engines(runtime)
    device = device or ("cuda" if engine else "cpu")
    if device not in PREFERENCE:
        raise UsageError(f"unknown device {device!r}: expected one of {', '.join(PREFERENCE)}")
    if engine and device != "cuda":
        raise UsageError(f"engines run on an NVIDIA GPU, not on {device}: omit --device")
    if runtime == "auto":
        runtime = readers[0] if engine else _fastest_installed(device, readers)
    if runtime not in readers:
        raise UsageError(
            f"{runtime} cannot read {Path(model).name}: give the model's name or folder, or choose "
            f"--runtime {' or '.join(readers)}"
        )
    return runtime, device


def _fastest_installed(device: str, readers: Sequence[str]) -> str:
    wanted = [runtime for runtime in PREFERENCE[device] if runtime in readers] or readers
    for runtime in wanted:
        if find_spec(RUNTIMES[runtime].module) is not None:
            return runtime
    last = RUNTIMES[wanted[-1]]
    engine = ", or export an engine:  lmk export MODEL -o DIR -f tensorrt" if jetson_model() else ""
    raise UnavailableError(
        f"{' or '.join(wanted)} is not installed: run  "
        f"{install(last.packages[0], last.extra(device))}{engine}"
    )
