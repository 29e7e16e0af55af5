"""The routes of the server: the page, its pictures, and the points that it sends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from lmk.annotating.session import Session
from lmk.system.errors import DataError, LmkError
from lmk.system.schema import Number, parse_json, read_as
from lmk.web.guard import page_response, refused

MOST_BYTES = 100_000  # of the points of a picture


@dataclass(frozen=True)
class Sent:
    """What the page sends of a picture: a place, "hidden" or nothing for each point."""

    marks: Annotated[list[tuple[Number, Number] | Literal["hidden"] | None], Meta(max_length=1000)]
    skipped: bool = False


def make_app(session: Session) -> ASGIApp:
    """Build the server's application."""
    site = _Site(session)
    routes = [
        Route("/", site.page),
        Route("/state", site.state),
        Route("/next", site.next),
        Route("/earlier", site.earlier),
        Route("/task/{number:int}", site.task),
        Route("/picture/{number:int}", site.picture),
        Route("/points/{number:int}", site.points, methods=["POST"]),
        Route("/finish", site.finish, methods=["POST"]),
    ]
    return Starlette(routes=routes)


class _Site:
    """What takes time runs in threads, so that the others are answered meanwhile."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._html = Path(__file__).with_name("page.html").read_text(encoding="utf-8")

    async def page(self, _: Request) -> Response:
        return page_response(self._html)

    async def state(self, _: Request) -> Response:
        return JSONResponse(self._session.state())

    async def next(self, request: Request) -> Response:
        """The number of the next picture, another than `after`."""
        after = request.query_params.get("after", "")
        number = int(after) if after.isascii() and after.isdecimal() and len(after) < 9 else None
        return JSONResponse({"number": await run_in_threadpool(self._session.next, number)})

    async def earlier(self, _: Request) -> Response:
        """The numbers of the pictures to go back to."""
        return JSONResponse(self._session.earlier())

    async def task(self, request: Request) -> Response:
        return await self._of_picture(request, lambda n: JSONResponse(self._session.task(n)))

    async def picture(self, request: Request) -> Response:
        def jpeg(number: int) -> Response:
            shown = self._session.gallery.read(number)
            return Response(shown.jpeg, media_type="image/jpeg")

        return await self._of_picture(request, jpeg)

    async def points(self, request: Request) -> Response:
        """Save what the page sent."""
        if answer := refused(request):
            return answer
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > MOST_BYTES:
                return PlainTextResponse("too many points", 413)
        try:
            sent = read_as(Sent, parse_json(body.decode()))
        except ValueError as error:
            return PlainTextResponse(f"not points: {error}", 400)

        def put(number: int) -> Response:
            self._session.put(number, sent.marks, sent.skipped)
            return JSONResponse(self._session.state())

        return await self._of_picture(request, put)

    async def finish(self, request: Request) -> Response:
        if answer := refused(request):
            return answer
        self._session.finished.set()
        return Response(status_code=204)

    async def _of_picture(self, request: Request, answer: Callable[[int], Response]) -> Response:
        number: Any = request.path_params["number"]
        if number >= len(self._session.gallery):
            return PlainTextResponse("no such picture", 404)
        try:
            return await run_in_threadpool(answer, number)
        except DataError as error:  # shown in the page
            return PlainTextResponse(str(error), 422)
        except LmkError as error:  # such as a full disk: the page tries again
            return PlainTextResponse(str(error), 503)
