"""
Connections of the server, whatever is said on them: how many there are, how long one may dawdle, and how one is cut.

A connection that is not answered holds nothing but itself. There are at most `MOST` of them; who has not sent the whole
head of a request within twice `PATIENCE` seconds is closed, after an answered request too.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from starlette.types import Scope
from uvicorn.protocols.http.auto import AutoHTTPProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

__all__ = ["KEEP_ALIVE", "MOST", "Connection", "Websocket", "cut", "halt", "hang_up"]

_log = logging.getLogger(__name__)

MOST = 500
"""Open at once; a process may usually have 1,024 files open."""

PATIENCE = 10.0
KEEP_ALIVE = 75
"""Seconds between two requests: longer than bots pause, or the server closes just when they send the next one."""

_LARGEST_HEAD = 65_536
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: 37\r\n"
    b"connection: close\r\n\r\n" + b'{"message": "too many connections"}\r\n'
)


class Connection(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """One connection; a websocket that begins as a request takes it over."""

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: Any = None) -> None:
        super().__init__(config, server_state, app_state | {"cut": self._cut, "halt": self._halt}, _loop)
        self.access_log = False
        self._seen: object = self  # what it was busy with when it was last looked at and idled
        self._head = 0
        self._look: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        if len(self.connections) > MOST:
            transport.write(_FULL)
            transport.close()
            return
        self._seen = None
        self._look = self.loop.call_later(PATIENCE, self._looked)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._look is not None:
            self._look.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._head = 0 if self._busy() else self._head + len(data)
        if self._head > _LARGEST_HEAD:
            self._cut()

    def _busy(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _looked(self) -> None:
        if self not in self.connections:  # over, or a websocket's by now
            return
        dawdles = not self._busy() and self.timeout_keep_alive_task is None
        if dawdles and self._seen is self.cycle:
            self._cut()
            return
        self._seen = self.cycle if dawdles else self
        self._look = self.loop.call_later(PATIENCE, self._looked)

    def drop(self) -> None:
        """End it at once, unless who runs the venue waits for an answer."""
        if not (self._busy() and self.scope["path"].startswith("/_venue/")):
            self._cut()

    def _cut(self) -> None:
        self.transport.abort()

    def _halt(self, stands: bool) -> None:
        # The websocket has taken the transport over, and with it what answers pings and sends some.
        if stands:
            self.transport.pause_reading()
            silent = getattr(self.transport.get_protocol(), "stop_keepalive", None)
            if silent is not None:
                silent()
        else:
            self.transport.resume_reading()


class Websocket(WebSocketsSansIOProtocol):
    """A connection that has become a websocket; what its client does wrong ends it, and is no error of the venue."""

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: Any = None) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.logger = _log
        self.conn.debug = False  # else frames and headers are logged by who logs everything, with the secrets in them

    def data_received(self, data: bytes) -> None:
        try:
            super().data_received(data)
        except Exception:  # noqa: BLE001 - text that is none with the end right behind it, for one
            _log.debug("a websocket was cut for what it was sent", exc_info=True)
            self.transport.abort()


def _theirs(record: logging.LogRecord) -> bool:
    """Not that text of a client was none: it is closed with 1007 for that, and a log is no place for its bytes."""
    return record.exc_info is None or not isinstance(record.exc_info[1], UnicodeDecodeError)


_log.addFilter(_theirs)


def halt(scope: Scope, stands: bool) -> None:
    """Read nothing of it any more, pings and the end among them, or read on; nobody is told."""
    scope["state"]["halt"](stands)


def cut(scope: Scope) -> None:
    """End the connection of a request or a websocket at once: nothing more is sent, not even what waits."""
    scope["state"]["cut"]()


async def hang_up(scope: Scope) -> None:
    """Cut it, and return once the server knows: who returns earlier is taken for one that forgot to answer."""
    cut(scope)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
