"""The calls of NVIDIA's driver that an engine needs, through ctypes.

The library is part of the driver, on a Jetson of JetPack; no CUDA toolkit is needed. TensorRT works
in the same primary context. Written from NVIDIA's documentation of the CUDA driver API; not yet
tested on a GPU.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any

from lmk.arrays import AnyArray
from lmk.system.errors import UnavailableError

LIBRARY = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
# CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR
CAPABILITY_MAJOR, CAPABILITY_MINOR = 75, 76


class Cuda:
    """The first CUDA device, its primary context current in this thread, and one stream.

    Raises UnavailableError when there is no driver or no device.
    """

    def __init__(self) -> None:
        try:
            self._driver: Any = ctypes.CDLL(LIBRARY)
        except OSError as error:
            raise UnavailableError(
                f"no NVIDIA driver found ({LIBRARY} is not installed): install the driver, or "
                "choose a runtime for the CPU"
            ) from error
        self._call("cuInit", 0)
        device, stream = ctypes.c_int(), ctypes.c_void_p()
        self._context = ctypes.c_void_p()
        self._call("cuDeviceGet", ctypes.byref(device), 0)
        self._call("cuDevicePrimaryCtxRetain", ctypes.byref(self._context), device)
        self.make_current()
        self._call("cuStreamCreate", ctypes.byref(stream), 0)
        self.stream = int(stream.value or 0)
        self.name = self._name(device)
        major = self._attribute(device, CAPABILITY_MAJOR)
        self.compute_capability = f"{major}.{self._attribute(device, CAPABILITY_MINOR)}"

    def __str__(self) -> str:
        return f"{self.name}, compute capability {self.compute_capability}"

    def make_current(self) -> None:
        """Make the context current in the calling thread; every other call needs that."""
        self._call("cuCtxSetCurrent", self._context)

    def allocate(self, size: int) -> int:
        """Reserve `size` bytes on the device and return their address."""
        address = ctypes.c_uint64()
        self._call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(size))
        return address.value

    def upload(self, array: AnyArray, address: int) -> None:
        """Copy a contiguous array to the device, in the stream's order."""
        source, size = ctypes.c_void_p(array.ctypes.data), ctypes.c_size_t(array.nbytes)
        stream = ctypes.c_void_p(self.stream)
        self._call("cuMemcpyHtoDAsync_v2", ctypes.c_uint64(address), source, size, stream)

    def download(self, address: int, array: AnyArray) -> None:
        """Copy from the device into a contiguous array; wait with `synchronize`."""
        target, size = ctypes.c_void_p(array.ctypes.data), ctypes.c_size_t(array.nbytes)
        stream = ctypes.c_void_p(self.stream)
        self._call("cuMemcpyDtoHAsync_v2", target, ctypes.c_uint64(address), size, stream)

    def synchronize(self) -> None:
        """Wait until all work in the stream is complete."""
        self._call("cuStreamSynchronize", ctypes.c_void_p(self.stream))

    def _name(self, device: ctypes.c_int) -> str:
        text = ctypes.create_string_buffer(256)
        self._call("cuDeviceGetName", text, len(text), device)
        return text.value.decode()

    def _attribute(self, device: ctypes.c_int, attribute: int) -> int:
        value = ctypes.c_int()
        self._call("cuDeviceGetAttribute", ctypes.byref(value), attribute, device)
        return value.value

    def _call(self, function: str, *arguments: object) -> None:
        status = getattr(self._driver, function)(*arguments)
        if status:
            text = ctypes.c_char_p()
            self._driver.cuGetErrorString(status, ctypes.byref(text))
            reason = (text.value or b"unknown error").decode()
            raise UnavailableError(f"the NVIDIA driver failed in {function}: {reason} ({status})")
