from __future__ import annotations

import http.client
import io
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest
from rich.console import Console
from video.sinks.results import found, named, noise, picture, result

from lmk.system.errors import OutputError, UsageError
from lmk.system.progress import Reporter
from lmk.video.controls import Controls
from lmk.video.overlay import Overlay, OverlayOptions
from lmk.video.stages import Stages

pytest.importorskip("uvicorn")

from lmk.video.sinks.web import live
from lmk.video.sinks.web.sink import web_sink
from lmk.web import connection, server
from lmk.web.server import parse_address


class Site:
    """A server that runs, and a client of it."""

    def __init__(self, stack: ExitStack, host: str = "127.0.0.1", **options: object) -> None:
        self.stages, self.controls = Stages(), Controls()
        self.said = io.StringIO()
        console = Console(file=self.said, width=200)
        opened = web_sink(
            host, 0, self.stages, self.controls, Overlay(), Reporter(console), **options
        )
        self.sink = stack.enter_context(opened)
        self.url = self.said.getvalue().split()[-1]
        self.port = urlsplit(self.url).port

    def ask(self, path: str, method: str = "GET", timeout: float = 15, **headers: str):
        """Return status, headers and body of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=names)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def raw(self, sent: bytes, receive_bytes: int = 0) -> socket.socket:
        """A viewer of another kind: what it sends is all it does."""
        viewer = socket.socket()
        if receive_bytes:
            viewer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        viewer.settimeout(10)
        viewer.connect(("127.0.0.1", self.port))
        viewer.sendall(sent)
        return viewer


@pytest.fixture
def open_site() -> Iterator[Callable[..., Site]]:
    with ExitStack() as stack:
        yield lambda *arguments, **options: Site(stack, *arguments, **options)


@pytest.fixture
def site(open_site: Callable[..., Site]) -> Site:
    return open_site()


def decoded(jpeg: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def test_a_viewer_gets_each_source_with_its_landmarks(site: Site) -> None:
    first = result(3, 0.1, picture(90, (120, 80)))
    site.sink.write(first)
    site.sink.write(result(0, 0.0, picture(200, (64, 48)), source="camera 1", objects=()))
    status, headers, jpeg = site.ask("/picture/0")
    assert (status, headers["content-type"], headers["x-number"]) == (200, "image/jpeg", "1")
    expected = Overlay()(first.frame, first.objects)
    assert np.abs(decoded(jpeg).astype(int) - expected).mean() < 3
    assert (decoded(site.ask("/picture/1")[2]).shape, expected.shape) == ((48, 64, 3), (80, 120, 3))


def test_state_holds_landmarks_rates_times_and_drops(site: Site) -> None:
    for ms in (1.0, 3.0):
        site.stages.add("model", ms)
    site.stages.drop("replaced by a newer frame", 4)
    site.sink.write(result(5, 0.25, picture(9, (120, 80)), objects=(found("cats", first_id=2),)))
    state = json.loads(site.ask("/state")[2])
    assert state["stages"] == {"model": [2.0, 2.9, 2.98]}
    assert state["dropped"] == {"replaced by a newer frame": 4}
    (source,) = state["sources"]
    assert (source["title"], source["frame"], source["size_wh"]) == ("clip", 5, [120, 80])
    assert 0 <= source["since_ms"] < 5000
    assert [(one["model"], one["id"]) for one in source["objects"]] == [("cats", 2), ("cats", 3)]
    assert source["objects"][1]["places"] == [[5.25, 6, 0.1, 1], [-7, 8, 0.25, 0.4]]
    assert len(state["colors"]) == 2


def test_state_holds_named_points_with_their_names(site: Site) -> None:
    site.sink.write(result(5, 0.25, picture(9, (120, 80)), objects=(named(), found())))
    state = json.loads(site.ask("/state")[2])
    feet, _, dots, _ = state["sources"][0]["objects"]
    assert feet["names"] == ["left_pupil", "right_pupil", "tip"]
    assert feet["places"] == [[1.5, 2, 0.71, 1], [3, 4, 0.71, 1], [5, 6, 0.71, 1]]
    assert (dots["names"], len(dots["places"])) == ([], 2)
    assert (len(state["colors"]), state["names"], state["landmarks"]) == (3, True, False)


def test_a_viewer_waits_for_the_next_frame_and_gets_the_newest(site: Site) -> None:
    site.sink.write(result(0, 0.0, picture(10)))
    number = site.ask("/picture/0")[1]["x-number"]
    later = threading.Timer(0.3, lambda: site.sink.write(result(1, 0.1, picture(50, (80, 60)))))
    start = time.monotonic()
    later.start()
    _, headers, jpeg = site.ask(f"/picture/0?after={number}")
    assert time.monotonic() - start >= 0.25
    assert decoded(jpeg).shape == (60, 80, 3)
    for index in range(5):  # while this viewer is busy with something else
        site.sink.write(result(2 + index, 0.2, picture(50, (90 + index, 60))))
    _, headers, jpeg = site.ask(f"/picture/0?after={headers['x-number']}")
    assert (headers["x-number"], decoded(jpeg).shape) == ("7", (60, 94, 3))


def test_without_a_new_frame_the_viewer_is_told_so(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "WAIT_S", 0.1)
    assert site.ask("/picture/0")[0] == 204
    site.sink.write(result(0, 0.0))
    assert site.ask("/picture/0?after=1")[0] == 204
    assert site.ask("/picture/1")[0] == 204


def test_frames_are_encoded_once_for_all_viewers_and_never_for_none(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = []
    monkeypatch.setattr(
        live,
        "cv2",
        SimpleNamespace(
            IMWRITE_JPEG_QUALITY=cv2.IMWRITE_JPEG_QUALITY,
            imencode=lambda *given: threads.append(threading.get_ident()) or cv2.imencode(*given),
        ),
    )
    for index in range(20):
        site.sink.write(result(index, 0.0, picture(index)))
    assert threads == []
    assert len({site.ask("/picture/0")[2] for _ in range(4)}) == 1
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_viewers_that_take_nothing_slow_neither_the_run_nor_others(site: Site) -> None:
    large = noise(0, (1900, 1400))  # a JPEG of megabytes: more than a connection holds
    site.sink.write(result(0, 0.0, large))
    stalled = [site.raw(get("/picture/0"), receive_bytes=2048) for _ in range(5)]
    assert len(site.ask("/picture/0")[2]) > 1_000_000
    spent = []
    for index in range(300):
        start = time.perf_counter()
        site.sink.write(result(1 + index, 0.0, large))
        spent.append(time.perf_counter() - start)
    assert np.median(spent) < 1e-3
    assert site.ask("/picture/0")[1]["x-number"] == "301"
    for viewer in stalled:
        viewer.close()
    assert site.ask("/state")[0] == 200


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="needs Linux")
def test_a_viewer_that_takes_nothing_is_dropped(
    open_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "STALLED_MS", 300)
    site = open_site()
    site.sink.write(result(0, 0.0, noise(0, (1900, 1400))))
    size = int(site.ask("/picture/0")[1]["content-length"])
    viewer = site.raw(get("/picture/0"), receive_bytes=2048)
    time.sleep(2)
    received = 0
    try:
        while part := viewer.recv(1 << 16):
            received += len(part)
    except ConnectionResetError:
        pass
    assert received < size


def test_a_viewer_that_leaves_is_forgotten(site: Site) -> None:
    site.sink.write(result(0, 0.0))
    for _ in range(10):
        site.raw(get("/picture/0?after=1")).close()  # leaves while it waits for the next frame
    site.sink.write(result(1, 0.1))
    assert site.ask("/picture/0?after=1")[1]["x-number"] == "2"


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),  # TLS
        b"\0" * 5000,
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET " + b"a" * 200_000,
        b"POST /do/pause HTTP/1.1\r\nHost: localhost\r\nContent-Length: -3\r\n\r\n",
        b"GET /%ff%00 HTTP/1.1\r\nHost: \xff\xfe\r\nCookie: \xff=;;=\r\n\r\n",
        b"GET /\r\n",  # HTTP/0.9
        b"GET / HTTP/1.1\r\nHost: localhost\r\nLong: " + b"a" * 200_000,
        b"GET /state HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n",
    ],
)
def test_garbage_ends_its_connection_and_nothing_else(
    site: Site, garbage: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    site.sink.write(result(0, 0.0))
    viewer = site.raw(b"")
    try:
        viewer.sendall(garbage)
        viewer.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: viewer.recv(4096), b""))
    except OSError:  # it hung up before all of it was sent
        answer = b""
    assert answer == b"" or answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 403"))
    assert site.ask("/picture/0")[0] == 200
    assert not site.controls.paused
    assert "failed" not in site.said.getvalue()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("key", ["x", "dGhlIHNhbXBsZSBub25jZQ=="])
def test_a_web_socket_is_answered_as_any_request(site: Site, key: str) -> None:
    headers = {"connection": "Upgrade", "upgrade": "websocket", "sec_websocket_key": key}
    assert site.ask("/", **headers)[0] == 200
    assert "failed" not in site.said.getvalue()


@pytest.mark.parametrize(
    "sent", [b"", b"GET /state HT", get("/state") + b"GET /sta", get("/state")[:-2]]
)
def test_a_connection_without_a_whole_request_is_dropped(
    open_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(connection, "REQUEST_S", 0.3)
    viewer = open_site().raw(sent)
    start = time.monotonic()
    while viewer.recv(1 << 16):  # at its end nothing comes
        pass
    assert 0.2 < time.monotonic() - start < 3


def test_a_request_that_waits_for_its_answer_is_not_dropped(
    open_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "REQUEST_S", 0.1)
    site = open_site()
    threading.Timer(0.5, lambda: site.sink.write(result(0, 0.0))).start()
    assert site.ask("/picture/0")[0] == 200


def test_connections_that_ask_for_nothing_lock_nobody_out(site: Site) -> None:
    site.sink.write(result(0, 0.0))
    idle = [site.raw(b"") for _ in range(3 * connection.MAX_CONNECTIONS)]
    assert site.ask("/picture/0")[0] == 200
    for viewer in idle:
        viewer.close()


def test_one_address_of_the_network_has_a_share_of_the_connections(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "is_local", lambda _: False)
    waiting = [site.raw(get("/picture/0")) for _ in range(connection.MAX_PER_ADDRESS)]
    time.sleep(0.3)
    with pytest.raises(OSError, match=r"reset|closed"):
        site.ask("/state")
    waiting[3].close()
    time.sleep(0.2)
    assert site.ask("/state")[0] == 200
    site.sink.write(result(0, 0.0))
    assert waiting[0].recv(12) == b"HTTP/1.1 200"


def test_all_connections_of_this_machine_share_one_limit(site: Site) -> None:
    """As those of a reverse proxy, all from one address."""
    waiting = [site.raw(get("/picture/0")) for _ in range(2 * connection.MAX_PER_ADDRESS)]
    time.sleep(0.3)
    assert site.ask("/state")[0] == 200
    site.sink.write(result(0, 0.0))
    assert {viewer.recv(12) for viewer in waiting} == {b"HTTP/1.1 200"}


def test_a_picture_that_cannot_be_made_is_reported_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.sink.write(result(0, 0.0))
    with monkeypatch.context() as broken:
        broken.setattr(live, "cv2", None)
        assert [site.ask("/picture/0")[0] for _ in range(3)] == [500] * 3
    assert site.said.getvalue().count("the page failed: AttributeError") == 1
    assert site.ask("/picture/0")[0] == 200


@pytest.mark.parametrize(
    "path", ["/picture/0?after=-1", "/picture/0?after=%D9%A3", "/picture/0?after=x"]
)
def test_a_number_that_is_none_is_refused(site: Site, path: str) -> None:
    assert site.ask(path)[0] == 400


def test_buttons_work_from_the_page_alone(site: Site) -> None:
    site.sink.write(result(0, 0.0))
    assert site.ask("/do/pause", "POST")[0] == 403  # what a page from elsewhere could send
    assert site.ask("/do/pause", x_lmk="1")[0] == 405
    assert not site.controls.paused
    assert site.ask("/do/pause", "POST", x_lmk="1")[0] == 204
    assert site.controls.paused
    assert site.ask("/do/filter", "POST", x_lmk="1")[0] == 204
    assert not site.controls.filtering
    assert site.ask("/do/stop", "POST", x_lmk="1")[0] == 404
    state = json.loads(site.ask("/state")[2])
    assert (state["paused"], state["filter"]) == (True, False)


def test_a_paused_picture_shows_at_once_what_a_button_changes(site: Site) -> None:
    frame = result(0, 0.0, picture(90, (120, 80)))
    site.sink.write(frame)
    _, headers, before = site.ask("/picture/0")
    site.ask("/do/boxes", "POST", x_lmk="1")
    _, _, after = site.ask(f"/picture/0?after={headers['x-number']}", timeout=5)
    expected = Overlay(OverlayOptions(boxes=True))(frame.frame, frame.objects)
    assert np.abs(decoded(after).astype(int) - expected).mean() < 3
    assert before != after


def test_on_this_machine_only_its_own_names_are_answered(site: Site) -> None:
    for name in ("localhost", "127.0.0.1", "127.0.0.2", f"localhost:{site.port}", "[::1]:80"):
        assert site.ask("/", host=name)[0] == 200
    for name in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "["):
        assert site.ask("/", host=name)[0] == 403
        assert site.ask("/do/pause", "POST", host=name, x_lmk="1")[0] == 403
    assert not site.controls.paused


def test_elsewhere_the_token_is_needed_and_becomes_a_cookie(
    open_site: Callable[..., Site],
) -> None:
    site = open_site("0.0.0.0")
    path = site.url.partition(f":{site.port}")[2]
    token = path.removeprefix("/?token=")
    assert len(token) >= 20
    site.sink.write(result(0, 0.0))
    for wrong in (
        "/",
        "/state",
        "/picture/0",
        "/?token=",
        f"/?token={token[:-1]}",
        "/?token=%C3%A9",
    ):
        status, _, body = site.ask(wrong)
        assert status == 403
        assert token.encode() not in body
    assert site.ask("/state", cookie=f"lmk-{site.port}=wrong")[0] == 403
    status, headers, _ = site.ask(path)
    assert (status, headers["location"]) == (303, "/")
    cookie = headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    known = {"cookie": cookie.partition(";")[0], "host": "my-jetson.local"}
    for right in ("/", "/state", "/picture/0"):
        assert site.ask(right, **known)[0] == 200


def test_two_runs_have_two_tokens(open_site: Callable[..., Site]) -> None:
    urls = {open_site("0.0.0.0").url.partition("token=")[2] for _ in range(2)}
    assert len(urls) == 2
    assert open_site("127.0.0.1", token="secret").url.endswith("/?token=secret")


def test_every_answer_forbids_what_browsers_allow_by_default(site: Site) -> None:
    for path in ("/", "/state", "/nothing"):
        headers = site.ask(path)[1]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
    policy = site.ask("/")[1]["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert policy != site.ask("/")[1]["content-security-policy"]  # a nonce serves once


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="needs IPv6")
def test_every_address_of_ipv6_is_also_every_one_of_ipv4(open_site) -> None:
    site = open_site("::", token="t")
    assert site.ask("/?token=t")[0] == 303


def test_wide_pictures_are_made_smaller(site: Site) -> None:
    site.sink.write(result(0, 0.0, picture(90, (7680, 20))))
    assert decoded(site.ask("/picture/0")[2]).shape == (5, 1920, 3)


def test_a_port_in_use_is_an_output_error(site: Site) -> None:
    opened = web_sink("127.0.0.1", site.port, Stages(), Controls(), Overlay(), Reporter())
    with pytest.raises(OutputError, match=f"port {site.port} .*in use.* or 0"), opened:
        pytest.fail("the sink opened")


def test_an_address_of_another_machine_is_an_output_error() -> None:
    opened = web_sink("192.0.2.1", 0, Stages(), Controls(), Overlay(), Reporter())
    with pytest.raises(OutputError, match=r"192\.0\.2\.1: [^(]+\. Use .* 0\.0\.0\.0$"), opened:
        pytest.fail("the sink opened")


def test_serving_others_without_a_token_is_refused() -> None:
    opened = web_sink("0.0.0.0", 0, Stages(), Controls(), Overlay(), Reporter(), token="")
    with pytest.raises(UsageError, match="needs a token"), opened:
        pytest.fail("the sink opened")


@pytest.mark.parametrize("token", ["gehéim", "ключ", "a\r\nSet-Cookie: b", "\udce9", "\x1b"])
def test_a_token_that_no_address_can_hold_is_refused(token: str) -> None:
    opened = web_sink("127.0.0.1", 0, Stages(), Controls(), Overlay(), Reporter(), token=token)
    with pytest.raises(UsageError, match="spaces and other characters of ASCII") as caught:
        opened.__enter__()
    assert token not in str(caught.value)


def test_every_sign_of_ascii_may_be_in_a_token(open_site: Callable[..., Site]) -> None:
    token = "".join(map(chr, range(32, 127)))
    site = open_site(token=token)
    path = site.url.partition(f":{site.port}")[2]
    status, headers, _ = site.ask(path)
    assert status == 303
    assert site.ask("/state", cookie=headers["set-cookie"].partition("; HttpOnly")[0])[0] == 200


@pytest.mark.parametrize(
    "given", ["%C3%A9", "%ED%B3%A9", "%FF", "%00", "\xe9".encode().decode("latin-1")]
)
def test_a_given_token_of_any_bytes_is_only_wrong(
    open_site: Callable[..., Site], given: str
) -> None:
    site = open_site(token="secret")
    viewer = site.raw(get(f"/?token={given}"))
    assert viewer.recv(12) in (b"HTTP/1.1 403", b"HTTP/1.1 400")
    assert site.ask("/", cookie=f"lmk-{site.port}={given}".encode())[0] == 403
    assert "failed" not in site.said.getvalue()


def test_the_end_of_the_run_lets_go_of_all_viewers() -> None:
    threads = threading.active_count()
    with ExitStack() as stack:
        site = Site(stack)
        site.sink.write(result(0, 0.0, noise(0, (1900, 1400))))
        waiting = site.raw(get("/picture/0?after=1"))
        stalled = site.raw(get("/picture/0"), receive_bytes=2048)
        time.sleep(0.2)
        start = time.monotonic()
    assert time.monotonic() - start < 4
    assert waiting.recv(100).startswith(b"HTTP/1.1 204")
    stalled.close()
    assert threading.active_count() == threads
    with pytest.raises(ConnectionRefusedError):
        site.ask("/")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("8000", ("127.0.0.1", 8000)),
        (":0", ("127.0.0.1", 0)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        ("[::]:8000", ("::", 8000)),
        ("jetson.local:1", ("jetson.local", 1)),
    ],
)
def test_addresses_are_host_and_port(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "localhost", "localhost:", "1:-2", "65536", "a:٣"])
def test_addresses_without_a_port_are_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError, match=r"\[HOST:\]PORT"):
        parse_address(text)
