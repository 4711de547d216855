"""The venue for synchronous code: a server in a thread of its own, for the length of a with block."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from datetime import datetime, timedelta
from decimal import Decimal
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from bridge.loopthread import LoopThread
from bridge.stream.frames import Encoding
from bridge.venue.notation import amount
from bridge.venue.pace import Pace, Running, Stepped
from bridge.venue.pointing import Pointing
from bridge.venue.recipe import Recipe, house_of
from bridge.venue.server import VenueServer
from bridge.venue.statefile import StateFile
from engine.clock import SystemClock

__all__ = ["PaperVenue"]

_T = TypeVar("_T")
_WITHIN = 10.0


class PaperVenue:
    """
    Alpaca on localhost.

    Args:
        recipe: What it is made of; None: one account, 100,000 dollars, key PAPERKEY, secret papersecret.
        speed: Seconds of the venue in one of the machine; None: its time stands until `step`.
        token: Opens the routes under ``/_venue/``; None: a new one.
        host, port: Where it listens; port 0: a free one.
        state: File in which what comes from outside is kept: where there is one the venue goes on from it. None: what
            happens is forgotten with the venue.

    Attributes:
        recipe: As given.
        token: As given or made.
    """

    def __init__(
        self,
        recipe: Recipe | None = None,
        *,
        speed: float | None = 1.0,
        token: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        state: str | PathLike[str] | None = None,
        encoding: Encoding = Encoding.BINARY,
    ) -> None:
        self.token = token or secrets.token_urlsafe(24)
        self.recipe = recipe or Recipe()
        self._speed = speed
        self._address = (host, port)
        self._encoding = encoding
        self._path = None if state is None else Path(state)
        self._state: StateFile | None = None
        self._thread = LoopThread("paper venue")
        self._server: VenueServer | None = None
        self._serving: Future[None] | None = None

    # --- its life -----------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """
        Return once it answers.

        Raises:
            OSError: It cannot listen there.
        """
        listener = _listener(self._address)
        self._address = listener.getsockname()[:2]
        try:
            self._thread.start(_WITHIN)
            self._thread.call("start of the venue", self._begin, timeout=_WITHIN)
            assert self._server is not None
            self._serving = self._thread.spawn("the venue", self._server.serve, listener)
            self._thread.call("start of the venue", self._server.ready, timeout=_WITHIN)
        except BaseException:
            listener.close()
            raise

    async def _begin(self) -> None:
        now = SystemClock().now()
        if self._path is None:
            house = house_of(self.recipe, now=now)
        else:
            self._state = StateFile(self._path, self.recipe, now=now)
            house = self._state.house
        # A market of its own moment goes on where it stood; one that has none goes on in the present.
        present = self.recipe.market is None and self.recipe.start is None and self._speed is not None
        start = max(house.now, now) if present else house.now
        pace: Pace = Stepped(start) if self._speed is None else Running(start, speed=self._speed)
        wall = SystemClock() if self._speed == 1.0 else None
        self._server = VenueServer(house, pace, token=self.token, encoding=self._encoding, wall=wall)

    def stop(self) -> None:
        """Return once all connections have been closed and the thread has ended."""
        if self._serving is not None and self._server is not None:
            self._thread.call_soon(self._server.stop)
            self._serving.result(_WITHIN)
        self._thread.stop(_WITHIN)
        if self._state is not None:
            self._state.close()

    def when_ended(self, call: Callable[[], object]) -> None:
        """Have it called, in another thread, once it serves no more: stopped, or broken, and `stop` raises why."""
        assert self._serving is not None, "the venue does not run"
        self._serving.add_done_callback(lambda _: call())

    # --- where it is --------------------------------------------------------------------------------------------------

    @property
    def port(self) -> int:
        return self._address[1]

    @property
    def url(self) -> str:
        """Of REST, trading and market data: ``http://127.0.0.1:8765``."""
        return f"http://{self._address[0]}:{self.port}"

    @property
    def stream_url(self) -> str:
        """Of the user stream: ``ws://127.0.0.1:8765/stream``."""
        return f"ws://{self._address[0]}:{self.port}/stream"

    @property
    def key(self) -> str:
        """Of the first trader."""
        return self.recipe.traders[0].key

    @property
    def secret(self) -> str:
        """Of the first trader."""
        return self.recipe.traders[0].secret

    def env(self) -> dict[str, str]:
        """The variables ``APCA_…`` that point clients which read them here, as the first trader."""
        return Pointing(url=self.url, key=self.key, secret=self.secret).environment

    # --- what its owner does ------------------------------------------------------------------------------------------

    def client(self, **more: Any) -> Any:
        """
        A `TradingClient` of alpaca-py for the first trader.

        Args:
            more: Further arguments of it.

        Raises:
            ImportError: alpaca-py is not installed.
        """
        from alpaca.trading.client import TradingClient

        return TradingClient(self.key, self.secret, url_override=self.url, **more)

    def now(self) -> datetime:
        """The venue's time."""
        return self._server_running().clockwork.now()

    def step(self, seconds: float | None = None, *, to: datetime | None = None) -> str:
        """
        Move time on, where it stands by itself: so many seconds, or to a moment; without either to whatever is next.

        Returns:
            Id of the last event that was told by then; "" if there was none.

        Raises:
            InvalidRequest: Time runs by itself here, or that moment has passed.
        """
        return self._call("step", self._step, seconds, to)

    async def _step(self, seconds: float | None, to: datetime | None) -> str:
        clockwork = self._server_running().clockwork
        if to is None and seconds is None:
            to = clockwork.house.next_due()
        now = clockwork.now()
        return clockwork.step(now + timedelta(seconds=seconds or 0.0) if to is None else to)

    def price(self, symbol: str, price: Decimal | float | str, *, jump: bool = False) -> None:
        """
        Let the price of an asset go to another one.

        Args:
            jump: At once; what lies in between is not traded.

        Raises:
            InvalidRequest: There is no such asset, or that is no price.
        """
        self._call("price", self._price, symbol, amount("price", price), jump)

    async def _price(self, symbol: str, price: Decimal, jump: bool) -> None:
        clockwork = self._server_running().clockwork
        clockwork.house.price(symbol, price, clockwork.now(), jump=jump)
        clockwork.settle()

    def wait_listening(self, count: int = 1, *, path: str = "/stream", timeout: float = _WITHIN) -> None:
        """
        Wait until at least so many connections listen: what happens before is not told to them.

        Args:
            path: Of the user stream, or of a feed of market data, "/v2/iex" for example: they have subscribed to
                something.

        Raises:
            OutcomeUnknown: They did not within ``timeout`` seconds.
            InvalidRequest: There is no such stream.
        """
        listening = self._server_running().listening
        self._thread.call("listeners of the venue", listening, path, count, timeout=timeout)

    def _call(self, what: str, fn: Callable[..., Coroutine[Any, Any, _T]], *args: Any) -> _T:
        return self._thread.call(f"{what} of the venue", fn, *args, timeout=_WITHIN)

    def _server_running(self) -> VenueServer:
        if self._server is None:
            raise RuntimeError("the venue does not run: use it in a with block")
        return self._server


def _listener(address: tuple[str, int]) -> socket.socket:
    # Named as TCP, for asyncio turns Nagle's algorithm off on such sockets alone, and an answer is two writes.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1024)
    except BaseException:
        listener.close()
        raise
    return listener
