"""The routes of the server: the page, its pictures, its figures and its buttons."""

from __future__ import annotations

import secrets
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lmk.system.progress import Reporter
from lmk.video.controls import Controls
from lmk.video.sinks.web.access import Access
from lmk.video.sinks.web.live import Live, colors
from lmk.video.stages import Stages

STATE_S = 0.2  # figures are computed so often at most, however many look
OUR_HEADER = "x-lmk"  # which no page from elsewhere can send along
HEADERS = {
    "cache-control": "no-store",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def make_app(
    live: Live, stages: Stages, controls: Controls, access: Access, report: Reporter
) -> ASGIApp:
    """Build the server's application; the first failed answer is reported."""
    site = _Site(live, stages, controls)
    routes = [
        Route("/", site.page),
        Route("/picture/{source:int}", site.picture),
        Route("/state", site.state),
        Route("/do/{action}", site.do, methods=["POST"]),
    ]
    return _Guard(Starlette(routes=routes), access, report)


class _Site:
    def __init__(self, live: Live, stages: Stages, controls: Controls) -> None:
        self._live, self._stages, self._controls = live, stages, controls
        self._html = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
        self._state: dict[str, Any] = {}
        self._state_until = 0.0
        self._actions = {
            "pause": controls.toggle_pause,
            "step": controls.step,
            "filter": self._toggle_filter,
        }

    async def page(self, _: Request) -> Response:
        nonce = secrets.token_urlsafe(16)
        policy = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
            "img-src blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'"
        )
        html = self._html.replace("{{nonce}}", nonce)
        return HTMLResponse(html, headers={"content-security-policy": policy})

    async def picture(self, request: Request) -> Response:
        """The newest JPEG of a source, as soon as its number differs from `after`; else 204."""
        after = request.query_params.get("after", "0")
        if not (after.isascii() and after.isdecimal() and len(after) < 20):
            return PlainTextResponse("after: expected a number", 400)
        found = await self._live.picture(request.path_params["source"], int(after))
        if found is None:
            return Response(status_code=204)
        number, jpeg = found
        return Response(jpeg, media_type="image/jpeg", headers={"x-number": str(number)})

    async def state(self, _: Request) -> Response:
        if time.monotonic() >= self._state_until:
            self._state, self._state_until = self._look(), time.monotonic() + STATE_S
        return JSONResponse(self._state)

    async def do(self, request: Request) -> Response:
        """Do what a button says."""
        action = request.path_params["action"]
        if OUR_HEADER not in request.headers:
            return PlainTextResponse("only the page of lmk may do this", 403)
        if action in asdict(self._live.options):
            self._live.toggle(action)
        elif action in self._actions:
            self._actions[action]()
        else:
            return PlainTextResponse(f"unknown action: {action}", 404)
        self._state_until = 0.0
        return Response(status_code=204)

    def _look(self) -> dict[str, Any]:
        sources = self._live.sources()
        counts = [len(one["places"]) for source in sources for one in source["objects"]]
        stages = self._stages
        return {
            "fps": round(stages.fps, 1),
            "frames": stages.frames,
            "stages": {
                stage: [round(ms, 2) for ms in asdict(spread).values()]
                for stage, spread in stages.spread().items()
            },
            "dropped": dict(sorted(stages.dropped.items())),
            "paused": self._controls.paused,
            "filter": self._controls.filtering,
            **asdict(self._live.options),
            "colors": colors(max(counts, default=0)),
            "sources": sources,
        }

    def _toggle_filter(self) -> None:
        self._controls.filtering = not self._controls.filtering


class _Guard:
    """Answers only requests with access, and adds security headers."""

    def __init__(self, app: ASGIApp, access: Access, report: Reporter) -> None:
        self._app, self._access, self._report = app, access, report
        self._failed = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                ours = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message.get("headers", []), *ours]
            await send(message)

        try:
            await self._answer(Request(scope))(scope, receive, send_safely)
        except Exception as error:
            if not self._failed:
                self._report.warn(f"the page failed: {type(error).__name__}: {error}")
            self._failed = True
            raise

    def _answer(self, request: Request) -> ASGIApp:
        if self._access.allows(request):
            return self._app
        if self._access.brings_token(request):
            # Into a cookie, and out of the address, which people share and browsers keep.
            answer = Response(status_code=303, headers={"location": "/"})
            token, name = self._access.token, self._access.cookie
            answer.set_cookie(name, token, httponly=True, samesite="lax")
            return answer
        text = "No access: open the full address that lmk printed at its start."
        return PlainTextResponse(text, 403)
