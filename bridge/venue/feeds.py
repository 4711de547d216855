"""The websockets of market data: connections round the dialogue of `bridge.venue.data`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from starlette.websockets import WebSocket

from bridge.venue.core import Core
from bridge.venue.data.protocol import DataProtocol
from bridge.venue.data.streams import DataStreams
from bridge.venue.line import Line
from bridge.venue.switchboard import Call, Switchboard

__all__ = ["Feeds"]

_log = logging.getLogger(__name__)
_AUTHENTICATE_WITHIN = 10.0


class Feeds:
    """
    Args:
        woken: Called when somebody came or asked for something: there may be more to do from now on.
    """

    def __init__(self, streams: DataStreams, core: Core, switchboard: Switchboard, woken: Callable[[], None]) -> None:
        self._streams = streams
        self._core = core
        self._switchboard = switchboard
        self._woken = woken
        self._open: dict[DataProtocol, Call] = {}
        self._asked = asyncio.Event()

    async def listening(self, path: str, count: int) -> None:
        """Return once at least so many connections of that feed have subscribed to something."""
        while self._subscribed(path) < count:
            self._asked.clear()
            await self._asked.wait()

    def _subscribed(self, path: str) -> int:
        feed = self._streams.feed(path)
        return sum(protocol.feed is feed and any(protocol.subscriptions.values()) for protocol in self._open)

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one connection until it ends."""
        feed = self._streams.feed(websocket.scope["path"])
        if feed is None:
            await websocket.close()
            return
        if not await self._switchboard.admits(websocket, "data"):
            return
        line = Line(websocket)
        if not await line.open():
            return
        protocol = self._streams.connect(feed, websocket.headers)
        call = self._switchboard.connect("data", line, _encoded)
        self._open[protocol] = call
        patience = asyncio.get_running_loop().call_later(_AUTHENTICATE_WITHIN, self._expired, protocol)
        try:
            self._flush(protocol)
            async for message in line.messages():
                protocol.receive_data(message)
                self._flush(protocol)
                if protocol.account is not None and call.key is None:
                    self._switchboard.introduce(call, self._core.accounts[protocol.account].credential.key)
                self._woken()
                self._asked.set()
        except Exception:  # noqa: BLE001 - one client must not end the venue
            _log.exception("a connection to market data")
            line.close(1011, "internal error")
        finally:
            patience.cancel()
            del self._open[protocol]
            self._streams.closed(protocol)
            self._switchboard.disconnect(call, clean=line.clean)
            await line.gone()

    def deliver(self, now: datetime) -> datetime | None:
        """Tell all what happened by now; when there is something to tell although nothing happens."""
        for protocol in self._streams.deliver(now):
            for message in protocol.data_to_send():
                self._switchboard.send(self._open[protocol], {"message": message})
        return self._streams.next_due(now)

    def close(self, code: int, reason: str) -> None:
        """Close every connection."""
        for call in self._open.values():
            call.line.close(code, reason)

    def _expired(self, protocol: DataProtocol) -> None:
        protocol.expired()
        self._flush(protocol)

    def _flush(self, protocol: DataProtocol) -> None:
        line = self._open[protocol].line
        line.send(*protocol.data_to_send())
        if protocol.close is not None:
            line.close(protocol.close.code, protocol.close.reason)


def _encoded(data: Mapping[str, Any] | None) -> list[str | bytes]:
    """A frame of market data is a message as it stands: it has been encoded once for all."""
    return [] if data is None else [data["message"]]
