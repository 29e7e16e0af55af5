"""Serve a site on this machine, isolated as threads of WebAssembly require."""

from __future__ import annotations

import webbrowser
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from lmk.browser.write_site import ISOLATED
from lmk.system.interrupt import stop_on_signals
from lmk.system.progress import Reporter
from lmk.web.server import LOCALHOST, serving

POLL_S = 0.2


def site_app(site: Path, more: Sequence[BaseRoute] = ()) -> Starlette:
    """An application with the files of a site, and with further routes, which come first."""
    files = Mount("/", StaticFiles(directory=site, html=True))
    return Starlette(
        routes=[*more, files], middleware=[Middleware(BaseHTTPMiddleware, dispatch=_isolate)]
    )


async def _isolate(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    answer = await call_next(request)
    answer.headers.update(ISOLATED)
    return answer


def serve_site(site: Path, report: Reporter) -> None:
    """Serve a site on this machine only, and open it in a browser, until the user ends it.

    Raises OutputError where it cannot listen.
    """
    with serving(site_app(site), LOCALHOST, 0, report) as address, stop_on_signals() as stop:
        report.say(f"the page is at {address} ; Ctrl+C ends it")
        webbrowser.open(address)
        while not stop.wait(POLL_S):
            pass
