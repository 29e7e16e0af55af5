"""A connection of the server, which a viewer cannot keep for nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from lmk.web.access import is_local

REQUEST_S = 5.0  # a connection that sends no whole request for so long is dropped
MAX_CONNECTIONS = 64
# Of one address, a browser takes six; so no machine of the network takes all of them. Those of this
# machine are not counted: they may come from a reverse proxy, and with it from any address.
MAX_PER_ADDRESS = 16


class Connection(H11Protocol):
    """Drops itself when no request arrives, and others that wait for one when there are too many.

    uvicorn limits the time between two requests, but neither that before the first one nor that of
    a request that arrives in part, and its own limit of connections refuses all viewers at once.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._idle: asyncio.TimerHandle | None = None
        self._since_s = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a viewer, in the place of one that asks for nothing if there are too many."""
        super().connection_made(transport)
        self._wait_for_request()
        others: list[Connection] = [one for one in self.connections if isinstance(one, Connection)]
        same = [one for one in others if one.address == self.address]
        if len(others) > MAX_CONNECTIONS:
            self._make_room(others)
        elif len(same) > MAX_PER_ADDRESS and not is_local(self.address):
            self._make_room(same)

    def data_received(self, data: bytes) -> None:
        """Read a part of a request; one that is no HTTP ends the connection."""
        try:
            super().data_received(data)
        except h11.ProtocolError:  # within an answer, into which no error can be written
            self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """Refuse bytes that are no HTTP; what the page answers to those before goes nowhere."""
        if self.cycle:
            self.cycle.disconnected = True
        super().send_400_response(msg)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._wait_for_request()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the viewer."""
        if self._idle:
            self._idle.cancel()
        super().connection_lost(exc)

    @property
    def address(self) -> str:
        """Where the viewer is, without its port."""
        return self.client[0].removeprefix("::ffff:") if self.client else ""

    @property
    def waits(self) -> bool:
        """Whether no request is being answered; the end of an answer may still be on its way."""
        return self.cycle is None or self.cycle.response_complete

    def _wait_for_request(self) -> None:
        if self._idle:
            self._idle.cancel()
        self._since_s = self.loop.time()
        self._idle = self.loop.call_later(REQUEST_S, self._drop_if_idle)

    def _drop_if_idle(self) -> None:
        if self.waits:
            self.transport.close()  # after what is on its way

    def _make_room(self, rivals: list[Connection]) -> None:
        """Drop the one that has waited longest for a request, or else this new one."""
        idle = [one for one in rivals if one.waits and not one.transport.get_write_buffer_size()]
        waiting = [one for one in idle if one is not self]
        longest = min(waiting, key=lambda one: one._since_s, default=self)
        longest.connections.discard(longest)  # at once: more may come before it is closed
        longest.transport.abort()
