"""Commands that install what is missing or mend what is broken."""

from __future__ import annotations

from lmk.system.machine import jetson_model
from lmk.system.version import __version__

WITHOUT_OPENCV = ("web", "tables", "tensorrt", "tensorrt-rtx")
JETSON = ("numpy", "pillow", "av", "onnx", "safetensors")  # what the extra `jetson` brings


def install(package: str, extra: str) -> str:
    """Command that installs a package which one of the extras brings.

    On a Jetson an extra with OpenCV would hide JetPack's, which has GStreamer, and replace the
    numpy 1 that its TensorRT and OpenCV are built against. OpenVINO comes alone, since `run` would
    put a second ONNX Runtime beside that of `gpu`.
    """
    if jetson_model() and extra not in WITHOUT_OPENCV:
        if package == "opencv-python":
            return "sudo apt install libopencv-python"
        return _extra("jetson") if package in JETSON else f"pip install {package} 'numpy<2'"
    return "pip install openvino" if package == "openvino" else _extra(extra)


def reinstall(package: str) -> str:
    """Command that installs a package again, and nothing that it depends on."""
    return f"pip install --force-reinstall --no-deps {package}"


def _extra(extra: str) -> str:
    # With this version, since another project has the name on PyPI, in other versions.
    return f"pip install 'lmk[{extra}]=={__version__}'"
