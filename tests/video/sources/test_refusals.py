"""Why streams do not open, with servers on loopback that refuse in every way."""

from __future__ import annotations

import http.server
import socket
import threading
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from video.sources.servers import free_port

from lmk.system.errors import SourceError
from lmk.video.sources import refusals
from lmk.video.sources.open import open_source
from lmk.video.sources.refusals import refusal

PAGE = b"<html><body>Please log in</body></html>" * 40


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers /CODE with that code, and everything with a page."""

    def do_GET(self) -> None:
        code = int(self.path[1:4]) if self.path[1:4].isdigit() else 200
        self.send_response(code)
        self.send_header("Content-Type", "text/html")
        if self.path != "/endless":
            self.send_header("Content-Length", str(len(PAGE)))
        if code == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="camera"')
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(10)


@contextmanager
def rtsp_server(status: str) -> Iterator[str]:
    """Answer DESCRIBE with a status, on one connection after another."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as lines:
                method = b""
                for line in lines:
                    method = method or line.split()[0]
                    if line.lower().startswith(b"cseq"):
                        number = line.strip()
                    if not line.strip():
                        answer = b"200 OK" if method == b"OPTIONS" else status.encode()
                        asks = b'WWW-Authenticate: Basic realm="camera"\r\n'
                        connection.sendall(b"RTSP/1.0 %s\r\n%s\r\n%s\r\n" % (answer, number, asks))
                        method = b""

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(10)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("401", "asks for a user and password (401): put USER:PASSWORD@ before the host"),
        ("403", "forbids the request (403)"),
        ("404", "has nothing at this path (404)"),
        ("410", "refuses the request (4xx)"),
        ("429", "refuses the request (4xx)"),
        ("503", "has an error of its own (5xx)"),
        ("page", "answers, but not with a video: expected the address of the stream itself, not"),
        ("endless", "breaks off without a video: expected the address of the stream itself, not"),
    ],
)
def test_web_servers_refuse_in_different_ways(web: str, path: str, words: str) -> None:
    assert (refusal(f"http://{web}/{path}") or "").startswith(words)


def test_a_wrong_password_is_told_without_it(web: str) -> None:
    with pytest.raises(SourceError) as caught:
        open_source(f"http://user:hidden@{web}/401?token=hidden")
    assert str(caught.value) == (
        f"stream http://***@{web}/401?*** refuses the user or password (401): correct them; in "
        "user and password write @ as %40, # as %23, / as %2F, ? as %3F"
    )
    chain = [caught.value.__cause__, caught.value.__suppress_context__]
    assert chain == [None, True]  # a traceback would print the URL


def test_a_fragment_is_pointed_out(web: str) -> None:
    assert "a # begins a fragment" not in (refusal(f"http://{web}/live?p=a%23b") or "")
    said = refusal(f"http://{web}/live?p=a#b")
    assert said
    assert said.endswith("; a # begins a fragment, which servers do not see: write it as %23")
    said = refusal(f"http://user:a#b@{web}/live")
    assert said
    assert said.startswith("is not a valid address: check the port; in user and password write @")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("401 Unauthorized", "refuses the user or password"),
        ("404 Not Found", "has nothing at this path"),
        ("454 Session Not Found", "refuses the request"),
    ],
)
def test_rtsp_servers_refuse_in_different_ways(status: str, words: str) -> None:
    with rtsp_server(status) as place, pytest.raises(SourceError) as caught:
        open_source(f"rtsp://user:hidden@{place}/live")
    assert str(caught.value).startswith(f"stream rtsp://***@{place}/live {words}")


def test_a_port_where_nobody_listens_refuses_the_connection() -> None:
    said = refusal(f"http://127.0.0.1:{free_port()}/live")
    assert said == "refuses the connection: check the port, and that the server runs"


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_a_server_that_never_answers_is_told(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setattr(refusals, "PATIENCE_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        said = refusal(f"{scheme}://127.0.0.1:{mute.getsockname()[1]}/live")
    assert said == "does not answer: check host, port, network and firewall"


def test_an_unknown_host_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a domain that never exists."""
    said = refusal("rtsp://camera.invalid/live")
    assert said == "has an unknown host: check its spelling, and the network"


def test_an_unknown_protocol_is_told() -> None:
    assert (refusal("foo://host/live") or "").startswith("has a protocol that this FFmpeg lacks")


def test_a_video_that_opens_has_no_refusal(clip: Path) -> None:
    assert refusal(clip.as_uri()) is None


def test_sound_alone_is_told(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(16000))
    assert refusal(path.as_uri()) == "has no video, perhaps only sound"
