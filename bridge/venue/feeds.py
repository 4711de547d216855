"""The websockets of market data: connections round the dialogue of `bridge.venue.data`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from starlette.websockets import WebSocket

from bridge.venue.data.protocol import DataProtocol
from bridge.venue.data.streams import DataStreams
from bridge.venue.line import Line

__all__ = ["Feeds"]

_AUTHENTICATE_WITHIN = 10.0


class Feeds:
    """
    Args:
        woken: Called when somebody came or asked for something: there may be more to do from now on.
    """

    def __init__(self, streams: DataStreams, woken: Callable[[], None]) -> None:
        self._streams = streams
        self._woken = woken
        self._open: dict[DataProtocol, Line] = {}
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
        line = Line(websocket)
        await line.open()
        protocol = self._streams.connect(feed, websocket.headers)
        self._open[protocol] = line
        patience = asyncio.get_running_loop().call_later(_AUTHENTICATE_WITHIN, self._expired, protocol)
        try:
            self._flush(protocol)
            async for message in line.messages():
                protocol.receive_data(message)
                self._flush(protocol)
                self._woken()
                self._asked.set()
        finally:
            patience.cancel()
            del self._open[protocol]
            self._streams.closed(protocol)
            await line.gone()

    def deliver(self, now: datetime) -> datetime | None:
        """Tell all what happened by now; when there is something to tell although nothing happens."""
        for protocol in self._streams.deliver(now):
            self._flush(protocol)
        return self._streams.next_due(now)

    def close(self, code: int, reason: str) -> None:
        """Close every connection."""
        for line in self._open.values():
            line.close(code, reason)

    def _expired(self, protocol: DataProtocol) -> None:
        protocol.expired()
        self._flush(protocol)

    def _flush(self, protocol: DataProtocol) -> None:
        line = self._open.get(protocol)
        if line is None:
            return
        line.send(*protocol.data_to_send())
        if protocol.close is not None:
            line.close(protocol.close.code, protocol.close.reason)
