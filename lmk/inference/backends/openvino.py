"""Inference by OpenVINO on the CPU, in the precision that the file was exported for."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lmk.artifact.catalogue import PRECISIONS
from lmk.artifact.contract import (
    Signature,
    check_signature,
    describe,
    fixed_batch,
    read_framing,
    read_points,
    unreadable,
)
from lmk.inference.backends.base import Inferred, inferred, require_cpu
from lmk.inference.backends.batches import in_batches
from lmk.inference.pool import Pool
from lmk.system.errors import UnavailableError, missing_extra
from lmk.system.runtime_packages import import_openvino

# By default OpenVINO computes in bfloat16 where the CPU supports it; only a file that was
# exported and verified for that may. float16 weights are computed with in float32.
HINTS = {"bf16": "bf16"}
FRONT_ENDS = {".onnx": "onnx", ".xml": "ir"}
DTYPES = {"u8": "uint8", "f32": "float32"}


class OpenVinoBackend:
    """A model in OpenVINO. Raises WeightsError, and UnavailableError for any device but cpu."""

    name = "openvino"
    transfers = None

    def __init__(self, model: str, device: str, threads: int | None = None) -> None:
        require_cpu(device, "OpenVINO")
        try:
            openvino = import_openvino()
        except ImportError as error:
            raise missing_extra("openvino", "run") from error
        from lmk.artifact.cached import cached_onnx

        path = cached_onnx(model)
        network = _read_network(path)
        signature = _read_signature(network, path)
        self.num_landmarks, self.input_size = check_signature(signature, path)
        self.framing = read_framing(signature, path)
        self.points = read_points(signature, path)
        self._batch = signature.batch
        precision = signature.metadata.get("precision", "fp32")
        hint = HINTS.get(precision, "f32")
        config = {"INFERENCE_PRECISION_HINT": hint, "PERFORMANCE_HINT": "LATENCY"}
        if threads:
            config["INFERENCE_NUM_THREADS"] = str(threads)
        core = openvino.Core()
        if hint == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise UnavailableError(
                f"{path} was verified for bfloat16, which this CPU does not support: run  "
                "lmk export NAME -o DIR -f openvino --precision fp32"
            )
        self._compiled = core.compile_model(network, "CPU", config)
        took = self._compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        if took != hint:
            raise UnavailableError(
                f"expected OpenVINO to compute in {hint}, but it computes in {took}: choose "
                "--runtime onnxruntime"
            )
        self._requests = Pool(self._compiled.create_infer_request)
        release = openvino.__version__.partition("-")[0]
        words = PRECISIONS[precision].words
        if precision == "fp16":
            words = "float16 weights, computed in float32"
        self.description = f"OpenVINO {release} on cpu, {words}"

    def infer(self, images: npt.NDArray[np.uint8]) -> Inferred:
        """See `Backend.infer`."""
        return in_batches(self._run, images, self._batch or 1, self._batch)

    def layers(self) -> dict[str, int]:
        """See `Backend.layers`."""
        names = {"f32": "fp32", "f16": "fp16", "i8": "int8", "u8": "int8"}
        info = [node.get_rt_info() for node in self._compiled.get_runtime_model().get_ops()]
        computed = [
            node["runtimePrecision"].value.lower()
            for node in info
            if node["layerType"].value == "Convolution"
        ]
        return dict(Counter(names.get(kind, kind) for kind in computed))

    def _run(self, images: npt.NDArray[np.uint8]) -> Inferred:
        with self._requests.take() as request:
            results = request.infer({"images": images}, share_inputs=True)  # results are copies
        points = [results["points"]] if self.points else []
        return inferred(results["landmarks"], results["scores"], *points)


def _read_network(path: Path) -> Any:
    # Through one front end only: Core.read_model tries every front end on a broken file, and
    # those write to stderr.
    from openvino.frontend import FrontEndManager

    front_end = FrontEndManager().load_by_framework(FRONT_ENDS[path.suffix])
    try:
        return front_end.convert(front_end.load(str(path)))
    except Exception as error:  # its errors have no common base class
        raise unreadable(path, error) from error


def _read_signature(network: Any, path: Path) -> Signature:
    try:
        return _signature(network)
    except Exception as error:  # of ports without a name and metadata of other types
        raise unreadable(path, error) from error


def _signature(network: Any) -> Signature:
    def tensors(ports: Any) -> dict[str, str]:
        return {port.get_any_name(): _describe(port) for port in ports}

    # OpenVINO keeps an ONNX file's metadata_props here.
    known = network.has_rt_info(["framework"])
    metadata = dict(network.get_rt_info(["framework"]).value) if known else {}
    if wrong := [name for name, value in metadata.items() if not isinstance(value, str)]:
        raise TypeError(f"{wrong[0]} is not a text")
    batch = fixed_batch([_shape(port) for port in network.inputs])
    return Signature(tensors(network.inputs), tensors(network.outputs), metadata, batch)


def _describe(port: Any) -> str:
    kind = port.get_element_type().get_type_name()
    return describe(DTYPES.get(kind, kind), _shape(port))


def _shape(port: Any) -> list[int | None]:
    return [size.get_length() if size.is_static else None for size in port.get_partial_shape()]
