"""
The venue as a server: HTTP and websockets round a house, in one event loop.

It holds no state of the market or of accounts. What is said to it goes into the house with the venue's time, and what
the house tells goes to whoever listens.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import datetime

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from websockets.exceptions import InvalidState

from bridge.stream.frames import Encoding
from bridge.venue.core import Answer, Request
from bridge.venue.data.protocol import FEEDS
from bridge.venue.data.streams import DataStreams
from bridge.venue.house import House
from bridge.venue.serving.admin import Admin
from bridge.venue.serving.clockwork import Clockwork
from bridge.venue.serving.connections import KEEP_ALIVE, Connection, Websocket, hang_up
from bridge.venue.serving.feeds import Feeds
from bridge.venue.serving.local import LocalOnly
from bridge.venue.serving.pace import Pace
from bridge.venue.serving.requests import LARGEST_BODY, Rest
from bridge.venue.serving.subscribers import Subscribers
from bridge.venue.serving.switchboard import Switchboard
from bridge.venue.serving.trades import TradeStream
from bridge.venue.updates import Frame
from engine.clock import Clock
from engine.errors import InvalidRequest

__all__ = ["VenueServer"]

_ANSWERED_WITHIN = 1.0
_CLOSED_WITHIN = 0.5
_LOOK_AGAIN = 0.001  # seconds


class VenueServer:
    """
    Args:
        token: Opens the routes under ``/_venue/``.
        encoding: How frames of the user stream are written to clients that do not ask for MessagePack.
        wall: The clock by which limits of requests run while the venue's time runs as fast as the machine's; None:
            they run on the venue's time.
        local: It listens on loopback: refuse what a web page had a browser send.
    """

    def __init__(
        self,
        house: House,
        pace: Pace,
        *,
        token: str,
        encoding: Encoding = Encoding.BINARY,
        wall: Clock | None = None,
        local: bool = True,
    ) -> None:
        self._house = house
        self._wall = wall
        self._ready = asyncio.Event()
        self._switchboard = Switchboard(lambda: house.faults, lambda: self.clockwork.now(), self._wake, self._cut_all)
        self._trades = TradeStream(house.core, self._switchboard, encoding=encoding)
        self._subscribers = Subscribers(house.core, self._switchboard)
        self._feeds = Feeds(DataStreams(house.data), house.core, self._switchboard, self._settle)
        self.clockwork = Clockwork(house, pace, self._deliver, self._tell)
        rest = Rest(self.clockwork, self._handle, self._subscribers)
        routes = Starlette(
            routes=[
                *Admin(self.clockwork, token).routes(),
                WebSocketRoute("/stream", self._trades.serve),
                WebSocketRoute("/stream/", self._trades.serve),
                *(WebSocketRoute(path, self._feeds.serve) for path in FEEDS),
                Mount("/", rest),
            ]
        )
        app = _Entrance(rest, routes)
        config = uvicorn.Config(
            LocalOnly(app) if local else app,
            http=Connection,
            ws=Websocket,
            ws_max_size=LARGEST_BODY,
            ws_per_message_deflate=False,
            lifespan="off",
            proxy_headers=False,
            log_config=None,  # whoever runs it has their own
            server_header=False,
            date_header=False,
            timeout_keep_alive=KEEP_ALIVE,
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

    def _tell(self, now: datetime) -> datetime | None:
        self._switchboard.act(self._house.fallen())
        late = self._switchboard.flush(now)
        more = self._feeds.deliver(now)
        return min((moment for moment in (late, more) if moment is not None), default=None)

    def _settle(self) -> None:
        self.clockwork.settle()

    def _wake(self) -> None:
        asyncio.get_running_loop().call_soon(self._settle)  # not from within what it would do

    def _cut_all(self) -> None:
        for connection in set(self._server.server_state.connections):
            if isinstance(connection, Connection):  # websockets are closed one by one, each with a code
                connection.drop()


class _Entrance:
    """Requests of traders, which are nearly all, do not go through the routes; the end of the venue is no error."""

    def __init__(self, rest: ASGIApp, routes: ASGIApp) -> None:
        self._rest = rest
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        of_a_trader = scope["type"] == "http" and not scope["path"].startswith("/_venue/")
        try:
            await (self._rest if of_a_trader else self._routes)(scope, receive, send)
        except asyncio.CancelledError:  # the venue ends, and who is not answered by now will not be
            await hang_up(scope)


class _Server(uvicorn.Server):
    """Says when it listens, ends at once when it is told to, and leaves signals to whoever runs it."""

    def __init__(self, config: uvicorn.Config, ready: asyncio.Event) -> None:
        super().__init__(config)
        self._listens = ready
        self._told = asyncio.Event()

    def stop(self) -> None:
        self.should_exit = True
        self._told.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listens.set()

    # uvicorn looks every tenth of a second whether it should end, and as often whether it has; a suite with a venue for
    # every test would wait for that more than for all else.

    async def main_loop(self) -> None:
        await self._told.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let end what is being answered, close the connections, and cut those that do not end."""
        state = self.server_state
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        if state.tasks:
            await asyncio.wait(set(state.tasks), timeout=_ANSWERED_WITHIN)
        for connection in set(state.connections):
            with suppress(InvalidState):  # of one that is closing already
                connection.shutdown()
        await self._closed()
        for task in set(state.tasks):
            task.cancel()
        if state.tasks:
            await asyncio.wait(set(state.tasks), timeout=_CLOSED_WITHIN)
        self.cut()
        await self._closed()

    def cut(self) -> None:
        """End every connection at once."""
        for connection in set(self.server_state.connections):
            connection.transport.abort()

    async def _closed(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _CLOSED_WITHIN
        while self.server_state.connections and loop.time() < deadline:
            await asyncio.sleep(_LOOK_AGAIN)

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield
