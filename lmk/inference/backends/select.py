"""Which runtime runs a model."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from lmk.inference.backends.base import Backend
from lmk.inference.backends.chosen import saved_choice
from lmk.system.errors import UnavailableError, UsageError
from lmk.system.install import install
from lmk.system.machine import jetson_model

RUNTIMES = ("auto", "onnxruntime", "openvino", "tensorrt", "tensorrt-rtx", "torch")
# Which runtimes read which exported file.
READERS = {
    ".onnx": ("openvino", "onnxruntime"),
    ".xml": ("openvino",),
    ".plan": ("tensorrt",),
    ".rtx": ("tensorrt-rtx",),
}

ENGINES = ("tensorrt", "tensorrt-rtx")

# Fastest first, by benchmarks/plain.py on 2 cores: alike in float32 (20.9 and 21.6 ms), OpenVINO in
# int8 (8.1 against 11.5 ms); beside a busy process it loses in float32 (42 against 34 ms) and stays
# ahead in int8 (15 against 18 ms). OpenVINO does not run on NVIDIA GPUs.
PREFERENCE = {"cpu": ("openvino", "onnxruntime"), "cuda": ("onnxruntime",)}


def open_backend(
    model: str,
    runtime: str = "auto",
    device: str | None = None,
    threads: int | None = None,
    saved: bool = True,
) -> Backend:
    """Load a model into a runtime.

    `model` is the name of a shipped model, a model or run folder, or an exported file; `runtime`
    one of RUNTIMES; `device` "cpu" or "cuda", by default the cpu but for engines; `threads` how
    many threads compute on the processor, by default the runtime's own number. "auto" takes what
    `lmk bench --save` chose for this model on this machine, if it did and `saved` is set; the
    backend's description says so, and what changed when the choice holds no longer. Nothing is
    tried in place of what was asked for. Raises UsageError, WeightsError, and UnavailableError
    when the runtime or device is not on this machine.
    """
    choice = changed = None
    if saved and runtime == "auto" and Path(model).suffix not in READERS:
        choice, changed = saved_choice(model, device)
    if choice:
        chosen = choice.file or model, choice.runtime, choice.device
        backend = _open(*chosen, threads or choice.threads)
        backend.description += ", chosen by lmk bench"
        return backend
    runtime, device = _choose(model, runtime, device)
    if threads and device != "cpu":
        raise UsageError(f"threads are for the processor, not for {device}: leave them out")
    backend = _open(model, runtime, device, threads)
    if changed:
        backend.description += (
            f"; the choice of lmk bench is left out, because {changed} changed: run  "
            f"lmk bench {model} --save  again"
        )
    return backend


def _open(model: str, runtime: str, device: str, threads: int | None) -> Backend:
    if runtime == "tensorrt" or runtime == "tensorrt-rtx":
        from lmk.inference.backends.tensorrt import TensorRtBackend

        return TensorRtBackend(model, "tensorrt" if runtime == "tensorrt" else "tensorrt-rtx")
    if runtime == "openvino":
        from lmk.inference.backends.openvino import OpenVinoBackend

        return OpenVinoBackend(model, device, threads)
    if runtime == "onnxruntime":
        from lmk.inference.backends.onnxruntime import OnnxRuntimeBackend

        return OnnxRuntimeBackend(model, device, threads)
    from lmk.inference.backends.torch import TorchBackend

    return TorchBackend(model, device, threads)


def _choose(model: str, runtime: str, device: str | None) -> tuple[str, str]:
    """Check runtime and device against each other and the file, and fill in what was left open."""
    if runtime not in RUNTIMES:
        raise UsageError(f"no runtime {runtime!r}: expected one of {', '.join(RUNTIMES)}")
    readers = READERS.get(Path(model).suffix, RUNTIMES)
    engine = readers[0] in ENGINES or runtime in ENGINES
    device = device or ("cuda" if engine else "cpu")
    if device not in PREFERENCE:
        raise UsageError(f"no device {device!r}: expected one of {', '.join(PREFERENCE)}")
    if engine and device != "cuda":
        raise UsageError(f"engines run on an NVIDIA GPU, not on {device}: leave out --device")
    if runtime == "auto":
        runtime = readers[0] if engine else _fastest_installed(device, readers)
    if runtime not in readers:
        raise UsageError(
            f"{runtime} does not read {Path(model).name}: give the model's name or folder, or "
            f"choose --runtime {' or '.join(readers)}"
        )
    return runtime, device


def _fastest_installed(device: str, readers: Sequence[str]) -> str:
    wanted = [runtime for runtime in PREFERENCE[device] if runtime in readers] or readers
    for runtime in wanted:
        if find_spec(runtime) is not None:
            return runtime
    extra = "gpu" if device == "cuda" else "run"
    engine = ", or export an engine:  lmk export MODEL -o DIR -f tensorrt" if jetson_model() else ""
    raise UnavailableError(
        f"{' or '.join(wanted)} is not installed: run  {install(wanted[-1], extra)}{engine}"
    )
