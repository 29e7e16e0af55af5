"""Every precision, runtime and file format that lmk supports: one table each.

Command line, export, inference, bench and doctor derive their choices from these tables, in this
order. Code is named as "module:name" and imported on first use, so that help does not wait for a
library.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

LIMITS_SIZE = 128


@dataclass(frozen=True)
class ParityLimits:
    """Largest distances of landmarks that pass the parity check; None is not checked.

    In pixels of an input of LIMITS_SIZE; larger inputs have larger limits, in proportion.
    """

    max_px: float | None = None
    mean_px: float | None = None
    p99_px: float | None = None


@dataclass(frozen=True)
class Precision:
    """A precision of the network's arithmetic, or of its stored weights.

    words: for descriptions. help: for --precision. bytes: size of one number. onnx_type: type of
    the kernels in an ONNX graph. quantizer: turns the float32 graph into one of this precision (see
    `exporting/graph.py`); empty if the graph is written in it directly. calibrated: whether that
    needs crops of the category.
    """

    name: str
    words: str
    help: str
    bytes: float
    onnx_type: str
    limits: ParityLimits
    quantizer: str = ""
    calibrated: bool = False


@dataclass(frozen=True)
class OnDevice:
    """A runtime on one device: the extra that installs it, and the precisions it computes in."""

    extra: str
    computes: tuple[str, ...]


@dataclass(frozen=True)
class Runtime:
    """An inference runtime.

    module: its Python module. packages: any of them installs it. backend: is called with a model, a
    device and a number of threads (see `inference/backends/base.py`). devices: where it runs. A
    runtime that no format lists reads model folders.
    """

    name: str
    title: str
    module: str
    packages: tuple[str, ...]
    backend: str
    devices: Mapping[str, OnDevice]

    def extra(self, device: str = "cpu") -> str:
        """The extra that installs it for a device, or for its first device otherwise."""
        return (self.devices.get(device) or next(iter(self.devices.values()))).extra


@dataclass(frozen=True)
class Format:
    """A file format.

    precisions: the first is the default. runtimes: those that read it, of which the first one
    verifies exports; none for files that only other programs run. writer: the code that writes it
    (see `exporting/writer.py`). outside_graph: precisions that are not in the graph itself, but in
    how the weights are stored or how the file is run. options: those of `lmk export` that not all
    formats have. beside: suffix of a second file. engine: whether it is built for one GPU. noun:
    what such a file is called. layout: its path below the folder of the export, where {} is the
    model's name and precision.
    """

    name: str
    title: str
    suffix: str
    precisions: tuple[str, ...]
    runtimes: tuple[str, ...]
    writer: str
    outside_graph: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    beside: str = ""
    engine: bool = False
    noun: str = "file"
    layout: str = "{}"


PRECISIONS = {
    one.name: one
    for one in (
        Precision(
            name="fp32",
            words="float32",
            help="fp32",
            bytes=4,
            onnx_type="FLOAT",
            limits=ParityLimits(max_px=0.05),
        ),
        Precision(
            name="fp16",
            words="float16",
            help="fp16 (for OpenVINO, ncnn and LiteRT only the weights)",
            bytes=2,
            onnx_type="FLOAT16",
            limits=ParityLimits(max_px=0.25),
        ),
        Precision(
            name="bf16",
            words="bfloat16",
            help="bf16 (OpenVINO, on CPUs that support it)",
            bytes=2,
            onnx_type="BFLOAT16",
            limits=ParityLimits(max_px=0.25),
        ),
        Precision(
            name="int8",
            words="int8",
            help="int8, which needs --calibration-data",
            bytes=1,
            onnx_type="INT8",
            limits=ParityLimits(mean_px=0.5, p99_px=2.0),
            quantizer="lmk.exporting.int8:quantize",
            calibrated=True,
        ),
    )
}

_ENGINE_PRECISIONS = ("fp32", "fp16", "int8")
RUNTIMES = {
    one.name: one
    for one in (
        Runtime(
            name="onnxruntime",
            title="ONNX Runtime",
            module="onnxruntime",
            packages=("onnxruntime", "onnxruntime-gpu"),
            backend="lmk.inference.backends.onnxruntime:OnnxRuntimeBackend",
            devices={
                "cpu": OnDevice("run", ("fp32", "int8")),
                "cuda": OnDevice("gpu", ("fp32", "fp16")),
            },
        ),
        Runtime(
            name="openvino",
            title="OpenVINO",
            module="openvino",
            packages=("openvino",),
            backend="lmk.inference.backends.openvino:OpenVinoBackend",
            devices={"cpu": OnDevice("run", ("fp32", "bf16", "int8"))},
        ),
        Runtime(
            name="litert",
            title="LiteRT",
            module="ai_edge_litert",
            packages=("ai-edge-litert",),
            backend="lmk.inference.backends.litert:LiteRtBackend",
            devices={"cpu": OnDevice("litert", ("fp32", "int8"))},
        ),
        Runtime(
            name="tensorrt",
            title="TensorRT",
            module="tensorrt",
            packages=("tensorrt",),
            backend="lmk.inference.backends.tensorrt:open_tensorrt",
            devices={"cuda": OnDevice("tensorrt", _ENGINE_PRECISIONS)},
        ),
        Runtime(
            name="tensorrt-rtx",
            title="TensorRT for RTX",
            module="tensorrt_rtx_bindings",
            packages=("tensorrt-rtx-cu13-bindings", "onnxruntime-ep-nv-tensorrt-rtx-cu13"),
            backend="lmk.inference.backends.tensorrt:open_tensorrt_rtx",
            devices={"cuda": OnDevice("tensorrt-rtx", _ENGINE_PRECISIONS)},
        ),
        Runtime(
            name="ncnn",
            title="ncnn",
            module="ncnn",
            packages=("ncnn",),
            backend="lmk.inference.backends.ncnn:NcnnBackend",
            devices={"cpu": OnDevice("ncnn", ("fp32",))},
        ),
        Runtime(
            name="torch",
            title="PyTorch",
            module="torch",
            packages=("torch",),
            backend="lmk.inference.backends.torch:TorchBackend",
            devices={"cpu": OnDevice("train", ("fp32",)), "cuda": OnDevice("train", ("fp32",))},
        ),
    )
}

FORMATS = {
    one.name: one
    for one in (
        Format(
            name="onnx",
            title="ONNX",
            suffix=".onnx",
            precisions=("fp32", "fp16", "int8"),
            runtimes=("onnxruntime", "openvino"),
            writer="lmk.exporting.onnx_file:WRITER",
            options=("heatmaps",),
        ),
        Format(
            name="openvino",
            title="OpenVINO",
            suffix=".xml",
            precisions=("fp32", "fp16", "bf16", "int8"),
            runtimes=("openvino",),
            writer="lmk.exporting.openvino_ir:WRITER",
            outside_graph=("fp16", "bf16"),
            options=("heatmaps",),
            beside=".bin",
        ),
        Format(
            name="litert",
            title="LiteRT",
            suffix=".tflite",
            precisions=("fp32", "fp16", "int8"),
            runtimes=("litert",),
            writer="lmk.exporting.litert_file:WRITER",
            outside_graph=("fp16",),
            options=("heatmaps",),
        ),
        Format(
            name="tensorrt",
            title="TensorRT",
            suffix=".plan",
            precisions=_ENGINE_PRECISIONS,
            runtimes=("tensorrt",),
            writer="lmk.exporting.engine_file:WRITER",
            options=("batch_range", "workspace"),
            engine=True,
            noun="engine",
        ),
        Format(
            name="tensorrt-rtx",
            title="TensorRT for RTX",
            suffix=".rtx",
            precisions=_ENGINE_PRECISIONS,
            runtimes=("tensorrt-rtx",),
            writer="lmk.exporting.engine_file:WRITER",
            options=("batch_range", "workspace", "compute_capability"),
            engine=True,
            noun="engine",
        ),
        Format(
            name="ncnn",
            title="ncnn",
            suffix=".ncnn.param",
            precisions=("fp32", "fp16"),
            runtimes=("ncnn",),
            writer="lmk.exporting.ncnn_file:WRITER",
            outside_graph=("fp16",),
            options=("heatmaps",),
            beside=".ncnn.bin",
        ),
        Format(
            name="coreml",
            title="Core ML",
            suffix=".mlpackage",
            precisions=("fp16", "fp32"),
            runtimes=(),
            writer="lmk.exporting.coreml_file:WRITER",
            options=("heatmaps",),
            noun="package",
        ),
        Format(  # after onnx: its model is a file of that format
            name="web",
            title="web page",
            suffix=".onnx",
            precisions=("fp32", "int8"),
            runtimes=("onnxruntime", "openvino"),
            writer="lmk.exporting.web_site:WRITER",
            options=("runtime_files", "picture"),
            noun="page",
        ),
        Format(  # its model, too, is an ONNX file
            name="triton",
            title="model repository of Triton",
            suffix=".onnx",
            precisions=("fp32", "fp16", "int8"),
            runtimes=("onnxruntime", "openvino"),
            writer="lmk.exporting.triton_repository:WRITER",
            options=("heatmaps",),
            noun="repository",
            layout="{}/1/model",
        ),
    )
}

# Fastest first, by benchmarks/plain.py on 2 cores: alike in float32 (20.9 and 21.6 ms), OpenVINO in
# int8 (8.1 against 11.5 ms); next to a busy process it loses in float32 (42 against 34 ms) and
# stays ahead in int8 (15 against 18 ms). OpenVINO does not run on NVIDIA GPUs.
PREFERENCE = {"cpu": ("openvino", "onnxruntime"), "cuda": ("onnxruntime",)}
"""Per device the runtimes for "auto", which uses the first that is installed."""

PACKAGES = tuple(package for runtime in RUNTIMES.values() for package in runtime.packages)
"""Packages that compute, by the names in the package index."""


def format_of(path: str | Path) -> Format | None:
    """The format of an exported file by its suffix; None for others, such as a model's name."""
    name = Path(path).name
    found = (f for f in FORMATS.values() if name.endswith(f.suffix) and name != f.suffix)
    return next(found, None)


def stem_of(path: Path) -> str:
    """The name of an exported file without the suffix of its format, which may have two dots."""
    format = format_of(path)
    return path.name.removesuffix(format.suffix) if format else path.stem


def files_of(path: Path) -> list[Path]:
    """An exported file, and the second file of formats that have two."""
    second = second_file(path)
    return [path, second] if second != path and second.exists() else [path]


def second_file(path: Path) -> Path:
    """Where the second file of an exported one is, whether there is one; itself for one file."""
    format = format_of(path)
    if format is None or not format.beside:
        return path
    return path.with_name(f"{stem_of(path)}{format.beside}")


def reads_engines(runtime: str) -> bool:
    """Whether a runtime runs only engines."""
    return any(format.engine and runtime in format.runtimes for format in FORMATS.values())


def format_for(runtime: str, precision: str) -> Format | None:
    """The format in which a runtime gets a precision; None if there is none.

    It is the runtime's own format if an ONNX file cannot express the precision.
    """
    read = [format for format in FORMATS.values() if runtime in format.runtimes]
    read.sort(key=lambda format: precision not in format.outside_graph)
    return next((format for format in read if precision in format.precisions), None)


def load(name: str) -> Any:
    """Import an object by its "module:name"."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)


def listed(words: Iterable[str], last: str) -> str:
    """Write words as "a, b or c", `last` being "or" or "and"."""
    *others, final = words
    return f"{', '.join(others)} {last} {final}" if others else final
