"""Commands that install missing packages or repair broken ones."""

from __future__ import annotations

from lmk.system.machine import jetson_model
from lmk.system.version import DISTRIBUTION, __version__

WITHOUT_OPENCV = (
    *("web", "tables", "label", "ray", "sign", "litert", "coreml", "tensorrt", "tensorrt-rtx"),
)
JETSON = ("numpy", "pillow", "av", "onnx", "safetensors")  # what the extra `jetson` brings


def install(package: str, extra: str) -> str:
    """The command that installs a package of an extra.

    On a Jetson an extra with OpenCV would hide JetPack's OpenCV, which has GStreamer, and replace
    numpy 1, which its TensorRT and OpenCV need. OpenVINO is installed without its extra, because
    `run` would add a second ONNX Runtime to that of `gpu`.
    """
    if jetson_model() and extra not in WITHOUT_OPENCV:
        if package == "opencv-python":
            return "sudo apt install libopencv-python"
        return _extra("jetson") if package in JETSON else f"pip install {package} 'numpy<2'"
    return "pip install openvino" if package == "openvino" else _extra(extra)


def reinstall(package: str) -> str:
    """The command that reinstalls a package without its dependencies."""
    return f"pip install --force-reinstall --no-deps {package}"


def _extra(extra: str) -> str:
    return f"pip install '{DISTRIBUTION}[{extra}]=={__version__}'"
