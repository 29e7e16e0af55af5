"""Engines for NVIDIA GPUs: one builder over TensorRT and TensorRT for RTX.

The network is strongly typed: every layer has the precision that the ONNX graph gives it, and the
precisions of the built layers are read back. TensorRT builds on the GPU that will run the engine;
TensorRT for RTX builds ahead of time, also on a machine without a GPU. Nothing here needs torch.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lmk.artifact.batch import BatchRange
from lmk.artifact.catalogue import RUNTIMES
from lmk.exporting.engine_layers import read_inspector, read_log
from lmk.exporting.options import WORKSPACE_MB
from lmk.inference.backends.tensorrt_bindings import Kind, load_bindings
from lmk.inference.cuda import Cuda
from lmk.system.errors import LmkError, OutputError, UnavailableError, UsageError, WeightsError
from lmk.system.files import replacing
from lmk.system.machine import free_memory_mb
from lmk.system.progress import Bar, Reporter

LARGEST_BATCH = 8  # of an engine whose batch is left open
# On a Jetson, whose GPU shares the memory, a build that runs out is killed without a message.
# Building the hourglass for RTX took 0.38 GB more than the interpreter; TensorRT's is an estimate.
BUILD_MB = {"tensorrt": 1500, "tensorrt-rtx": 500}


@dataclass(frozen=True)
class EngineOptions:
    """What an engine is built for.

    `compute_capability`, such as "8.6", is for TensorRT for RTX alone; None builds for all that it
    supports. `timing_cache` is a file that makes later builds faster, for TensorRT alone.
    """

    kind: Kind
    batch: BatchRange = field(default_factory=BatchRange)
    workspace_mb: int = WORKSPACE_MB
    compute_capability: str | None = None
    timing_cache: Path | None = None


@dataclass(frozen=True)
class Engine:
    """A serialised engine, the precision of each of its convolutions, and what it was built for."""

    plan: bytes
    layers: dict[str, str]
    gpu: dict[str, str]
    batch: BatchRange


def build_engine(onnx_file: bytes, options: EngineOptions, report: Reporter) -> Engine:
    """Build an engine from the bytes of an ONNX file.

    Raises UnavailableError without the package, the memory or, for TensorRT, the GPU; UsageError
    for a compute capability that is not supported; WeightsError when the graph is refused.
    """
    trt = load_bindings(options.kind)
    gpu = _target(trt, options)
    require_memory(len(onnx_file), options)
    messages, title = _log(trt), RUNTIMES[options.kind].title
    builder = trt.Builder(messages)
    network = _parse(trt, builder, onnx_file, messages)
    config, batch = _configure(trt, builder, network, options)
    cache = _load_timing_cache(trt, config, options, gpu)
    with ExitStack() as stack:
        config.progress_monitor = _monitor(trt, stack, report, title)
        plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise WeightsError(
            f"{title} could not build the engine: {messages.last_error}. A smaller --workspace "
            "or a narrower --batch needs less memory"
        )
    if cache:
        _save_timing_cache(config, cache, report)
    content = bytes(plan)
    if options.kind == "tensorrt":
        layers = read_inspector(trt, content, messages)
    else:
        layers = read_log(messages.layers)
    return Engine(content, layers, gpu, batch)


def require_memory(onnx_bytes: int, options: EngineOptions) -> None:
    """Raise UnavailableError unless enough memory is free for the build."""
    needed = BUILD_MB[options.kind] + options.workspace_mb + 4 * onnx_bytes // 1_000_000
    free = free_memory_mb()
    if free is not None and free < needed:
        raise UnavailableError(
            f"building an engine needs about {needed} MB, but only {free} MB are free: close other "
            "programs, add swap (on a Jetson see docs/how-to/jetson.md), or choose a --workspace "
            f"below {options.workspace_mb}"
        )


def _target(trt: Any, options: EngineOptions) -> dict[str, str]:
    """The GPU that the engine is for."""
    made_by = {"tensorrt": trt.__version__}
    if options.kind == "tensorrt-rtx":
        return {"name": "any", "compute_capability": options.compute_capability or "any", **made_by}
    if options.compute_capability:
        raise UsageError(
            "TensorRT builds for the GPU of this machine: omit --compute-capability, or choose -f "
            "tensorrt-rtx"
        )
    cuda = Cuda()
    return {"name": cuda.name, "compute_capability": cuda.compute_capability, **made_by}


def _log(trt: Any) -> Any:
    """A logger that keeps the last error and the list of built layers, and prints nothing."""

    class Messages(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.last_error = "no reason given"
            self.layers = ""

        def log(self, severity: Any, message: str) -> None:
            if severity in (trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR):
                self.last_error = message.strip().splitlines()[-1]
            elif message.startswith("Layers:"):
                self.layers = message

    return Messages()


def _parse(trt: Any, builder: Any, onnx_file: bytes, messages: Any) -> Any:
    typed = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    # From TensorRT 11 on every network is strongly typed, and the flag may be gone.
    network = builder.create_network(0 if typed is None else 1 << int(typed))
    parser = trt.OnnxParser(network, messages)
    if not parser.parse(onnx_file):
        errors = [parser.get_error(i) for i in range(parser.num_errors)]
        found = "; ".join(f"{e.node_name() or 'file'}: {e.desc()}" for e in errors[:3])
        raise WeightsError(f"TensorRT {trt.__version__} does not accept this graph: {found}")
    return network


def _configure(
    trt: Any, builder: Any, network: Any, options: EngineOptions
) -> tuple[Any, BatchRange]:
    config = builder.create_builder_config()
    config.clear_flag(trt.BuilderFlag.TF32)  # it would round float32's factors to 10 bits
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED  # names layers and precisions
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace_mb * 1_000_000)
    if options.compute_capability:
        config.num_compute_capabilities = 1
        config.set_compute_capability(_capability(trt, options.compute_capability), 0)
    (size, *picture) = network.get_input(0).shape
    batch = options.batch
    if size > 0:  # the graph itself fixes it
        batch = BatchRange(size, size, size)
    else:
        batch = BatchRange(batch.min, batch.opt, batch.max or LARGEST_BATCH)
        profile = builder.create_optimization_profile()
        shapes = [(n, *picture) for n in (batch.min, batch.opt, batch.max)]
        profile.set_shape(network.get_input(0).name, *shapes)
        config.add_optimization_profile(profile)
    return config, batch


def _capability(trt: Any, text: str) -> Any:
    known = {
        f"{name[2:-1]}.{name[-1]}": value
        for name, value in trt.ComputeCapability.__members__.items()
        if name.startswith("SM")
    }
    if text not in known:
        raise UsageError(
            f"unsupported compute capability {text}: expected one of {', '.join(known)}"
        )
    return known[text]


def _monitor(trt: Any, stack: ExitStack, report: Reporter, title: str) -> Any:
    """Progress of the outermost phase, with the name of the innermost one."""

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.bar: Bar | None = None
            self.outermost, self.note, self.left = "", "", 0

        def phase_start(self, name: str, parent: str | None, steps: int) -> None:
            self.note = name
            if parent is None and self.bar is None:
                self.outermost, self.left = name, steps
                self.bar = stack.enter_context(report.bar(f"building with {title}", steps))

        def step_complete(self, name: str, step: int) -> bool:  # noqa: ARG002
            self._advance(name, 1)
            return True  # go on

        def phase_finish(self, name: str) -> None:
            self._advance(name, self.left)  # the last step is not reported as a step

        def _advance(self, name: str, count: int) -> None:
            if self.bar and name == self.outermost and self.left:
                self.left -= count
                self.bar.advance(count, note=self.note)

    return Monitor()


def _load_timing_cache(
    trt: Any, config: Any, options: EngineOptions, gpu: dict[str, str]
) -> Path | None:
    """Use the timings of earlier builds on the same kind of GPU by the same TensorRT."""
    if options.kind != "tensorrt" or options.timing_cache is None:
        return None
    place = f"{trt.__version__}-sm{gpu['compute_capability']}"
    path = options.timing_cache.with_name(f"{options.timing_cache.name}-{place}")
    cache = config.create_timing_cache(path.read_bytes() if path.is_file() else b"")
    if cache is None:  # a damaged file
        cache = config.create_timing_cache(b"")
    config.set_timing_cache(cache, ignore_mismatch=False)
    return path


def _save_timing_cache(config: Any, path: Path, report: Reporter) -> None:
    try:
        with replacing(path) as temporary:
            temporary.write_bytes(bytes(config.get_timing_cache().serialize()))
    except OutputError as error:  # the engine is there, and later builds are only slower
        report.warn(f"cannot save timings for later builds: {error}")


def gpu_here() -> bool:
    """Whether this machine has a GPU for engines."""
    return _gpu() is not None


def runs_here(options: EngineOptions) -> bool:
    """Whether an engine with these options runs on this machine's GPU."""
    gpu = _gpu()
    return gpu is not None and options.compute_capability in (None, gpu.compute_capability)


def _gpu() -> Cuda | None:
    try:
        return Cuda()
    except LmkError:
        return None
