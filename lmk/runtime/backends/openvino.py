"""Inference by OpenVINO on the processor, in float32."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lmk.errors import UnavailableError, missing_extra
from lmk.geometry import FloatArray
from lmk.runtime.backends.contract import Signature, check_signature, describe, unreadable

# Left to itself OpenVINO computes in bfloat16 where the processor has it.
CONFIG = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
DTYPES = {"u8": "uint8", "f32": "float32"}


class OpenVinoBackend:
    """A model in OpenVINO. Raises WeightsError, and UnavailableError for any device but cpu."""

    name = "openvino"

    def __init__(self, model: str, device: str) -> None:
        if device != "cpu":
            raise UnavailableError(
                f"OpenVINO runs lmk's models on the cpu, not on {device}: choose "
                f"--runtime onnxruntime for {device}"
            )
        try:
            import openvino
        except ImportError as error:
            raise missing_extra("openvino", "run") from error
        from lmk.export.cached import cached_onnx

        path = cached_onnx(model)
        network = _read_network(path)
        self.num_landmarks = check_signature(_signature(network), path)
        self._compiled = openvino.Core().compile_model(network, "CPU", CONFIG)
        precision = self._compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        if precision != "f32":
            raise UnavailableError(
                f"OpenVINO was asked for float32 and took {precision}: choose --runtime onnxruntime"
            )
        self._request = self._compiled.create_infer_request()
        release = openvino.__version__.partition("-")[0]
        self.description = f"OpenVINO {release} on cpu, float32"

    def infer(self, images: npt.NDArray[np.uint8]) -> tuple[FloatArray, FloatArray]:
        """See `Backend.infer`."""
        results = self._request.infer({"images": images}, share_inputs=True)
        return results["landmarks"], results["scores"]


def _read_network(path: Path) -> Any:
    # Through the ONNX front end alone: Core.read_model tries every front end on a broken file, and
    # those write to stderr.
    from openvino.frontend import FrontEndManager

    front_end = FrontEndManager().load_by_framework("onnx")
    try:
        return front_end.convert(front_end.load(str(path)))
    except Exception as error:  # its errors share no base of their own
        raise unreadable(path, error) from error


def _signature(network: Any) -> Signature:
    def tensors(ports: Any) -> dict[str, str]:
        return {port.get_any_name(): _describe(port) for port in ports}

    # OpenVINO keeps an ONNX file's metadata_props here.
    known = network.has_rt_info(["framework"])
    metadata = network.get_rt_info(["framework"]).value if known else {}
    return Signature(tensors(network.inputs), tensors(network.outputs), metadata)


def _describe(port: Any) -> str:
    kind = port.get_element_type().get_type_name()
    shape = [size.get_length() if size.is_static else None for size in port.get_partial_shape()]
    return describe(DTYPES.get(kind, kind), shape)
