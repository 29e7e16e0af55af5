"""TensorRT's two Python bindings, `tensorrt` and TensorRT for RTX. Both have the same interface."""

from __future__ import annotations

import ctypes
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from lmk.system.errors import missing_extra

Kind = Literal["tensorrt", "tensorrt-rtx"]
# The bindings on the package index bring no libraries; this package of ONNX Runtime's does.
RTX_LIBRARIES = "onnxruntime_ep_nv_tensorrt_rtx"
RTX_LOAD_ORDER = ("libcudart.so*", "libtensorrt_rtx.so*", "libtensorrt_onnxparser_rtx.so*")


def load_bindings(kind: Kind) -> Any:
    """Import the bindings. Raises UnavailableError naming the pip command."""
    if kind == "tensorrt":
        if find_spec("tensorrt") is None:
            raise missing_extra("tensorrt", "tensorrt")
        return import_module("tensorrt")
    if find_spec("tensorrt_rtx") is not None:  # NVIDIA's own wheel, libraries included
        return import_module("tensorrt_rtx")
    libraries = find_spec(RTX_LIBRARIES)
    if find_spec("tensorrt_rtx_bindings") is None or libraries is None or not libraries.origin:
        raise missing_extra("TensorRT for RTX", "tensorrt-rtx")
    folder = Path(libraries.origin).parent
    for pattern in RTX_LOAD_ORDER:
        for library in sorted(folder.glob(pattern)):
            ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    return import_module("tensorrt_rtx_bindings")
