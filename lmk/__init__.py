"""Object landmarks on edge devices without labels: adapt, fold, export, run."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lmk.system.version import __version__

if TYPE_CHECKING:
    from lmk.inference.landmarker import Landmarker, Landmarks
    from lmk.training.adaptation import adapt

__all__ = ["Landmarker", "Landmarks", "__version__", "adapt"]

_HOMES = {
    "Landmarker": "lmk.inference.landmarker",
    "Landmarks": "lmk.inference.landmarker",
    "adapt": "lmk.training.adaptation",
}


def __getattr__(name: str) -> Any:
    """Import a name on its first use, so that `lmk --help` waits for no library."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
