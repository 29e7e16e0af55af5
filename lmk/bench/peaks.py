"""What the machine reaches at best: a large matrix product in each precision, and a memory copy.

Every runtime that is installed tries, and the fastest counts, so that no runtime is held against
its own weakness. The products take turns with the models, since a machine that is shared with
others has fast and slow minutes, and only the fast ones are its limit.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from typing import Any

import numpy as np
import numpy.typing as npt

from lmk.bench.process import ProcessError
from lmk.errors import UnavailableError
from lmk.machine import usable_cores

SIZES = {"cpu": 1024, "cuda": 8192}
COPY_BYTES = {"cpu": 2**28, "cuda": 2**31}
LEAST = 3
QUANTUM = 0.05  # of the int8 product's inputs and output; their values do not matter

Call = Callable[[], object]
Place = tuple[str, int | None]
"""A device, and a number of threads there, None for the runtime's own."""


@dataclass(frozen=True)
class Peak:
    """Operations a second of the best product, and what computed it; a multiply-add is two."""

    device: str
    precision: str
    threads: int | None
    operations_per_s: float
    computed_by: str


@dataclass(frozen=True)
class Bandwidth:
    """Bytes a second that a copy of memory reads and writes, both counted."""

    device: str
    threads: int | None
    bytes_per_s: float


class Limits:
    """Measures peaks turn by turn, each place in a process that waits between its turns.

    Use it as a context; the fastest of all turns counts.
    """

    def __init__(self, seconds: float) -> None:
        """`seconds` is the time for each product in each turn."""
        self._seconds = seconds
        self._pools: dict[Place, ProcessPoolExecutor] = {}
        self._peaks: dict[tuple[Place, str], Peak] = {}
        self._bandwidths: dict[Place, Bandwidth] = {}

    def __enter__(self) -> Limits:
        return self

    def __exit__(self, *_: object) -> None:
        for pool in self._pools.values():
            pool.shutdown()

    @property
    def peaks(self) -> list[Peak]:
        """The best of each place and precision that something installed computes in."""
        return list(self._peaks.values())

    @property
    def bandwidths(self) -> list[Bandwidth]:
        """The best of each place; none of a GPU without torch."""
        return list(self._bandwidths.values())

    def take_turn(self, device: str, threads: int | None, precision: str) -> None:
        """Measure one precision and the copy once more. Raises ProcessError if that crashes."""
        place = device, threads
        if place not in self._pools:
            self._pools[place] = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        work = self._pools[place].submit(_turn, device, threads, precision, self._seconds)
        try:
            rates, copied = work.result()
        except BrokenProcessPool as error:
            del self._pools[place]
            raise ProcessError(f"the product in {precision} crashed: {error}") from error
        for name, rate in rates.items():
            best = self._peaks.get((place, precision))
            if best is None or rate > best.operations_per_s:
                self._peaks[place, precision] = Peak(device, precision, threads, rate, name)
        if copied:
            known = self._bandwidths.get(place, Bandwidth(device, threads, 0))
            fastest = max(known.bytes_per_s, copied)
            self._bandwidths[place] = Bandwidth(device, threads, fastest)

    def peak(self, device: str, threads: int | None, precision: str) -> Peak | None:
        """The peak of a place and precision, None if nothing installed computes in it."""
        return self._peaks.get(((device, threads), precision))

    def bandwidth(self, device: str, threads: int | None) -> Bandwidth | None:
        """The bandwidth of a place, if known."""
        return self._bandwidths.get((device, threads))


def _turn(
    device: str, threads: int | None, precision: str, seconds: float
) -> tuple[dict[str, float], float | None]:
    """Operations a second by what computed them, and bytes a second of the copy."""
    operations = 2 * SIZES[device] ** 3
    rates = {
        name: operations / _fastest(product, seconds)
        for name, product in _products(device, precision, threads)
    }
    copy = _copy(device, threads)
    return rates, 2 * COPY_BYTES[device] / _fastest(copy, seconds) if copy else None


def _fastest(call: Call, seconds: float) -> float:
    """Seconds of the fastest call, after one that does not count."""
    call()
    times: list[float] = []
    began = time.perf_counter()
    while len(times) < LEAST or time.perf_counter() - began < seconds:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


@cache
def _products(device: str, precision: str, threads: int | None) -> tuple[tuple[str, Call], ...]:
    """The product of each runtime that has one, ready to be called."""
    found = []
    for name, make in {"onnxruntime": _onnxruntime, "openvino": _openvino, "torch": _torch}.items():
        try:
            found.append((name, make(device, precision, threads)))
        except (ImportError, UnavailableError):
            continue
    return tuple(found)


def _onnxruntime(device: str, precision: str, threads: int | None) -> Call:
    import onnxruntime

    known = {"cpu": ("fp32", "int8"), "cuda": ("fp32", "fp16")}
    provider = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}[device]
    if precision not in known[device] or provider not in onnxruntime.get_available_providers():
        raise UnavailableError(f"no product in {precision}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    chosen = (provider, {"use_tf32": "0"} if device == "cuda" else {})
    graph, picture = _graph(SIZES[device], precision)
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


def _openvino(device: str, precision: str, threads: int | None) -> Call:
    import openvino

    core = openvino.Core()
    capable = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if (
        device != "cpu"
        or {"fp32": "FP32", "bf16": "BF16", "int8": "INT8"}.get(precision) not in capable
    ):
        raise UnavailableError(f"no product in {precision}")
    graph, picture = _graph(SIZES[device], "int8" if precision == "int8" else "fp32")
    config = {"INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32"}
    if threads:
        config["INFERENCE_NUM_THREADS"] = str(threads)
    request = core.compile_model(core.read_model(graph), "CPU", config).create_infer_request()
    return lambda: request.infer({"x": picture}, share_inputs=True)


def _torch(device: str, precision: str, threads: int | None) -> Call:
    import torch

    types = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    if precision not in types or (device, precision) == ("cpu", "fp16"):
        raise UnavailableError(f"no product in {precision}")
    if device == "cuda" and not torch.cuda.is_available():
        raise UnavailableError("no CUDA device")
    if threads:
        torch.set_num_threads(threads)
    shape = (SIZES[device], SIZES[device])
    a, b = (torch.randn(shape, device=device).to(types[precision]) for _ in range(2))
    result = torch.empty_like(a)

    def product() -> None:
        torch.mm(a, b, out=result)
        if device == "cuda":
            torch.cuda.synchronize()

    return product


def _graph(size: int, precision: str) -> tuple[bytes, npt.NDArray[Any]]:
    """y = x w as an ONNX file, and an x; for int8 uint8 activations and int8 weights, as QDQ."""
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    kinds = {"fp32": np.float32, "fp16": np.float16, "int8": np.uint8}
    x = rng.integers(0, 255, (size, size)).astype(kinds[precision])
    if precision == "int8":
        constants = {
            "w": rng.integers(-127, 127, (size, size)).astype(np.int8),
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
def _copy(device: str, threads: int | None) -> Call | None:
    """Copy memory once, by all threads; on a GPU only torch can be asked."""
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

    def copy() -> None:
        list(pool.map(lambda pair: np.copyto(*pair), pairs))

    return copy
