"""What guards every page: access, security headers, and a policy that runs only its own code."""

from __future__ import annotations

import secrets

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lmk.system.progress import Reporter
from lmk.web.access import Access

OUR_HEADER = "x-lmk"  # which no page from elsewhere can send along
HEADERS = {
    "cache-control": "no-store",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def page_response(html: str) -> HTMLResponse:
    """A page whose scripts and styles are those with the nonce, which "{{nonce}}" stands for."""
    nonce = secrets.token_urlsafe(16)
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
        "img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    html = html.replace("{{nonce}}", nonce)
    return HTMLResponse(html, headers={"content-security-policy": policy})


def refused(request: Request) -> Response | None:
    """The answer to a request that would change something and does not come from our page."""
    if OUR_HEADER in request.headers:
        return None
    return PlainTextResponse("only the page of lmk may do this", 403)


class Guard:
    """Answers only requests with access, and adds security headers."""

    def __init__(self, app: ASGIApp, access: Access, report: Reporter) -> None:
        self._app, self._access, self._report = app, access, report
        self._failed = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

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
