"""Inference by a TensorRT engine.

Needs only numpy and TensorRT's Python package. Written from NVIDIA's documentation of TensorRT 10
and of TensorRT for RTX 1; not yet tested on a GPU.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lmk.artifact.catalogue import PRECISIONS, RUNTIMES
from lmk.artifact.provenance import Provenance, read_unchanged
from lmk.inference.backends.base import Inferred, inferred
from lmk.inference.backends.batches import in_batches
from lmk.inference.backends.sharing import in_turns, not_in_forks
from lmk.inference.backends.tensorrt_bindings import Kind, load_bindings
from lmk.inference.cuda import Cuda
from lmk.model.points import NO_POINTS
from lmk.system.errors import UsageError, WeightsError


class TensorRtBackend:
    """An engine file on the first GPU. Raises WeightsError, UsageError, UnavailableError."""

    def __init__(self, model: str, kind: Kind) -> None:
        path = Path(model)
        if not path.is_file():
            raise WeightsError(
                f"expected a TensorRT engine, got {model}: build an engine with  "
                f"lmk export NAME -o DIR -f {kind}"
            )
        known, engine = read_unchanged(path)  # which is code: only these bytes are run
        if known.format != kind:
            raise UsageError(f"{path} is for {known.format}: choose --runtime {known.format}")
        trt, self._cuda = load_bindings(kind), Cuda()
        check_machine(known, path, self._cuda, trt.__version__)
        self.name: str = kind
        self.transfers = self
        self._run = not_in_forks(in_turns(self))
        self._layers = known.layers
        self.num_landmarks, self.input_size = known.num_landmarks, known.input_size
        self.framing, self.points = known.framing, known.points or NO_POINTS
        self._smallest, self._largest = known.batch.min, known.batch.max or 1
        self._runtime = trt.Runtime(trt.Logger(trt.Logger.ERROR))  # must outlive the engine
        self._engine = self._runtime.deserialize_cuda_engine(engine)
        if self._engine is None:
            raise WeightsError(
                f"{RUNTIMES[kind].title} {trt.__version__} cannot read {path}: run  {known.command}"
            )
        self._context = self._engine.create_execution_context()
        self._shapes = _shapes(known.num_landmarks, known.input_size, len(self.points))
        self._addresses = {
            name: self._cuda.allocate(self._largest * int(np.prod(shape)) * dtype().itemsize)
            for name, (shape, dtype) in self._shapes.items()
        }
        for name, address in self._addresses.items():
            self._context.set_tensor_address(name, address)
        version = f"{RUNTIMES[kind].title} {trt.__version__}"
        self.description = f"{version} on {self._cuda.name}, {PRECISIONS[known.precision].words}"

    def infer(self, images: npt.NDArray[np.uint8]) -> Inferred:
        """See `Backend.infer`."""
        return in_batches(self._run, images, self._smallest, self._largest)

    def layers(self) -> dict[str, int]:
        """See `Backend.layers`; read from the engine when it was built."""
        return self._layers

    def upload(self, images: npt.NDArray[np.uint8]) -> None:
        """See `Transfers.upload`."""
        images = np.ascontiguousarray(images)
        self._cuda.make_current()
        self._context.set_input_shape("images", images.shape)
        self._count = len(images)
        self._cuda.upload(images, self._addresses["images"])
        self._cuda.synchronize()

    def compute(self) -> None:
        """See `Transfers.compute`."""
        if not self._context.execute_async_v3(self._cuda.stream):
            raise WeightsError(f"{self.description} failed: export the engine again")
        self._cuda.synchronize()

    def download(self) -> Inferred:
        """See `Transfers.download`."""
        results = {
            name: np.empty((self._count, *shape), np.float32)
            for name, (shape, _) in self._shapes.items()
            if name != "images"
        }
        for name, values in results.items():
            self._cuda.download(self._addresses[name], values)
        self._cuda.synchronize()
        return inferred(*results.values())


def open_tensorrt(model: str, device: str, threads: int | None) -> TensorRtBackend:  # noqa: ARG001
    """Open an engine of TensorRT."""
    return TensorRtBackend(model, "tensorrt")


def open_tensorrt_rtx(model: str, device: str, threads: int | None) -> TensorRtBackend:  # noqa: ARG001
    """Open an engine of TensorRT for RTX."""
    return TensorRtBackend(model, "tensorrt-rtx")


def check_machine(known: Provenance, path: Path, cuda: Cuda, version: str) -> None:
    """Raise WeightsError when an engine was built for another GPU or by another TensorRT.

    Engines of TensorRT fit one compute capability and one version; those for RTX are compiled on
    the device, for the capabilities that they were built for.
    """
    built = known.gpu or {}
    wanted, made_by = built.get("compute_capability", "any"), built.get("tensorrt", version)
    if wanted not in ("any", cuda.compute_capability):
        raise WeightsError(
            f"{path} was built for compute capability {wanted}, {cuda.name} has "
            f"{cuda.compute_capability}: run  {known.command}"
        )
    if known.format == "tensorrt" and made_by != version:
        raise WeightsError(
            f"{path} was built by TensorRT {made_by}, this one is {version}: run  {known.command}"
        )


def _shapes(
    num_landmarks: int, input_size: int, num_points: int
) -> dict[str, tuple[tuple[int, ...], Any]]:
    shapes = {
        "images": ((input_size, input_size, 3), np.uint8),
        "landmarks": ((num_landmarks, 2), np.float32),
        "scores": ((num_landmarks,), np.float32),
        "points": ((num_points, 2), np.float32),
    }
    return shapes if num_points else {n: s for n, s in shapes.items() if n != "points"}
