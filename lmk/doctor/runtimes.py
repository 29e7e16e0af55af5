"""Inference runtimes, each tested on a tiny model: an installed runtime may still not work."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import numpy as np

from lmk.arrays import FloatArray
from lmk.artifact.catalogue import FORMATS, RUNTIMES
from lmk.doctor.finding import Finding
from lmk.inference.backends.tensorrt_bindings import Kind, load_bindings
from lmk.inference.cuda import Cuda
from lmk.system.errors import LmkError, UnavailableError
from lmk.system.install import install, reinstall
from lmk.system.machine import installed_versions, jetson_model
from lmk.system.runtime_packages import import_onnxruntime, import_openvino

PICTURE = np.arange(4, dtype=np.float32).reshape(1, 1, 2, 2)
EXPECTED = 2 * PICTURE + 1
RUNS, LOADS = "runs a model", "loads on"
PROVIDERS = ("CPUExecutionProvider", "CUDAExecutionProvider")


def examine_runtimes() -> list[Finding]:
    """Test every runtime that reads exported files."""
    names = [name for name in RUNTIMES if any(name in f.runtimes for f in FORMATS.values())]
    findings = [finding for name in names for finding in TRIALS.get(name, _imported)(name)]
    if not any(finding.found.startswith((RUNS, LOADS)) for finding in findings):
        remedy = findings[0].remedy  # ONNX Runtime's, which runs everywhere
        findings.append(Finding("any runtime", "no model runs", "broken", remedy, essential=True))
    return findings


def _absent(name: str) -> Finding | None:
    """The finding of a runtime that is not installed; None if it is."""
    runtime = RUNTIMES[name]
    if find_spec(runtime.module) is not None:
        return None
    remedy = install(runtime.packages[0], runtime.extra())
    return Finding(runtime.title, "not installed", "absent", remedy)


def _imported(name: str) -> list[Finding]:
    """A runtime without its own test: whether its package can be imported."""
    runtime = RUNTIMES[name]
    if absent := _absent(name):
        return [absent]
    try:
        import_module(runtime.module)
    except Exception as error:  # a broken native library raises what it likes
        return [_broken(runtime.title, error, reinstall(runtime.packages[0]))]
    return [Finding(runtime.title, "can be imported; no model was run")]


def _onnxruntime(name: str = "onnxruntime") -> list[Finding]:
    if absent := _absent(name):
        return [absent]
    # The two packages of ONNX Runtime share their files.
    packages = installed_versions(("onnxruntime-gpu", "onnxruntime"))
    again = reinstall(next(iter(packages), "onnxruntime"))
    try:
        onnxruntime = import_onnxruntime()
        providers = onnxruntime.get_available_providers()
    except Exception as error:  # a broken native library raises what it likes
        return [_broken("ONNX Runtime", error, again)]
    wanted = [p for p in PROVIDERS if p in providers]
    title = f"ONNX Runtime {onnxruntime.__version__}"
    return [
        _tried(
            f"{title}, {provider.removesuffix('ExecutionProvider')}",
            partial(_run_onnxruntime, onnxruntime, provider),
            again
            if provider.startswith("CPU")
            else "install the CUDA and cuDNN that ONNX Runtime names, or use --device cpu",
        )
        for provider in wanted
    ]


def _run_onnxruntime(onnxruntime: Any, provider: str) -> FloatArray:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(_tiny_model(), options, providers=[provider])
    if provider not in session.get_providers():
        raise RuntimeError(f"{provider} did not start")
    result: FloatArray = session.run(None, {"x": PICTURE})[0]
    return result


def _openvino(name: str = "openvino") -> list[Finding]:
    if absent := _absent(name):
        return [absent]
    try:
        openvino = import_openvino()
        title = f"OpenVINO {openvino.__version__.partition('-')[0]}"
        features = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    except Exception as error:
        return [_broken("OpenVINO", error, reinstall("openvino"))]

    def run() -> FloatArray:
        core = openvino.Core()
        compiled = core.compile_model(core.read_model(_tiny_model()), "CPU")
        result: FloatArray = compiled({"x": PICTURE})[0]
        return result

    computes = (one.upper() for one in RUNTIMES[name].devices["cpu"].computes)
    note = f" ({', '.join(one for one in computes if one in features)})"
    return [_tried(f"{title}, CPU", run, reinstall("openvino"), note)]


def _litert(name: str) -> list[Finding]:
    if absent := _absent(name):
        return [absent]
    try:
        from ai_edge_litert.interpreter import Interpreter

        title = f"LiteRT {version('ai-edge-litert')}, CPU"
    except Exception as error:
        return [_broken("LiteRT", error, reinstall("ai-edge-litert"))]

    def run() -> FloatArray:
        interpreter = Interpreter(model_content=_tiny_litert())
        interpreter.allocate_tensors()
        (picture,), (found,) = interpreter.get_input_details(), interpreter.get_output_details()
        interpreter.set_tensor(picture["index"], PICTURE)
        interpreter.invoke()
        result: FloatArray = interpreter.get_tensor(found["index"])
        return result

    return [_tried(title, run, reinstall("ai-edge-litert"))]


def _tensorrt(name: str) -> list[Finding]:
    kind: Kind = "tensorrt" if name == "tensorrt" else "tensorrt-rtx"
    title = RUNTIMES[kind].title
    try:
        version = load_bindings(kind).__version__
    except LmkError as error:
        return [Finding(title, "not installed", "absent", _command(error))]
    except (OSError, ImportError) as error:
        again = f"pip install --force-reinstall {' '.join(RUNTIMES[kind].packages)}"
        if kind == "tensorrt" and jetson_model():
            again = "sudo apt install --reinstall python3-libnvinfer"
        return [_broken(title, error, again)]
    try:
        cuda = Cuda()
    except LmkError:
        can = "builds engines" if kind == "tensorrt-rtx" else "no GPU to run or build on"
        return [Finding(f"{title} {version}", f"{can}; engines run on a GPU only")]
    return [Finding(f"{title} {version}", f"{LOADS} {cuda}; no engine was run")]


TRIALS: dict[str, Callable[[str], list[Finding]]] = {
    "onnxruntime": _onnxruntime,
    "openvino": _openvino,
    "litert": _litert,
    "tensorrt": _tensorrt,
    "tensorrt-rtx": _tensorrt,
}
"""Runtimes with a test beyond the import."""


def _tried(subject: str, run: Callable[[], FloatArray], remedy: str, note: str = "") -> Finding:
    try:
        result = run()
    except UnavailableError as error:  # not the runtime: onnx, which writes the tiny model
        return Finding(subject, "not tested: onnx is not installed", "absent", _command(error))
    except Exception as error:
        return _broken(subject, error, remedy)
    if not np.allclose(result, EXPECTED):
        return Finding(subject, "runs, but returns wrong values", "broken", remedy)
    return Finding(subject, f"{RUNS}{note}")


def _broken(subject: str, error: Exception, remedy: str) -> Finding:
    said = str(error).strip().splitlines()
    reason = said[-1] if said else type(error).__name__
    return Finding(subject, f"installed, but fails: {reason}", "broken", remedy)


def _command(error: LmkError) -> str:
    return str(error).partition("run  ")[2]


def _tiny_litert() -> bytes:
    """y = 2 x + 1 as a LiteRT file."""
    from lmk.artifact.litert.graph import NONE, Graph, Operation, Tensor
    from lmk.artifact.litert.write import write

    values = {"x": None, "two": np.full(1, 2, np.float32), "one": np.ones(1, np.float32)}
    values |= {"double": None, "y": None}
    tensors = (
        Tensor(name, "float32", PICTURE.shape if value is None else value.shape, value)
        for name, value in values.items()
    )
    options = {"fusedActivationFunction": NONE}
    steps = (Operation("MUL", (0, 1), (3,), options), Operation("ADD", (3, 2), (4,), options))
    return write(Graph(tuple(tensors), steps, (0,), (4,), {}))


def _tiny_model() -> bytes:
    """One convolution, y = 2 x + 1, as an ONNX file."""
    from lmk.system.onnx_package import TensorProto, helper, numpy_helper

    constants = {"two": np.full((1, 1, 1, 1), 2, np.float32), "one": np.ones(1, np.float32)}
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, PICTURE.shape) for name in "xy"
    ]
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "two", "one"], ["y"])],
        "tiny",
        values[:1],
        values[1:],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 17)]
    whole: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
    return whole
