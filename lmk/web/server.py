"""A server of pages, in a thread of its own."""

from __future__ import annotations

import asyncio
import errno
import re
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import uvicorn
from starlette.types import ASGIApp

from lmk.system.errors import LmkError, OutputError, UsageError
from lmk.system.progress import Reporter
from lmk.web.access import Access, is_local
from lmk.web.connection import Connection
from lmk.web.guard import Guard

LOCALHOST = "127.0.0.1"
STALLED_MS = 20_000  # a viewer that takes nothing for so long is dropped
START_S, STOP_S = 10.0, 3.0
TOKEN = re.compile("[ -~]*")  # what a cookie can hold, quoted


def parse_address(text: str) -> tuple[str, int]:
    """Read `[HOST:]PORT`, as 8000, 0.0.0.0:8000 or [::]:8000. Raises UsageError."""
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdecimal() and int(port) < 1 << 16):
        raise UsageError(f"expected --serve [HOST:]PORT with a port from 0 to 65535, got {text}")
    return host.strip("[]") or LOCALHOST, int(port)


@contextmanager
def serving(
    app: ASGIApp, host: str, port: int, report: Reporter, token: str | None = None
) -> Iterator[str]:
    """Serve an application's pages, and give their address.

    host, port: where to listen; port 0 selects a free one. token: required from viewers on other
    machines; without one a new one is made, unless `host` is this machine only. The first failed
    answer is reported. Raises UsageError for a token that an address cannot hold, OutputError when
    the address cannot be used, and UnavailableError without Starlette and uvicorn.
    """
    token = _token(host, token)
    listening = _listen(host, port)
    access = Access(token, listening.getsockname()[1])
    server = _Server(Guard(app, access, report), listening)
    server.start()
    try:
        yield _address(host, access)
    finally:
        server.stop()


class _Server:
    def __init__(self, app: object, listening: socket.socket) -> None:
        config = uvicorn.Config(
            app,  # type: ignore[arg-type]
            http=Connection,
            loop="asyncio",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level="critical",  # wrong requests of viewers do not concern the user of the run
            timeout_graceful_shutdown=1,
            server_header=False,
        )
        self._server, self._listening = uvicorn.Server(config), listening
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def start(self) -> None:
        self._thread.start()
        deadline = time.monotonic() + START_S
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise LmkError("the page's server did not start")
            time.sleep(0.005)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(STOP_S)
        self._listening.close()

    def _serve(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._listening]))


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == "::" and socket.has_dualstack_ipv6()  # every address, as 0.0.0.0 has all of IPv4
    try:
        listening = socket.create_server((host, port), family=family, dualstack_ipv6=both)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            remedy = "it is in use. Choose another port, or 0 for any free port"
        else:
            reason = str(error.strerror or error).partition(" (while")[0]  # it repeats the address
            remedy = f"{reason}. Use an address of this machine, or 0.0.0.0"
        raise OutputError(f"cannot serve on port {port} of {host}: {remedy}") from error
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; connections inherit it
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALLED_MS)
    return listening


def _token(host: str, given: str | None) -> str:
    if given is None:
        return "" if is_local(host) else secrets.token_urlsafe(16)
    if not TOKEN.fullmatch(given):
        raise UsageError(
            "--token: expected letters, digits, spaces and other characters of ASCII, which a "
            "cookie can hold, got others"
        )
    if not given and not is_local(host):
        raise UsageError(
            f"serving on {host} needs a token: without one, everybody on the network has access"
        )
    return given


def _address(host: str, access: Access) -> str:
    everywhere = host in ("0.0.0.0", "::")
    name = _own_address() if everywhere else host
    shown = f"[{name}]" if ":" in name else name
    query = f"?token={quote(access.token)}" if access.token else ""
    return f"http://{shown}:{access.port}/{query}"


def _own_address() -> str:
    """Return this machine's address on its default network; sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1, RFC 5737
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()
