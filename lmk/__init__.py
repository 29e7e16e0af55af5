"""Object landmarks on edge devices without labels: adapt, fold, export, run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lmk.system.version import __version__

if TYPE_CHECKING:
    from lmk.inference.landmarker import Landmarker, Landmarks

__all__ = ["Landmarker", "Landmarks", "__version__"]


def __getattr__(name: str) -> Any:
    """Import the runtime on first use, so that `lmk --help` waits for no runtime library."""
    if name in ("Landmarker", "Landmarks"):
        from lmk.inference import landmarker

        return getattr(landmarker, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
