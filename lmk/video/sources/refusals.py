"""Why a URL does not open, of which OpenCV says nothing."""

from __future__ import annotations

import errno
import socket
import time
from urllib.parse import urlsplit

from lmk.system.errors import missing_extra

try:
    import av
except ImportError as missing:
    raise missing_extra("av", "run") from missing

PATIENCE_S = 4.0
ESCAPES = "in user and password write @ as %40, # as %23, / as %2F, ? as %3F"
BREAKS_OFF = (
    "breaks off without a video: expected the address of the stream itself, not of a page for "
    "browsers, and https only if the server has it"
)
# The first that fits.
REFUSALS: dict[type[Exception], str] = {
    av.error.HTTPForbiddenError: "forbids the request (403): check the user's rights or the token",
    av.error.HTTPNotFoundError: "has nothing at this path (404): check what follows the host",
    av.error.HTTPClientError: "refuses the request (4xx): check the address",
    av.error.HTTPServerError: "has an error of its own (5xx): check that the stream is running",
    ConnectionRefusedError: "refuses the connection: check the port, and that the server runs",
    ConnectionError: BREAKS_OFF,
    av.error.ProtocolNotFoundError: "has a protocol that this FFmpeg lacks: expected one such as "
    "http, rtsp, rtmp or udp",
    av.error.ArgumentError: f"is not a valid address: check the port; {ESCAPES}",
    av.error.InvalidDataError: "answers, but not with a video: expected the address of the stream "
    "itself, not of a page for browsers",
}
UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN}


def refusal(url: str) -> str | None:
    """Open a URL once more with PyAV, and return what is wrong and what to do about it.

    Returns None if that is unknown, or nothing is wrong. Takes 4 s at most, and says nothing of the
    URL, which may hold a password.
    """
    start = time.perf_counter()
    try:
        with av.open(url, timeout=PATIENCE_S) as opened:
            return None if opened.streams.video else "has no video, perhaps only sound"
    except (av.FFmpegError, OSError, ValueError) as error:
        patient = time.perf_counter() - start < PATIENCE_S
        words = _words(error, url) if patient else None
    if not patient:
        words = "does not answer: check host, port, network and firewall"
    if words and "#" in url:
        words += "; a # begins a fragment, which servers do not see: write it as %23"
    return words


def _words(error: Exception, url: str) -> str | None:
    if isinstance(error, av.error.HTTPUnauthorizedError):
        if "@" in url:
            return f"refuses the user or password (401): correct them; {ESCAPES}"
        return "asks for a user and password (401): put USER:PASSWORD@ before the host"
    if isinstance(error, OSError) and error.errno in UNREACHABLE:
        return "cannot be reached: check host, network and firewall"
    if isinstance(error, OSError) and error.errno == errno.EIO:
        unknown = "has an unknown host: check its spelling, and the network"
        return BREAKS_OFF if _has_host(url) else unknown
    return next((words for kind, words in REFUSALS.items() if isinstance(error, kind)), None)


def _has_host(url: str) -> bool:
    """Whether the system knows the address of the host."""
    try:
        socket.getaddrinfo(urlsplit(url).hostname, None)
    except (OSError, ValueError):
        return False
    return True
