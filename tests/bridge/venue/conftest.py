"""A venue with time in the hands of the test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.client import HTTPConnection
from typing import Any

import pytest
from attrs import frozen

from bridge.venue.core import Answer, Core, Request, Trader
from bridge.venue.frictions import Terms
from bridge.venue.house import House
from bridge.venue.market import Still
from bridge.venue.recipe import PAPER, Recipe, house_of
from engine.calendar import FixedCalendar, Session

KEYS = {"apca-api-key-id": "PKTEST", "apca-api-secret-key": "secret"}
DAYS = (2, 3, 4, 5, 8, 9, 10, 11, 12)


def sessions() -> FixedCalendar:
    """Nine days of January 2024, of which the last one is a half."""
    return FixedCalendar(
        Session(
            open=datetime(2024, 1, day, 14, 30, tzinfo=UTC),
            close=datetime(2024, 1, day, 18 if day == DAYS[-1] else 21, tzinfo=UTC),
        )
        for day in DAYS
    )


class Desk:
    """One account at a venue, and the moment at which all is done."""

    def __init__(self, *, start: datetime, cash: int | str = 100_000, multiplier: Any = 4, **more: Any) -> None:
        trader = Trader(key="PKTEST", secret="secret", cash=Decimal(cash), multiplier=multiplier)
        self.core = Core([trader], calendar=sessions(), start=start, **more)
        self.now = start
        self.headers = KEYS

    @property
    def account(self) -> Any:
        return next(iter(self.core.accounts.values()))

    def __call__(self, method: str, path: str, body: Any = None, /, **query: Any) -> Answer:
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        words = {name: str(value) for name, value in query.items()}
        request = Request(method=method, path=path, query=words, headers=self.headers, body=raw)
        return self.core.handle(request, self.now)

    def get(self, path: str, /, **query: Any) -> Any:
        answer = self("GET", path, **query)
        assert answer.status == 200, answer.body
        return answer.body

    def place(self, symbol: str = "AAPL", qty: Any = 1, **more: Any) -> Any:
        """Place an order, a market buy for the day where nothing else is said."""
        answer = self("POST", "/v2/orders", body(symbol, qty, **more))
        assert answer.status == 200, answer.body
        return answer.body

    def buy(self, symbol: str = "AAPL", qty: Any = 1, **more: Any) -> Any:
        """Buy at the market, wait, and forget what the stream said."""
        order = self.place(symbol, qty, **more)
        self.later()
        self.core.frames()
        return order

    def refused(self, symbol: str = "AAPL", qty: Any = 1, **more: Any) -> tuple[int, Any]:
        """Status and body of the refusal of an order."""
        answer = self("POST", "/v2/orders", body(symbol, qty, **more))
        return answer.status, answer.body

    def order(self, order: Any, **query: Any) -> Any:
        return self.get(f"/v2/orders/{order['id']}", **query)

    def later(self, seconds: float = 1) -> None:
        self.at(self.now + timedelta(seconds=seconds))

    def at(self, now: datetime) -> None:
        self.now = now
        self.core.advance(now)

    def price(self, symbol: str, price: str, **more: Any) -> None:
        self.core.price(symbol, Decimal(price), self.now, **more)

    def events(self) -> list[tuple[str, str, str]]:
        """What the stream said since the last call: event, type and status of the order."""
        frames = [frame.data for frame in self.core.frames()]
        return [(data["event"], data["order"]["type"], data["order"]["status"]) for data in frames]


def body(symbol: str = "AAPL", qty: Any = 1, **more: Any) -> dict[str, Any]:
    usual = {"symbol": symbol, "qty": qty, "side": "buy", "type": "market", "time_in_force": "day"}
    return {name: value for name, value in (usual | more).items() if value is not None}


@pytest.fixture
def new_desk() -> Callable[..., Desk]:
    """``new_desk(cash=500)``; it is half past ten on a Tuesday in New York unless ``start`` says otherwise."""

    def made(*, start: datetime = datetime(2024, 1, 2, 15, 30, tzinfo=UTC), **more: Any) -> Desk:
        return Desk(start=start, **more)

    return made


@pytest.fixture
def desk(new_desk: Callable[..., Desk]) -> Desk:
    return new_desk()


# --- with a shell round it --------------------------------------------------------------------------------------------

NOW = datetime(2024, 1, 2, 15, 30, tzinfo=UTC)
FAIL_AFTER = 5.0  # seconds; only a broken test ever waits this long


class Scripted:
    """A market of given moves that may end with an error."""

    calendar = None
    recipe: Mapping[str, object] = {"market": "scripted"}

    def __init__(self, *moves: Any, error: Exception | None = None) -> None:
        self.first = NOW
        self.prices: Mapping[str, Decimal] = {}
        self._moves = moves
        self._error = error

    def moves(self) -> Iterator[Any]:
        yield from self._moves
        if self._error is not None:
            raise self._error


@pytest.fixture(scope="session")
def market_of_moves() -> Callable[..., Scripted]:
    """``market_of_moves(Moved(…), …, error=…)``"""
    return Scripted


@pytest.fixture
def new_house() -> Callable[..., House]:
    """``new_house(market)``: accounts PAPERKEY and OTHER, orders that arrive after a tenth of a second."""

    def made(market: Any = None, **more: Any) -> House:
        return house_of(quiet(market, **more), now=NOW)

    return made


OTHER = Trader(key="OTHER", secret="othersecret")


def quiet(market: Any = None, **more: Any) -> Recipe:
    usual: dict[str, Any] = {"terms": Terms(latency=(0.1, 0.1)), "every": None, "traders": (PAPER, OTHER)}
    return Recipe(market=market or Still(NOW), **usual | more)


@pytest.fixture(scope="session")
def new_recipe() -> Callable[..., Recipe]:
    """``new_recipe(market)``: as `new_house`, not made yet."""
    return quiet


def order_of(trader: Trader = PAPER, symbol: str = "AAPL", qty: Any = 1, **more: Any) -> Request:
    """The request that places an order."""
    return Request(
        method="POST", path="/v2/orders", headers=keys_of(trader), body=json.dumps(body(symbol, qty, **more)).encode()
    )


def keys_of(trader: Trader) -> dict[str, str]:
    return {"apca-api-key-id": trader.key, "apca-api-secret-key": trader.secret}


@pytest.fixture(scope="session")
def new_order() -> Callable[..., Request]:
    """``new_order(symbol="F")``: the request of a market buy."""
    return order_of


@frozen
class Said:
    """An answer as it came over HTTP."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


class Caller:
    """A client of a venue's HTTP."""

    def __init__(self, venue: Any) -> None:
        self.venue = venue

    def __call__(self, method: str, path: str, body: Any = None, *, trader: Trader = PAPER, **headers: str) -> Said:
        return self._send(method, path, body, keys_of(trader) | headers)

    def admin(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> Said:
        return self._send(method, f"/_venue/{path}", body, {"X-Venue-Token": token or self.venue.token})

    def _send(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> Said:
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        with closing(HTTPConnection("127.0.0.1", self.venue.port, timeout=FAIL_AFTER)) as connection:
            connection.request(method, path, raw, dict(headers))
            answer = connection.getresponse()
            return Said(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())


class Listener:
    """A client of a venue's user stream."""

    def __init__(self, venue: Any, path: str = "/stream", **more: Any) -> None:
        client = pytest.importorskip("websockets.sync.client")
        url = f"ws://127.0.0.1:{venue.port}{path}"
        self._connection = client.connect(url, compression=None, proxy=None, open_timeout=FAIL_AFTER, **more)

    def __enter__(self) -> Listener:
        self.socket = self._connection.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._connection.__exit__(*error)

    def send(self, frame: Any) -> None:
        self.socket.send(json.dumps(frame))

    def receive(self) -> Any:
        return json.loads(self.socket.recv(timeout=FAIL_AFTER))

    def listen(self, trader: Trader = PAPER) -> Listener:
        """Authenticate and listen; returns itself once the venue has said that it does."""
        self.send({"action": "auth", "key": trader.key, "secret": trader.secret})
        assert "authorized" == self.receive()["data"]["status"]
        self.send({"action": "listen", "data": {"streams": ["trade_updates"]}})
        assert {"streams": ["trade_updates"]} == self.receive()["data"]
        return self

    def event(self) -> tuple[str, str, str]:
        """Event, symbol and event id of the next update."""
        data = self.receive()["data"]
        return data["event"], data["order"]["symbol"], data["event_id"]


@pytest.fixture
def new_venue() -> Iterator[Callable[..., Any]]:
    """``new_venue(recipe)``: a running venue whose time is stepped, stopped at the end of the test."""
    pytest.importorskip("uvicorn")
    pytest.importorskip("starlette")
    pytest.importorskip("websockets")
    from bridge.venue.paper_venue import PaperVenue

    with ExitStack() as stack:

        def made(recipe: Recipe | None = None, **more: Any) -> Any:
            arguments: dict[str, Any] = {"speed": None} | more
            return stack.enter_context(PaperVenue(recipe or quiet(), **arguments))

        yield made


@pytest.fixture
def venue(new_venue: Callable[..., Any]) -> Any:
    return new_venue()


@pytest.fixture
def call(venue: Any) -> Caller:
    """``call("GET", "/v2/clock")``, ``call.admin("POST", "step", {"seconds": 1})``"""
    return Caller(venue)


@pytest.fixture(scope="session")
def caller_of() -> Callable[[Any], Caller]:
    """``caller_of(venue)``: a `call` for another venue."""
    return Caller


@pytest.fixture
def connect(venue: Any) -> Iterator[Callable[..., Listener]]:
    """``connect()``, ``connect(path="/stream/")``: a client of the user stream, closed at the end of the test."""
    with ExitStack() as stack:

        def made(at: Any = None, **more: Any) -> Listener:
            return stack.enter_context(Listener(at or venue, **more))

        yield made


class Socket:
    """The other side of an ASGI application: what a client does, and what it is told, without a socket."""

    def __init__(self, *, headers: Mapping[str, str] | None = None, path: str = "/stream") -> None:
        raw = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        self.cuts: list[str] = []
        self.halts: list[bool] = []  # whether it is no longer read
        self.scope = {
            "type": "websocket",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": raw,
            "state": {"cut": self._cut, "halt": self.halts.append},
        }
        self.told: asyncio.Queue[Any] = asyncio.Queue()
        self.says: asyncio.Queue[Any] = asyncio.Queue()
        self.reads = asyncio.Event()  # a client that does not read lets send wait
        self.reads.set()
        self.says.put_nowait({"type": "websocket.connect"})

    def _cut(self) -> None:
        self.cuts.append("cut")
        self.leave()

    def say(self, frame: Any) -> None:
        kind = "bytes" if isinstance(frame, bytes) else "text"
        text = frame if isinstance(frame, bytes | str) else json.dumps(frame)
        self.says.put_nowait({"type": "websocket.receive", kind: text})

    def leave(self) -> None:
        self.says.put_nowait({"type": "websocket.disconnect", "code": 1006})

    async def receive(self) -> Any:
        return await self.says.get()

    async def send(self, message: Any) -> None:
        await self.reads.wait()
        self.told.put_nowait(message)
        if message["type"] == "websocket.close":
            self.leave()  # as the server says once a close was sent

    async def hears(self) -> Any:
        """The next message that it is told, but for the one that accepts it."""
        async with asyncio.timeout(FAIL_AFTER):
            message = await self.told.get()
            return await self.hears() if message["type"] == "websocket.accept" else message


@pytest.fixture(scope="session")
def new_socket() -> Callable[..., Socket]:
    """``new_socket(headers={…})``, within a running loop."""
    pytest.importorskip("starlette")
    return Socket
