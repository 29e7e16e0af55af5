from __future__ import annotations

from importlib import metadata

from packaging.requirements import Requirement

from lmk.system.install import JETSON, WITHOUT_OPENCV
from lmk.system.version import DISTRIBUTION


def brought_by(extra: str) -> set[str]:
    """What an extra of pyproject.toml brings, lmk's other extras followed."""
    found = set()
    for line in metadata.requires(DISTRIBUTION) or []:
        wanted = Requirement(line)
        asked_for = wanted.marker and not wanted.marker.evaluate({"extra": ""})
        if asked_for and wanted.marker.evaluate({"extra": extra}):
            found |= {wanted.name}.union(*map(brought_by, wanted.extras))
    return found


def test_what_is_said_of_extras_is_what_they_bring() -> None:
    assert brought_by("jetson") == set(JETSON)
    assert {extra for extra in WITHOUT_OPENCV if "opencv-python" in brought_by(extra)} == set()
    assert all("opencv-python" in brought_by(extra) for extra in ("run", "gpu", "train", "eval"))
