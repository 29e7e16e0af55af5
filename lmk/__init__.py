"""Object landmarks on edge devices without labels: adapt, fold, export, run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lmk.runtime.landmarker import Landmarker, Landmarks

__version__ = "0.1.0"
__all__ = ["Landmarker", "Landmarks", "__version__"]


def __getattr__(name: str) -> Any:
    """Import the runtime on first use, so that `lmk --help` waits for no runtime library."""
    if name in ("Landmarker", "Landmarks"):
        from lmk.runtime import landmarker

        return getattr(landmarker, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
