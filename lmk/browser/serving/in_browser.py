"""Run a site's model in a real browser without a screen, as a backend."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from typing import Annotated

import numpy as np
import numpy.typing as npt
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from lmk.browser.runtime_files import pinned
from lmk.browser.serving.serve_site import site_app
from lmk.inference.backends.base import Inferred, inferred
from lmk.inference.backends.onnxruntime import OnnxRuntimeBackend
from lmk.inference.rounds import ModelError
from lmk.system.progress import Reporter
from lmk.system.reading import MB
from lmk.system.schema import Number, parse_json, read_as
from lmk.web.server import LOCALHOST, serving

PROGRAMS = (
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
    "microsoft-edge",
)
FLAGS = ("--headless=new", "--disable-gpu", "--no-first-run", "--disable-background-networking")
LONGEST_S = 120.0
MOST_BYTES = 16 * MB
CHECK = Path(__file__).with_name("check")


@dataclass(frozen=True)
class _Report:
    """What the page sends: landmarks, scores and points of each crop, or why there are none."""

    landmarks: list[list[tuple[Number, Number]]] = field(default_factory=list)
    scores: list[list[Number]] = field(default_factory=list)
    points: list[list[tuple[Number, Number]]] = field(default_factory=list)
    error: Annotated[str, Meta(max_length=10_000)] = ""


def find_browser() -> str | None:
    """The path of a browser that can run without a screen; None without one."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class BrowserBackend(OnnxRuntimeBackend):
    """The ONNX file of a site in ONNX Runtime, except that `infer` runs it in a browser.

    program: the browser. There the site's own library finds the landmarks, in WebAssembly with one
    thread. Each call starts the browser anew.
    """

    def __init__(self, path: Path, program: str) -> None:
        super().__init__(str(path), "cpu")
        self._file, self._program = path, program
        self.description = f"onnxruntime-web {pinned().version} in {_name_of(program)}"

    def infer(self, images: npt.NDArray[np.uint8]) -> Inferred:
        """See `Backend.infer`. Raises ModelError for what fails in the page."""
        report = _in_browser(self._program, self._file, images.tobytes())
        if report.error:
            raise ModelError(f"the page failed in {_name_of(self._program)}: {report.error}")
        landmarks, scores, points = (
            np.array(values, np.float32)
            for values in (report.landmarks, report.scores, report.points)
        )
        expected = (len(images), self.num_landmarks, 2)
        if landmarks.shape != expected or scores.shape != expected[:2]:
            raise ModelError(f"the page found landmarks {landmarks.shape}, expected {expected}")
        return inferred(landmarks, scores, *([points] if self.points else []))


def _in_browser(program: str, file: Path, crops: bytes) -> _Report:
    """Open the check of a site in a browser, and wait for its report."""
    reports: Queue[bytes] = Queue()

    async def task(_: Request) -> Response:
        return JSONResponse({"model": file.name, "backend": "wasm", "threads": 1})

    async def send_crops(_: Request) -> Response:
        return Response(crops, media_type="application/octet-stream")

    async def report(request: Request) -> Response:
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > MOST_BYTES:
                return Response(status_code=413)
        reports.put(body)
        return Response(status_code=204)

    routes = [
        Route("/check/task.json", task),
        Route("/check/crops", send_crops),
        Route("/check/report", report, methods=["POST"]),
        Mount("/check", StaticFiles(directory=CHECK)),
    ]
    app = site_app(file.parent, routes)
    with (
        serving(app, LOCALHOST, 0, Reporter()) as address,
        tempfile.TemporaryDirectory(prefix="lmk-", ignore_cleanup_errors=True) as profile,
        _opened(program, f"{address}check/check.html", profile),
    ):
        try:
            sent = reports.get(timeout=LONGEST_S)
        except Empty:
            return _Report(error=f"no answer within {LONGEST_S:.0f} s")
    return read_as(_Report, parse_json(sent.decode()))


@contextmanager
def _opened(program: str, address: str, profile: str) -> Iterator[None]:
    # As root, which containers often are, Chromium has no sandbox; it opens only our own page.
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    command = [program, *FLAGS, *root, f"--user-data-dir={profile}", address]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def _name_of(program: str) -> str:
    """The browser's name and version, as it prints them."""
    answer = subprocess.run(
        [program, "--version"], capture_output=True, text=True, timeout=30, check=False
    )
    found = re.match(r"[A-Za-z ]+[0-9]+", answer.stdout)
    return found[0] if found else Path(program).name
