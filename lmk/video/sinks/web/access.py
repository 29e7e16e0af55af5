"""Who may look: everybody on this machine, elsewhere who has the token."""

from __future__ import annotations

import hmac
import ipaddress
import re
from dataclasses import dataclass

from starlette.requests import HTTPConnection


@dataclass(frozen=True)
class Access:
    """The rule of one server.

    token: "" when it listens on this machine alone. Then it asks that browsers call it by a local
    name: a page from elsewhere whose name was pointed at 127.0.0.1 (DNS rebinding) does not. With a
    token no such check is needed, for the cookie that holds it belongs to one name.
    """

    token: str
    port: int

    @property
    def cookie(self) -> str:
        """Name of the cookie, one a port, for browsers do not tell ports apart."""
        return f"lmk-{self.port}"

    def allows(self, request: HTTPConnection) -> bool:
        """Whether a request comes from somebody who may look."""
        if not self.token:
            name = re.sub(r":\d*$", "", request.headers.get("host", ""))
            return is_local(name.lower().strip("[]"))
        return self._is_token(request.cookies.get(self.cookie, ""))

    def brings_token(self, request: HTTPConnection) -> bool:
        """Whether the address holds the token, as the one that is printed does."""
        return bool(self.token) and self._is_token(request.query_params.get("token", ""))

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.token.encode())  # in constant time


def is_local(host: str) -> bool:
    """Whether only programs on this machine reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
