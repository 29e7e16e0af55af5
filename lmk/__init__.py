"""Object landmarks on edge devices without labels: adapt, fold, export, run."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lmk.system.version import __version__

if TYPE_CHECKING:
    from lmk.exporting.export import export
    from lmk.inference.landmarker import Landmarker, Landmarks
    from lmk.inference.regions.landmarks import Finding
    from lmk.labelling.label import label
    from lmk.naming.job import name
    from lmk.report.evaluate import evaluate
    from lmk.training.adaptation.adapt import adapt
    from lmk.training.distillation.distill import distill
    from lmk.video.filters.base import Smoothing
    from lmk.video.track import track

__all__ = [
    "Finding",
    "Landmarker",
    "Landmarks",
    "Smoothing",
    "__version__",
    "adapt",
    "distill",
    "evaluate",
    "export",
    "label",
    "name",
    "track",
]

# Where each name is, imported on first use, so that `import lmk` waits for no other library. Each
# has its line above too, for type checkers.
_MODULES = {
    "Finding": "lmk.inference.regions.landmarks",
    "Landmarker": "lmk.inference.landmarker",
    "Landmarks": "lmk.inference.landmarker",
    "Smoothing": "lmk.video.filters.base",
    "adapt": "lmk.training.adaptation.adapt",
    "distill": "lmk.training.distillation.distill",
    "evaluate": "lmk.report.evaluate",
    "export": "lmk.exporting.export",
    "label": "lmk.labelling.label",
    "name": "lmk.naming.job",
    "track": "lmk.video.track",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_MODULES[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
