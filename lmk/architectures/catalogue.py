"""The architectures of this version of lmk, by their names in manifests."""

from __future__ import annotations

from importlib import import_module

from lmk.architectures.spec import Architecture
from lmk.system.errors import WeightsError

DEFAULT = "hourglass"
ARCHITECTURES = {
    DEFAULT: "lmk.architectures.hourglass.spec",
    "student-small": "lmk.architectures.student.small",
    "student-tiny": "lmk.architectures.student.tiny",
}
"""Modules that declare an ARCHITECTURE."""


def find_architecture(name: str) -> Architecture:
    """Find an architecture by name. Raises WeightsError for an unknown one."""
    if name not in ARCHITECTURES:
        raise WeightsError(
            f"no architecture {name!r:.60}: this version of lmk has {', '.join(ARCHITECTURES)}. "
            "Install the version that the model was made with, or a newer one"
        )
    found: Architecture = import_module(ARCHITECTURES[name]).ARCHITECTURE
    return found
