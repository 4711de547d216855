"""Market data with time in the hands of the test."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bridge.venue.assets import Assets
from bridge.venue.core import Answer, Request
from bridge.venue.data.market_data import MarketData
from engine.market.bars import Bar

START = datetime(2024, 1, 2, 15, 30, tzinfo=UTC)
"""Half past ten on a Tuesday in New York."""
KEYS = {"apca-api-key-id": "PKTEST", "apca-api-secret-key": "secret"}
MINUTE = timedelta(minutes=1)


def authenticate(key: str, secret: str) -> str | None:
    return {("PKTEST", "secret"): "account-1", ("PKOTHER", "secret"): "account-2"}.get((key, secret))


class Seen:
    """Market data, and what a test does with it."""

    def __init__(self, **more: Any) -> None:
        self.data = MarketData(Assets(), authenticate=authenticate, **more)
        self.now = START + timedelta(hours=1)
        self.headers = KEYS

    def __call__(self, path: str, /, method: str = "GET", **query: Any) -> Answer:
        words = {name: str(value) for name, value in query.items()}
        return self.data.handle(Request(method=method, path=path, query=words, headers=self.headers), self.now)

    def get(self, path: str, /, **query: Any) -> Any:
        answer = self(path, **query)
        assert answer.status == 200, answer.body
        return answer.body

    def refused(self, path: str, /, **query: Any) -> tuple[int, str]:
        answer = self(path, **query)
        return answer.status, answer.body["message"]

    def move(self, symbol: str, *prices: Any, every: float = 1, start: datetime = START) -> None:
        """The price goes along these, one after the other."""
        for number, price in enumerate(prices):
            self.data.moved(symbol, Decimal(str(price)), start + timedelta(seconds=number * every))

    def bars(self, symbol: str, *closes: Any, start: datetime = START, width: timedelta = MINUTE) -> None:
        """Bars of a hundred units, one after the other, each of one price."""
        for number, close in enumerate(closes):
            price = Decimal(str(close))
            begin = start + number * width
            self.data.closed(Bar(symbol, begin, begin + width, price, price, price, price, Decimal(100)))


@pytest.fixture
def new_seen() -> Callable[..., Seen]:
    """``new_seen(most_ticks=10)``; an hour after the start."""
    return Seen


@pytest.fixture
def seen() -> Seen:
    return Seen()
