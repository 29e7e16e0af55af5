"""Access to the page: all users of this machine; from other machines, those with the token."""

from __future__ import annotations

import hmac
import ipaddress
import re
from dataclasses import dataclass

from starlette.requests import HTTPConnection


@dataclass(frozen=True)
class Access:
    """The access rule of one server.

    token: "" if it listens on this machine only. It then requires a local host name in the request,
    which refuses pages of other sites whose name points to 127.0.0.1 (DNS rebinding). With a token
    this check is not needed, because the cookie that holds it belongs to one name.
    """

    token: str
    port: int

    @property
    def cookie(self) -> str:
        """Name of the cookie, one per port, because cookies are shared between ports."""
        return f"lmk-{self.port}"

    def allows(self, request: HTTPConnection) -> bool:
        """Whether a request has access."""
        if not self.token:
            name = re.sub(r":\d*$", "", request.headers.get("host", ""))
            return is_local(name.lower().strip("[]"))
        return self._is_token(request.cookies.get(self.cookie, ""))

    def brings_token(self, request: HTTPConnection) -> bool:
        """Whether the address contains the token, as the printed one does."""
        return bool(self.token) and self._is_token(request.query_params.get("token", ""))

    def _is_token(self, given: str) -> bool:
        # In constant time; what is no text is not the token either.
        return hmac.compare_digest(given.encode(errors="replace"), self.token.encode())


def is_local(host: str) -> bool:
    """Whether an address can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
