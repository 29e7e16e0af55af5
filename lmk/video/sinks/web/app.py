"""The routes of the server: the page, its pictures, its figures and its buttons."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from lmk.video.controls import Controls
from lmk.video.sinks.web.live import Live, colors
from lmk.video.stages import Stages
from lmk.web.guard import page_response, refused

STATE_S = 0.2  # figures are computed so often at most, however many look


def make_app(live: Live, stages: Stages, controls: Controls) -> ASGIApp:
    """Build the server's application."""
    site = _Site(live, stages, controls)
    routes = [
        Route("/", site.page),
        Route("/picture/{source:int}", site.picture),
        Route("/state", site.state),
        Route("/do/{action}", site.do, methods=["POST"]),
    ]
    return Starlette(routes=routes)


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
        return page_response(self._html)

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
        if answer := refused(request):
            return answer
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
