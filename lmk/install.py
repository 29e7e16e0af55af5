"""Commands that install what is missing or mend what is broken."""

from __future__ import annotations

from lmk.machine import jetson_model

RUNTIMES = ("onnxruntime", "openvino")


def install(package: str, extra: str) -> str:
    """Command that installs a package which one of the extras brings.

    Not the extras `run` and `gpu` on a Jetson: they would hide JetPack's OpenCV, which has
    GStreamer, and replace the numpy 1 that its TensorRT and OpenCV are built against.
    """
    if extra not in ("run", "gpu") or not jetson_model():
        return f"pip install 'lmk[{extra}]'"
    if package == "opencv-python":
        return "sudo apt install libopencv-python"
    return (
        f"pip install {package} 'numpy<2'" if package in RUNTIMES else "pip install 'lmk[jetson]'"
    )


def reinstall(package: str) -> str:
    """Command that installs a package again, and nothing that it depends on."""
    return f"pip install --force-reinstall --no-deps {package}"
