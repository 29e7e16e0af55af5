from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest
from sites import RUNTIME, plain_server

import lmk
from lmk.demo.clip import frames


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of faces-small with ONNX Runtime in it, below a folder, as pages of projects are."""
    folder = tmp_path_factory.mktemp("server") / "project" / "site"
    exported = lmk.export("faces-small", folder, "web", runtime_files=RUNTIME, reference="onnx")
    assert exported.parity
    assert "onnxruntime-web" in exported.parity.runtime  # the page itself was compared
    assert exported.parity.max_px <= 0.05
    return folder


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    with plain_server(site.parents[1]) as root:
        yield f"{root}project/site/"


@pytest.fixture(scope="session")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of a face for Chromium's fake camera: JPEGs one after another."""
    path = tmp_path_factory.mktemp("camera") / "clip.mjpeg"
    encoded = (cv2.imencode(".jpg", frame)[1].tobytes() for frame in frames())
    path.write_bytes(b"".join(encoded))
    return path
