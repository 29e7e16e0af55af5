"""Inference by ONNX Runtime, on the CPU or an NVIDIA GPU, in the file's precision."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lmk.arrays import Images
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
from lmk.inference.backends.base import Inferred, inferred
from lmk.inference.backends.batches import in_batches
from lmk.inference.backends.sharing import in_turns, not_in_forks
from lmk.system.errors import UnavailableError, missing_extra
from lmk.system.install import install
from lmk.system.runtime_packages import import_onnxruntime

# On a GPU float32 is float32 only without TF32, which rounds the factors to 10 bits.
PROVIDERS: dict[str, tuple[str, dict[str, str]]] = {
    "cpu": ("CPUExecutionProvider", {}),
    "cuda": ("CUDAExecutionProvider", {"use_tf32": "0"}),
}
DTYPES = {"tensor(uint8)": "uint8", "tensor(float)": "float32"}
COMPUTED = {"float": "fp32", "float16": "fp16"}
ERRORS_ONLY = 3
OUTPUTS = ("landmarks", "scores")


class OnnxRuntimeBackend:
    """A model in ONNX Runtime. Raises WeightsError, and UnavailableError without the device."""

    name = "onnxruntime"

    def __init__(self, model: str, device: str, threads: int | None = None) -> None:
        try:
            onnxruntime = import_onnxruntime()
        except ImportError as error:
            extra = "gpu" if device == "cuda" else "run"
            raise missing_extra("onnxruntime", extra) from error
        from lmk.artifact.cached import cached_onnx

        provider, _ = PROVIDERS[device]
        available = onnxruntime.get_available_providers()
        if provider not in available:
            raise UnavailableError(
                f"this ONNX Runtime has no {provider}, only {', '.join(available)}: run  "
                "pip uninstall onnxruntime onnxruntime-gpu && "
                f"{install('onnxruntime-gpu', 'gpu')}  or choose --device cpu"
            )
        self._path, self._device = cached_onnx(model), device
        self._session = _open_session(onnxruntime, self._path, device, threads)
        if provider not in self._session.get_providers():
            raise UnavailableError(
                f"ONNX Runtime could not start {provider}: expected an NVIDIA driver, CUDA and "
                "cuDNN in the versions that it names above. Install them or choose --device cpu"
            )
        signature = _signature(self._session)
        self.num_landmarks, self.input_size = check_signature(signature, self._path)
        self.framing = read_framing(signature, self._path)
        self.points = read_points(signature, self._path)
        outputs = (*OUTPUTS, "points") if self.points else OUTPUTS
        gpu = GpuSession(onnxruntime, self._session, outputs) if device == "cuda" else None
        self.transfers = gpu
        on_cpu = partial(_run_on_cpu, self._session, outputs)
        self._run = not_in_forks(in_turns(gpu)) if gpu else on_cpu
        self._batch = signature.batch
        precision = PRECISIONS[signature.metadata.get("precision", "fp32")].words
        if precision == "float16" and device == "cpu":
            precision = "float16 rounded, computed in float32"  # it has no such kernels there
        self.description = f"ONNX Runtime {onnxruntime.__version__} on {device}, {precision}"

    def infer(self, images: npt.NDArray[np.uint8]) -> Inferred:
        """See `Backend.infer`."""
        return in_batches(self._run, images, self._batch or 1, self._batch)

    def layers(self) -> dict[str, int]:
        """See `Backend.layers`; read from the profile of one inference in a separate session."""
        onnxruntime = import_onnxruntime()
        with tempfile.TemporaryDirectory(prefix="lmk-") as folder:
            profile = str(Path(folder) / "profile")
            session = _open_session(onnxruntime, self._path, self._device, None, profile)
            shape = (self._batch or 1, self.input_size, self.input_size, 3)
            session.run(None, {"images": np.zeros(shape, np.uint8)})
            events = json.loads(Path(session.end_profiling()).read_text())
        return dict(Counter(_convolutions(events)))


class GpuSession:
    """See `Transfers`: inputs and outputs stay on the device until they are copied."""

    def __init__(
        self,
        onnxruntime: Any,
        session: Any,
        outputs: Sequence[str] = OUTPUTS,
        device: str = "cuda",
    ) -> None:
        self._onnxruntime, self._session, self._device = onnxruntime, session, device
        self._outputs = outputs
        self._binding = session.io_binding()

    def upload(self, images: npt.NDArray[np.uint8]) -> None:
        """See `Transfers.upload`."""
        value = self._onnxruntime.OrtValue.ortvalue_from_numpy(images, self._device, 0)
        self._binding.bind_ortvalue_input("images", value)
        for name in self._outputs:
            self._binding.bind_output(name, self._device)

    def compute(self) -> None:
        """See `Transfers.compute`."""
        self._session.run_with_iobinding(self._binding)
        self._binding.synchronize_outputs()

    def download(self) -> Inferred:
        """See `Transfers.download`."""
        return inferred(*(value.numpy() for value in self._binding.get_outputs()))


def _open_session(
    onnxruntime: Any, path: Path, device: str, threads: int | None, profile: str = ""
) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    options.intra_op_num_threads = threads or 0  # 0: one for each physical core
    if profile:
        options.enable_profiling, options.profile_file_prefix = True, profile
    # Its waiting threads spin by default, and take the cores from other work.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=[PROVIDERS[device]])
    except Exception as error:  # its errors have no common base class
        raise unreadable(path, error) from error


def _run_on_cpu(session: Any, outputs: Sequence[str], images: Images) -> Inferred:
    return inferred(*session.run(outputs, {"images": images}))


def _convolutions(events: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Precision of each convolution in a profile.

    Depthwise convolutions are excluded: the runtime makes them of batch norms.
    """
    for event in events:
        if event["cat"] != "Node" or not event["name"].endswith("_kernel_time"):
            continue
        kind, inputs = event["args"]["op_name"], event["args"]["input_type_shape"]
        if kind in ("QLinearConv", "ConvInteger"):
            yield "int8"
        elif "Conv" in kind:
            dtype, shape = next(iter(inputs[1].items()))
            if shape[1:] != [1, 1, 1]:
                yield COMPUTED.get(dtype, dtype)


def _signature(session: Any) -> Signature:
    def tensors(values: Any) -> dict[str, str]:
        return {v.name: describe(DTYPES.get(v.type, v.type), v.shape) for v in values}

    metadata = session.get_modelmeta().custom_metadata_map
    inputs, outputs = session.get_inputs(), session.get_outputs()
    batch = fixed_batch([value.shape for value in inputs])
    return Signature(tensors(inputs), tensors(outputs), metadata, batch)
