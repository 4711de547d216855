"""The venue for synchronous code: a server in a thread of its own, for the length of a with block."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable, Coroutine
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from bridge.loopthread import LoopThread, State
from bridge.stream.frames import Encoding
from bridge.venue.commands import Waived
from bridge.venue.lockstep import Stop
from bridge.venue.notation import amount
from bridge.venue.oracle import oracle
from bridge.venue.pointing import Pointing
from bridge.venue.recipe import Recipe, house_of
from bridge.venue.serving.local import is_loopback
from bridge.venue.serving.mischief import FaultSwitch, Mischief
from bridge.venue.serving.pace import Pace, Running, Stepped, later
from bridge.venue.serving.server import VenueServer
from bridge.venue.statefile import StateFile
from engine.clock import SystemClock
from engine.errors import InvalidRequest, NotSent

__all__ = ["PaperVenue"]

_T = TypeVar("_T")
_WITHIN = 10.0
_STEP_WITHIN = 600.0  # a long stretch of a market is much to play


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
        try:
            self.stop()
        except (Exception, BaseExceptionGroup) as failure:
            if error is None:
                raise
            error.add_note(f"and of the venue: {failure!r}")  # the block's own error comes first

    def start(self) -> None:
        """
        Return once it answers.

        Raises:
            OSError: It cannot listen there.
            RuntimeError: It was started before.
        """
        if self._thread.state is not State.NEW:
            raise RuntimeError(f"the venue is {self._thread.state.value}: it runs once, make a new one")
        listener = _listener(self._address)
        try:
            self._address = listener.getsockname()[:2]
            self._thread.start(_WITHIN)
            self._thread.call("start of the venue", self._begin, timeout=_WITHIN)
            assert self._server is not None
            self._serving = self._thread.spawn("the venue", self._server.serve, listener)
            ready = self._thread.spawn("start of the venue", self._server.ready)
            done, _ = wait([self._serving, ready], _WITHIN, FIRST_COMPLETED)
            if ready not in done:
                ready.cancel()
                self._serving.result(0)  # what kept it from answering, or TimeoutError
        except BaseException:
            with suppress(Exception, BaseExceptionGroup):  # that is being raised
                self.stop()
            listener.close()
            raise

    async def _begin(self) -> None:
        now = SystemClock().now()
        if self._path is None:
            house = house_of(self.recipe, now=now)
        else:
            self._state = StateFile(self._path, self.recipe, now=now)
            house = self._state.house
        house.arm(self.recipe.seed, self.recipe.faults)
        # A market of its own moment goes on where it stood; one that has none goes on in the present.
        present = self.recipe.market is None and self.recipe.start is None and self._speed is not None
        start = max(house.now, now) if present else house.now
        pace: Pace = Stepped(start) if self._speed is None else Running(start, speed=self._speed)
        wall = SystemClock() if self._speed == 1.0 else None
        self._server = VenueServer(
            house, pace, token=self.token, encoding=self._encoding, wall=wall, local=is_loopback(self._address[0])
        )

    def stop(self) -> None:
        """
        Return once all connections have been closed and the thread has ended; at once where there is nothing to stop.

        Raises:
            ExceptionGroup: What went wrong in the venue and was told to nobody.
        """
        if self._serving is not None and self._server is not None:
            with suppress(NotSent):
                self._thread.call_soon(self._server.stop)
                wait([self._serving], _WITHIN)
        try:
            self._thread.stop(_WITHIN)
        finally:
            # What still runs still writes; and in a child process the file is the parent's.
            if self._state is not None and self._thread.state is State.STOPPED:
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
        try:
            from alpaca.trading.client import TradingClient
        except ModuleNotFoundError as error:
            raise ImportError("a client needs alpaca-py: python -m pip install alpaca-py") from error

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
        if seconds is not None and to is not None:
            raise InvalidRequest("to", to.isoformat(), f"None where seconds = {seconds} is given")
        return self._call("step", self._step, seconds, to, within=_STEP_WITHIN)

    async def _step(self, seconds: float | None, to: datetime | None) -> str:
        clockwork = self._server_running().clockwork
        now = clockwork.now()
        if seconds is not None:
            to = later(now, seconds)
        elif to is None:
            to = clockwork.house.next_due()
        return clockwork.step(now if to is None else to)

    def step_within(self, to: datetime) -> Stop:
        """
        Move time on, where it stands by itself, at most to a moment and not beyond the next thing that is told.

        From the first such step on the market goes on with these alone: see `bridge.venue.house.House.step`.

        Raises:
            InvalidRequest: Time runs by itself here, that moment has passed, or the venue keeps a file: what happened
                in lockstep could not be repeated from it.
        """
        if self._path is not None:
            raise InvalidRequest("state", str(self._path), "None, for a venue in lockstep")
        return self._call("step", self._step_within, to, within=_STEP_WITHIN)

    async def _step_within(self, to: datetime) -> Stop:
        return self._server_running().clockwork.step_within(to)

    def waived(self) -> list[Waived]:
        """What lenient terms let pass so far, see `bridge.venue.frictions.Terms`; oldest first."""
        return self._call("waived", self._waived)

    async def _waived(self) -> list[Waived]:
        return list(self._server_running().clockwork.house.core.waived)

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
        try:
            clockwork.house.price(symbol, price, clockwork.now(), jump=jump)
        finally:
            clockwork.settle()

    @property
    def faults(self) -> Mischief:
        """What goes wrong at the venue on purpose: ``venue.faults.add(kind="drop", events=["fill"], count=1)``."""
        return Mischief(lambda what: self._call("faults", self._switch, what))

    async def _switch(self, what: Callable[[FaultSwitch], Any]) -> Any:
        return what(FaultSwitch(self._server_running().clockwork))

    def oracle(self) -> dict[str, Any]:
        """The venue's own books, all executions, arrivals and faults that bit: see `bridge.venue.oracle`."""
        return self._call("oracle", self._oracle)

    async def _oracle(self) -> dict[str, Any]:
        clockwork = self._server_running().clockwork
        clockwork.settle()
        return oracle(clockwork.house.core, clockwork.house.faults.tripped)

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
        self._call("listeners", self._listening, path, count, within=timeout)

    async def _listening(self, path: str, count: int) -> None:
        await self._server_running().listening(path, count)

    def _call(self, what: str, fn: Callable[..., Coroutine[Any, Any, _T]], *args: Any, within: float = _WITHIN) -> _T:
        self._server_running()
        return self._thread.call(f"{what} of the venue", fn, *args, timeout=within)

    def _server_running(self) -> VenueServer:
        if self._server is None or self._thread.state is not State.RUNNING:
            raise RuntimeError(f"the venue is {self._thread.state.value}: use it in a with block")
        return self._server


def _listener(address: tuple[str, int]) -> socket.socket:
    # Named as TCP, for asyncio turns Nagle's algorithm off on such sockets alone, and an answer is two writes.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere it lets two listen on one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1024)
    except BaseException:
        listener.close()
        raise
    return listener
