"""
The venue as a server: HTTP and websockets round a house, in one event loop.

It holds no state of the market or of accounts. What is said to it goes into the house with the venue's time, and what
the house tells goes to whoever listens.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount, WebSocketRoute

from bridge.stream.frames import Encoding
from bridge.venue.admin import Admin
from bridge.venue.clockwork import Clockwork
from bridge.venue.core import Answer, Request
from bridge.venue.data.protocol import FEEDS
from bridge.venue.data.streams import DataStreams
from bridge.venue.feeds import Feeds
from bridge.venue.house import House
from bridge.venue.pace import Pace
from bridge.venue.requests import LARGEST_BODY, Rest
from bridge.venue.subscribers import Subscribers
from bridge.venue.trades import TradeStream
from bridge.venue.updates import Frame
from engine.clock import Clock
from engine.errors import InvalidRequest

__all__ = ["VenueServer"]

_LOOK_AGAIN = 0.001  # seconds


class VenueServer:
    """
    Args:
        token: Opens the routes under ``/_venue/``.
        encoding: How frames of the user stream are written to clients that do not ask for MessagePack.
        wall: The clock by which limits of requests run while the venue's time runs as fast as the machine's; None:
            they run on the venue's time.
    """

    def __init__(
        self,
        house: House,
        pace: Pace,
        *,
        token: str,
        encoding: Encoding = Encoding.BINARY,
        wall: Clock | None = None,
    ) -> None:
        self._house = house
        self._wall = wall
        self._ready = asyncio.Event()
        self._trades = TradeStream(house.core.authenticate, encoding=encoding)
        self._subscribers = Subscribers()
        self._feeds = Feeds(DataStreams(house.data), self._settle)
        self.clockwork = Clockwork(house, pace, self._deliver, self._feeds.deliver)
        app = Starlette(
            routes=[
                *Admin(self.clockwork, token).routes(),
                WebSocketRoute("/stream", self._trades.serve),
                WebSocketRoute("/stream/", self._trades.serve),
                *(WebSocketRoute(path, self._feeds.serve) for path in FEEDS),
                Mount("/", Rest(self.clockwork, self._handle, self._subscribers.events)),
            ]
        )
        config = uvicorn.Config(
            app,
            ws="websockets-sansio",
            ws_max_size=LARGEST_BODY,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=1,
        )
        self._server = _Server(config, self._ready)

    async def serve(self, listener: socket.socket) -> None:
        """Serve until `stop`, on a socket that is bound; it is closed at the end."""
        self.clockwork.settle()
        try:
            await self._server.serve([listener])
        finally:
            self.clockwork.stop()

    async def ready(self) -> None:
        """Return once it answers."""
        await self._ready.wait()

    async def listening(self, path: str, count: int) -> None:
        """Return once at least so many connections listen to the user stream, or to a feed of market data."""
        if path == "/stream":
            await self._trades.listening(count)
        elif path in FEEDS:
            await self._feeds.listening(path, count)
        else:
            raise InvalidRequest("path", path, f"one of /stream, {', '.join(FEEDS)}")

    def stop(self) -> None:
        """End every connection, and then `serve`."""
        self._trades.close(1001, "the venue stops")
        self._feeds.close(1001, "the venue stops")
        self._subscribers.close()
        self._server.stop()

    def _handle(self, request: Request) -> Answer:
        received = None if self._wall is None else self._wall.now()
        return self._house.handle(request, self.clockwork.now(), received=received)

    def _deliver(self, frames: list[Frame]) -> None:
        self._trades.deliver(frames)
        self._subscribers.deliver(frames)

    def _settle(self) -> None:
        self.clockwork.settle()


class _Server(uvicorn.Server):
    """Says when it listens, ends at once when it is told to, and leaves signals to whoever runs it."""

    def __init__(self, config: uvicorn.Config, ready: asyncio.Event) -> None:
        super().__init__(config)
        self._listens = ready
        self._told = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listens.set()

    def stop(self) -> None:
        self.should_exit = True
        self._told.set()

    # uvicorn looks every tenth of a second whether it should end, and as often whether it has; a suite with a venue for
    # every test would wait for that more than for all else.

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._told.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        state = self.server_state
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(state.connections):
            connection.shutdown()
        with suppress(TimeoutError):
            async with asyncio.timeout(self.config.timeout_graceful_shutdown):
                while state.connections or state.tasks:
                    await asyncio.sleep(_LOOK_AGAIN)
        for task in state.tasks:
            task.cancel()
