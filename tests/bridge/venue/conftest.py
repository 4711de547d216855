"""A venue with time in the hands of the test."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bridge.venue.core import Answer, Core, Request, Trader
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
