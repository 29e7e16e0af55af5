"""Inference by ONNX Runtime, on the processor or an NVIDIA GPU, in the file's precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lmk.errors import UnavailableError, missing_extra
from lmk.geometry import FloatArray
from lmk.runtime.backends.batches import in_batches
from lmk.runtime.backends.contract import (
    PRECISIONS,
    Signature,
    check_signature,
    describe,
    fixed_batch,
    read_framing,
    unreadable,
)

# On a GPU float32 is float32 only without TF32, which rounds the factors to 10 bits.
PROVIDERS: dict[str, tuple[str, dict[str, str]]] = {
    "cpu": ("CPUExecutionProvider", {}),
    "cuda": ("CUDAExecutionProvider", {"use_tf32": "0"}),
}
DTYPES = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}
ERRORS_ONLY = 3


class OnnxRuntimeBackend:
    """A model in ONNX Runtime. Raises WeightsError, and UnavailableError without the device."""

    name = "onnxruntime"

    def __init__(self, model: str, device: str) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            extra = "gpu" if device == "cuda" else "run"
            raise missing_extra("onnxruntime", extra) from error
        from lmk.export.cached import cached_onnx

        provider, _ = PROVIDERS[device]
        available = onnxruntime.get_available_providers()
        if provider not in available:
            raise UnavailableError(
                f"this ONNX Runtime has no {provider}, only {', '.join(available)}: run  "
                "pip uninstall onnxruntime && pip install 'lmk[gpu]'  or choose --device cpu"
            )
        path = cached_onnx(model)
        self._session = _open_session(onnxruntime, path, device)
        if provider not in self._session.get_providers():
            raise UnavailableError(
                f"ONNX Runtime could not start {provider}: expected an NVIDIA driver, CUDA and "
                "cuDNN of the versions it names above. Install them or choose --device cpu"
            )
        signature = _signature(self._session)
        self.num_landmarks = check_signature(signature, path)
        self.framing = read_framing(signature, path)
        self._batch = signature.batch
        precision = PRECISIONS[signature.metadata.get("precision", "fp32")]
        if precision == "float16" and device == "cpu":
            precision = "float16 rounded, computed in float32"  # it has no such kernels there
        self.description = f"ONNX Runtime {onnxruntime.__version__} on {device}, {precision}"

    def infer(self, images: npt.NDArray[np.uint8]) -> tuple[FloatArray, FloatArray]:
        """See `Backend.infer`."""
        return in_batches(self._run, images, self._batch or 1, self._batch)

    def _run(self, images: npt.NDArray[np.uint8]) -> tuple[FloatArray, FloatArray]:
        landmarks, scores = self._session.run(["landmarks", "scores"], {"images": images})
        return landmarks, scores


def _open_session(onnxruntime: Any, path: Path, device: str) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    # Its waiting threads spin by default, and take the cores from whatever else runs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=[PROVIDERS[device]])
    except Exception as error:  # its errors share no base of their own
        raise unreadable(path, error) from error


def _signature(session: Any) -> Signature:
    def tensors(values: Any) -> dict[str, str]:
        return {v.name: describe(DTYPES.get(v.type, v.type), v.shape) for v in values}

    metadata = session.get_modelmeta().custom_metadata_map
    inputs, outputs = session.get_inputs(), session.get_outputs()
    batch = fixed_batch([value.shape for value in inputs])
    return Signature(tensors(inputs), tensors(outputs), metadata, batch)
