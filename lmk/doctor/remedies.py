"""Commands that install what is missing, also where JetPack brings a part of it."""

from __future__ import annotations

from lmk.machine import jetson_model


def install(extra: str) -> str:
    """Install an extra; on a Jetson not `run`, whose OpenCV would hide JetPack's."""
    if extra == "run" and jetson_model():
        extra = "jetson"
    return f"pip install 'lmk[{extra}]'"


def install_runtime(package: str) -> str:
    """Install an inference runtime; on a Jetson alone, since the extra `jetson` has none."""
    # JetPack's TensorRT and OpenCV are built against numpy 1.
    return f"pip install {package} 'numpy<2'" if jetson_model() else install("run")


def install_opencv() -> str:
    """Install OpenCV; on a Jetson JetPack's own, which has GStreamer."""
    return "sudo apt install libopencv-python" if jetson_model() else install("run")
