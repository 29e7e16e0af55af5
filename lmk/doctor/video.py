"""OpenCV, its video back ends, a window, and the cameras."""

from __future__ import annotations

import os
import re
import sys
from importlib.util import find_spec
from pathlib import Path

from lmk.doctor.finding import Finding
from lmk.system.errors import SourceError
from lmk.system.install import install
from lmk.video.display import has_display

DEVICES = Path("/dev")


def examine_video() -> list[Finding]:
    """Check how `lmk run` can read and show frames."""
    if find_spec("cv2") is None:
        remedy = install("opencv-python", "run")
        return [Finding("OpenCV", "not installed", "absent", remedy, essential=True)]
    try:
        import cv2
    except ImportError as error:  # often a missing system library such as libGL
        remedy = "sudo apt install libgl1 libglib2.0-0"
        found = f"installed, but fails: {error}"
        return [Finding("OpenCV", found, "broken", remedy, essential=True)]
    registry = cv2.videoio_registry
    # OpenCV also lists those that a plugin could bring: GStreamer, in the packages of PyPI.
    usable = [code for code in registry.getBackends() if registry.hasBackend(code)]
    names = dict.fromkeys(map(registry.getBackendName, usable))
    opencv = Finding("OpenCV", f"{cv2.__version__}; {', '.join(names)}", essential=True)
    return [opencv, _window(cv2.getBuildInformation()), _camera()]


def _window(build: str) -> Finding:
    gui = re.search(r"GUI:\s*(\S+)", build)
    if gui and gui[1] == "NONE":
        remedy = "pip uninstall opencv-python-headless && pip install opencv-python"
        return Finding("window", "this OpenCV has no windows; --no-show works", "absent", remedy)
    if not has_display():
        return Finding("window", "no display; --no-show works", "absent")
    return Finding("window", "can be shown")


def _camera() -> Finding:
    from lmk.video.sources.open import open_source

    nodes = sorted(DEVICES.glob("video*")) if sys.platform.startswith("linux") else []
    if sys.platform.startswith("linux") and not nodes:
        return Finding("camera", "none", "absent", "connect a camera", essential=True)
    locked = [node for node in nodes if not os.access(node, os.R_OK | os.W_OK)]
    if locked and len(locked) == len(nodes):
        found, remedy = f"no permission to read {locked[0]}", "sudo usermod -aG video $USER"
        return Finding("camera", found, "broken", f"{remedy}  and log in again", essential=True)
    try:
        with open_source("webcam") as source:
            width, height = source.size_wh
    except SourceError as error:
        reason, _, remedy = str(error).partition(": ")
        return Finding("camera", reason, "broken", remedy, essential=True)
    rate = f" at {source.fps:.0f} frames/s" if source.fps else ""
    return Finding("camera", f"delivers frames of {width} x {height}{rate}", essential=True)
