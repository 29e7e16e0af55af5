"""Streams of real servers on loopback, which are killed, restarted and stopped."""

from __future__ import annotations

import itertools
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from video.sources.reports import KeptReports
from video.sources.servers import free_port, http_server, udp_sender

from lmk.system.errors import SourceError
from lmk.video.sources.base import Source
from lmk.video.sources.open import open_source

LONG_S = 30.0


def open_when_there(url: str, report: KeptReports) -> Source:
    """Open a stream whose server is just starting."""
    end = time.monotonic() + LONG_S
    while True:
        try:
            return open_source(url, report)
        except SourceError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def check_sequence(frames: list) -> None:
    assert [frame.index for frame in frames] == list(range(len(frames)))
    assert all(a.time_s < b.time_s for a, b in itertools.pairwise(frames))
    assert all(frame.image_bgr.shape == (64, 96, 3) for frame in frames)


def test_a_server_that_is_killed_and_restarted_is_survived() -> None:
    port, report = free_port(), KeptReports()
    with (
        http_server(port) as server,
        open_when_there(f"http://user:secret@127.0.0.1:{port}/live?token=secret", report) as source,
    ):
        assert (source.live, source.size_wh) == (True, (96, 64))
        stream = iter(source)
        frames = list(itertools.islice(stream, 10))
        server.kill()
        server.wait()
        with http_server(port):
            while not report.returns:
                frames.append(next(stream))
            frames += itertools.islice(stream, 10)
    check_sequence(frames)
    title = f"stream http://***@127.0.0.1:{port}/live?***"
    (loss,), (back,) = report.losses, report.returns
    assert loss == f"{title} delivers no more frames: trying to reopen it"
    assert back.startswith(f"{title} is back after ")
    assert back.endswith(" s (lost once so far)")


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs SIGSTOP")
def test_a_stream_that_stalls_is_noticed_in_two_seconds_and_comes_back() -> None:
    port, report = free_port(socket.SOCK_DGRAM), KeptReports()
    with udp_sender(port) as sender, open_source(f"udp://127.0.0.1:{port}", report) as source:
        stream = iter(source)
        frames = list(itertools.islice(stream, 10))
        sender.send_signal(signal.SIGSTOP)
        stalled = time.perf_counter()
        go_on = threading.Timer(4.0, sender.send_signal, [signal.SIGCONT])
        go_on.start()
        while not report.returns:
            frames.append(next(stream))
        frames += itertools.islice(stream, 5)
        go_on.join()
    check_sequence(frames)
    assert 1.9 < report.lost_at - stalled < 3.5
    assert len(report.losses) == len(report.returns) == 1


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs SIGSTOP")
def test_closing_ends_a_read_that_waits() -> None:
    port = free_port(socket.SOCK_DGRAM)
    with udp_sender(port) as sender, open_source(f"udp://127.0.0.1:{port}") as source:
        reader = threading.Thread(target=lambda: [None for _ in source])
        reader.start()
        time.sleep(0.3)
        sender.send_signal(signal.SIGSTOP)
        time.sleep(0.3)
        source.close()
        reader.join(4)
        assert not reader.is_alive()


@contextmanager
def ending(process: subprocess.Popen[str]) -> Iterator[None]:
    """Kill a process that hangs, so that the test fails instead of hanging too."""
    timer = threading.Timer(LONG_S, process.kill)
    timer.start()
    yield
    timer.cancel()


READ_UNTIL_LOST = """
import sys, time
from lmk.system.progress import Reporter
from lmk.video.sources.open import open_source

class Lost(Exception):
    pass

class Closing(Reporter):
    def warn(self, message):
        super().warn(message)
        raise Lost

while True:
    try:
        source = open_source(sys.argv[1], Closing())
        break
    except Exception as error:
        print(error, file=sys.stderr)
        time.sleep(0.1)
print(source.title)
try:
    for frame in source:
        print(frame.index, flush=True)
except Lost:
    print("lost")
"""


def test_nothing_that_is_printed_holds_a_secret() -> None:
    """Neither by lmk nor by the libraries below it, in a process that has used none of them."""
    port = free_port()
    url = f"http://user:secret@127.0.0.1:{port}/live?token=secret"
    command = [sys.executable, "-c", READ_UNTIL_LOST, url]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as reader, ending(reader):
        printed = reader.stderr.readline()  # there is no server yet
        with http_server(port):
            printed += "".join(reader.stdout.readline() for _ in range(4))
        printed += "".join(reader.communicate(timeout=LONG_S))
    for words in ("refuses the connection", "\n0\n1\n2\n", "\nlost\n", "no more frames"):
        assert words in printed
    assert "secret" not in printed
