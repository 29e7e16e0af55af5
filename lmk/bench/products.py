"""The work for peaks: a large matrix product per runtime, and a memory copy."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from lmk.artifact.catalogue import RUNTIMES
from lmk.system.errors import UnavailableError
from lmk.system.machine import usable_cores
from lmk.system.runtime_packages import import_onnxruntime, import_openvino

# Small ones stay in a core's cache, large ones keep many cores busy.
SIZES = {"cpu": (512, 1024, 2048), "cuda": (8192,)}
COPY_BYTES = {"cpu": 2**28, "cuda": 2**29}
QUANTUM = 0.05  # of the int8 product's inputs and output; their values do not matter

Call = Callable[[], object]


@dataclass(frozen=True)
class Product:
    """A matrix product to call, the runtime that computes it, and its number of operations."""

    computed_by: str
    operations: int
    call: Call


@cache
def products(device: str, precision: str, threads: int | None) -> tuple[Product, ...]:
    """The products of each runtime that supports them, one per size."""
    found = []
    for name, make in {"onnxruntime": _onnxruntime, "openvino": _openvino, "torch": _torch}.items():
        try:
            found += [
                Product(name, 2 * size**3, make(device, precision, threads, size))
                for size in SIZES[device]
            ]
        except (ImportError, UnavailableError):
            continue
    return tuple(found)


def _onnxruntime(device: str, precision: str, threads: int | None, size: int) -> Call:
    onnxruntime = import_onnxruntime()
    known = RUNTIMES["onnxruntime"].devices[device].computes
    provider = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}[device]
    if precision not in known or provider not in onnxruntime.get_available_providers():
        raise UnavailableError(f"no product in {precision}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    chosen = (provider, {"use_tf32": "0"} if device == "cuda" else {})
    graph, picture = _graph(size, precision)
    session = onnxruntime.InferenceSession(graph, options, providers=[chosen])
    if provider not in session.get_providers():
        raise UnavailableError(f"{provider} does not start")
    binding = session.io_binding()
    value = onnxruntime.OrtValue.ortvalue_from_numpy(picture, device, 0)
    binding.bind_ortvalue_input("x", value)
    binding.bind_output("y", device)

    def product() -> None:
        session.run_with_iobinding(binding)
        binding.synchronize_outputs()

    return product


def _openvino(device: str, precision: str, threads: int | None, size: int) -> Call:
    openvino = import_openvino()
    core, place = openvino.Core(), RUNTIMES["openvino"].devices.get(device)
    capable = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if place is None or precision not in place.computes or precision.upper() not in capable:
        raise UnavailableError(f"no product in {precision}")
    graph, picture = _graph(size, "int8" if precision == "int8" else "fp32")
    config = {"INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32"}
    if threads:
        config["INFERENCE_NUM_THREADS"] = str(threads)
    request = core.compile_model(core.read_model(graph), "CPU", config).create_infer_request()
    return lambda: request.infer({"x": picture}, share_inputs=True)


def _torch(device: str, precision: str, threads: int | None, size: int) -> Call:
    import torch

    types = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    if precision not in types or (device, precision) == ("cpu", "fp16"):
        raise UnavailableError(f"no product in {precision}")
    if device == "cuda" and not torch.cuda.is_available():
        raise UnavailableError("no CUDA device")
    if threads:
        torch.set_num_threads(threads)
    a, b = (torch.randn((size, size), device=device).to(types[precision]) for _ in range(2))
    result = torch.empty_like(a)

    def product() -> None:
        torch.mm(a, b, out=result)
        if device == "cuda":
            torch.cuda.synchronize()

    return product


def _graph(size: int, precision: str) -> tuple[bytes, npt.NDArray[Any]]:
    """y = x w as an ONNX file, and an x; for int8 uint8 activations and int8 weights, as QDQ."""
    from lmk.system.onnx_package import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    kinds = {"fp32": np.float32, "fp16": np.float16, "int8": np.uint8}
    x = rng.integers(0, 255, (size, size)).astype(kinds[precision])
    if precision == "int8":
        constants = {
            # 7 bits, since processors without VNNI add two products in 16 bits, and saturate.
            "w": rng.integers(-63, 64, (size, size)).astype(np.int8),
            "scale": np.float32(QUANTUM),
            "middle": np.uint8(128),
            "zero": np.int8(0),
        }
        nodes = [
            helper.make_node("DequantizeLinear", ["x", "scale", "middle"], ["x_real"]),
            helper.make_node("DequantizeLinear", ["w", "scale", "zero"], ["w_real"]),
            helper.make_node("MatMul", ["x_real", "w_real"], ["y_real"]),
            helper.make_node("QuantizeLinear", ["y_real", "scale", "middle"], ["y"]),
        ]
    else:
        constants = {"w": rng.standard_normal((size, size)).astype(x.dtype)}
        nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    kind = helper.np_dtype_to_tensor_dtype(x.dtype)
    assert kind in (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.UINT8)
    graph = helper.make_graph(
        nodes,
        "product",
        [helper.make_tensor_value_info("x", kind, x.shape)],
        [helper.make_tensor_value_info("y", kind, x.shape)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    return model.SerializeToString(), x


@cache
def copy(device: str, threads: int | None) -> Call | None:
    """Copy memory once, in all threads; on a GPU only with torch."""
    if device == "cuda":
        try:
            import torch
        except ImportError:
            return None
        if not torch.cuda.is_available():
            return None
        a = torch.zeros(COPY_BYTES[device], dtype=torch.uint8, device=device)
        b = torch.empty_like(a)

        def copy_on_gpu() -> None:
            b.copy_(a)
            torch.cuda.synchronize()

        return copy_on_gpu
    count = threads or len(usable_cores())
    pool = ThreadPoolExecutor(count)
    source = np.ones(COPY_BYTES[device], np.uint8)
    target = np.empty_like(source)
    pairs = list(zip(np.array_split(target, count), np.array_split(source, count), strict=True))

    def copy_by_all() -> None:
        list(pool.map(lambda pair: np.copyto(*pair), pairs))

    return copy_by_all
