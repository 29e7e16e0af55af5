"""Python, the packages that lmk uses, and the shipped models."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from lmk.doctor.finding import Finding
from lmk.system.errors import LmkError
from lmk.system.install import install
from lmk.system.version import __version__

# package, extra, whether `lmk run webcam` needs it, what for
PACKAGES = (
    ("numpy", "run", True, "everything"),
    ("safetensors", "run", True, "reading weights"),
    ("onnx", "run", True, "folding adapters"),
    ("pillow", "run", True, "reading pictures, and drawing text"),
    ("av", "run", False, "recording MP4"),
    ("pyarrow", "tables", False, "writing Parquet"),
    ("starlette", "web", False, "lmk run --serve"),
    ("cryptography", "sign", False, "lmk adapter sign, and --require-signature"),
    ("torch", "train", False, "training, and verifying exports"),
    ("torchvision", "train", False, "training"),
    ("coremltools", "coreml", False, "exports for Core ML, on macOS and Linux on x86-64"),
)


# Not from the package index, where `lmk` is another project.
AGAIN = "in the checkout of lmk:  pip install --force-reinstall --no-deps ."


def examine_software() -> list[Finding]:
    """Check Python, packages and models."""
    return [_python(), *(_package(*row) for row in PACKAGES), _models()]


def _python() -> Finding:
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Finding(f"Python, lmk {__version__}", found, essential=True)


def _package(name: str, extra: str, essential: bool, purpose: str) -> Finding:
    try:
        return Finding(name, version(name), essential=essential)
    except PackageNotFoundError:
        found, remedy = f"not installed; for {purpose}", install(name, extra)
        return Finding(name, found, "absent", remedy, essential)


def _models() -> Finding:
    from lmk.model.folder import list_models

    try:
        names = [model.manifest.name for model in list_models() if model.arrays()]
    except LmkError as error:
        return Finding("shipped models", str(error), "broken", AGAIN)
    if not names:
        return Finding("shipped models", "none", "broken", AGAIN)
    return Finding("shipped models", f"{', '.join(names)}: intact")
