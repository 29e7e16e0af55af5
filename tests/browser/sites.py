"""Sites for tests, exported and served."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

PACKAGES = Path(__file__).parent / "node_modules"
RUNTIME = PACKAGES / "onnxruntime-web"
needs_packages = pytest.mark.skipif(
    not PACKAGES.is_dir() and not os.environ.get("LMK_REQUIRE_BROWSER"),
    reason="needs the npm packages of tests/browser: npm ci --prefix tests/browser",
)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def plain_server(folder: Path) -> Iterator[str]:
    """A server of static files that knows nothing of lmk."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
