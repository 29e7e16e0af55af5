"""Inference by ncnn on the CPU, in float32: what lmk writes for it is computed in nothing else."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lmk.arrays import FloatArray, Images
from lmk.artifact.cached import check_exported
from lmk.artifact.catalogue import PRECISIONS, format_of
from lmk.artifact.contract import check_signature, read_framing, read_points
from lmk.artifact.ncnn.network import NcnnNetwork, broken, read_ncnn
from lmk.inference.backends.base import Inferred, inferred, require_cpu
from lmk.inference.backends.batches import in_batches
from lmk.inference.backends.sharing import not_in_forks
from lmk.model.folder import find_model
from lmk.system.errors import WeightsError, missing_extra
from lmk.system.runtime_packages import import_ncnn


class NcnnBackend:
    """A model in ncnn. Raises WeightsError, and UnavailableError for any device but cpu.

    It is a file that was checked, or made of a model in memory each time.
    """

    name = "ncnn"
    transfers = None

    def __init__(self, model: str, device: str, threads: int | None = None) -> None:
        require_cpu(device, "ncnn")
        try:
            ncnn = import_ncnn()
        except ImportError as error:
            raise missing_extra("ncnn", "ncnn") from error
        path = Path(model)
        network = _read(path) if format_of(path) else _make(model)
        try:
            signature = network.signature
        except ValueError as error:
            raise broken(path, error) from error
        self.num_landmarks, self.input_size = check_signature(signature, path)
        self.framing = read_framing(signature, path)
        self.points = read_points(signature, path)
        self._outputs = ("landmarks", "scores", *(["points"] if self.points else []))
        self._kernels = sum(layer.kind == "Convolution" for layer in network.layers)
        self._ncnn, self._net = ncnn, load_net(ncnn, network, threads)
        self._run = not_in_forks(self._infer_one)
        words = PRECISIONS[signature.metadata.get("precision", "fp32")].words
        if words != "float32":
            words = f"{words} weights, computed in float32"
        self.description = f"ncnn {ncnn.__version__} on cpu, {words}"

    def infer(self, images: npt.NDArray[np.uint8]) -> Inferred:
        """See `Backend.infer`; picture by picture."""
        return in_batches(self._run, images, 1, 1)

    def layers(self) -> dict[str, int]:
        """See `Backend.layers`; every layer of the file rules out other types than float32."""
        return {"fp32": self._kernels}

    def _infer_one(self, images: Images) -> Inferred:
        size = self.input_size
        pixels = np.ascontiguousarray(images[0], np.uint8)
        rgb = self._ncnn.Mat.PixelType.PIXEL_RGB
        extractor = self._net.create_extractor()
        extractor.input("images", self._ncnn.Mat.from_pixels(pixels, rgb, size, size))
        return inferred(*(self._extract(extractor, name)[None] for name in self._outputs))

    def _extract(self, extractor: Any, name: str) -> FloatArray:
        status, found = extractor.extract(name)
        if status:
            raise WeightsError(f"{self.description} failed ({status}): export the file again")
        return np.array(found, np.float32)


def load_net(ncnn: Any, network: NcnnNetwork, threads: int | None = None) -> Any:
    """Load a network that was checked, from these bytes: its file may be replaced meanwhile.

    Raises WeightsError.
    """
    net = ncnn.Net()
    net.opt.use_vulkan_compute = False
    if threads:
        net.opt.num_threads = threads
    if net.load_param_mem(network.param) or net.load_model(_reader(ncnn, network.weights)):
        raise WeightsError(
            f"ncnn {ncnn.__version__} does not load this network: update it, or choose another "
            "runtime"
        )
    return net


def _reader(ncnn: Any, content: bytes) -> Any:
    """A reader that copies: ncnn's own of memory keeps pointers into what is then released."""
    kind = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
    address = kind(("PyCapsule_GetPointer", ctypes.pythonapi))

    class Reader(ncnn.DataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            ncnn.DataReader.__init__(self)
            self.place = 0

        def read(self, buffer: Any, size: int) -> int:
            part = content[self.place : self.place + size]
            ctypes.memmove(address(buffer, None), part, len(part))
            self.place += len(part)
            return len(part)

    return Reader()


def _read(path: Path) -> NcnnNetwork:
    return read_ncnn(check_exported(path))


def _make(model: str) -> NcnnNetwork:
    from lmk.artifact.ncnn.from_onnx import ncnn_of
    from lmk.artifact.onnx_model import build_onnx

    return ncnn_of(build_onnx(find_model(model)))
