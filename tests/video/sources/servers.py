"""Video servers on loopback: real ffmpeg processes."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

PATTERN = ("-re", "-f", "lavfi", "-i", "testsrc=size=96x64:rate=25")
MPEG_TS = ("-c:v", "mpeg2video", "-g", "5", "-f", "mpegts")


def find_ffmpeg() -> str:
    """Return the path of ffmpeg; skips where there is none."""
    found = shutil.which("ffmpeg")
    if found:
        return found
    package = pytest.importorskip("imageio_ffmpeg", reason="needs ffmpeg, which is not here")
    try:
        return package.get_ffmpeg_exe()
    except RuntimeError:
        return pytest.skip("needs ffmpeg, which is not here")


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def ffmpeg(*arguments: str, stdout: int = subprocess.DEVNULL) -> Iterator[subprocess.Popen[bytes]]:
    """Run ffmpeg until the end of the block."""
    command = [find_ffmpeg(), "-hide_banner", "-loglevel", "error", *arguments]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def http_server(port: int) -> contextmanager:
    """Serve MPEG-TS to the first that connects; ends when that one leaves."""
    return ffmpeg(*PATTERN, *MPEG_TS, "-listen", "1", f"http://127.0.0.1:{port}/live")


def udp_sender(port: int) -> contextmanager:
    return ffmpeg(*PATTERN, *MPEG_TS, f"udp://127.0.0.1:{port}")
