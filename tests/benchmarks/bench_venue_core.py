"""The heart of Alpaca on localhost: orders through it, and what looking something up costs behind many orders."""

from __future__ import annotations

import gc
import json
import resource
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from bridge.venue.core import Core, Request, Trader
from bridge.venue.eventlog import Span
from bridge.venue.frictions import Terms
from bridge.venue.limits import RateLimit
from bridge.venue.spelling import parsed
from engine.calendar import AlwaysOpen
from result import Result
from timing import best_mean

__all__ = ["NAME", "run"]

NAME = "venue-core"
FEW, MANY = 100, 100_000
START = datetime(2026, 1, 2, 15, tzinfo=UTC)
STEP = timedelta(milliseconds=10)
KEYS = {"apca-api-key-id": "PK0", "apca-api-secret-key": "s"}


class Desk:
    """An account at a venue that lets it ask as often as it likes; each request comes a step after the last one."""

    def __init__(self) -> None:
        trader = Trader(key="PK0", secret="s", cash=Decimal(10**9))
        terms = Terms(latency=(0.001, 0.001))
        self.core = Core(
            [trader], calendar=AlwaysOpen(), start=START, terms=terms, rate=RateLimit(requests=10**9), seed=1
        )
        self.now = START
        self.orders = 0

    def __call__(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        raw = b"" if body is None else json.dumps(body).encode()
        answer = self.core.handle(Request(method=method, path=path, query=query, headers=KEYS, body=raw), self.now)
        assert answer.status < 300, answer.body
        return answer.body

    def later(self) -> None:
        self.now += STEP
        self.core.advance(self.now)

    def trade(self, _: object = None) -> None:
        """Buy and sell by turns, and be filled."""
        side = "sell" if self.orders % 2 else "buy"
        self.orders += 1
        order = {"symbol": "AAPL", "qty": "1", "side": side, "type": "market", "time_in_force": "day"}
        self("POST", "/v2/orders", order | {"client_order_id": f"tb-{self.orders}"})
        self.later()
        self.core.frames()

    def rest(self, count: int) -> None:
        """Orders that stay open."""
        for number in range(count):
            price = f"{100 - number // 10}.{number % 10}0"
            order = {"symbol": "MSFT", "qty": "1", "side": "buy", "type": "limit", "time_in_force": "gtc"}
            self("POST", "/v2/orders", order | {"limit_price": price})
        self.later()


def run() -> Iterator[Result]:
    desk = Desk()
    yield _us("a market order from request to fill", desk.trade, 2000)

    for count in (FEW, MANY):
        desk, before = Desk(), _used()
        desk.rest(10)
        for _ in range(count):
            desk.trade()
        if count == MANY:
            yield Result(bench=NAME, case=f"memory of {count:,} filled orders", value=_used() - before, unit="MB")
        behind = f"behind {count:,} orders"
        yield _us(f"a market order from request to fill, {behind}", desk.trade, 2000)
        for case, call in _looks(desk):
            yield _us(f"{case}, {behind}", call, 400)

    for count in (10, 1000):
        desk = Desk()
        desk.rest(count)
        yield _us(f"a market order from request to fill, {count:,} others open", desk.trade, 400)


def _looks(desk: Desk) -> Iterator[tuple[str, Callable[[object], Any]]]:
    newest = desk("GET", "/v2/orders", status="closed", limit="1")[0]
    oldest = desk("GET", "/v2/orders", status="closed", limit="1", direction="asc")[0]
    first = desk("GET", "/v2/account/activities/FILL", direction="asc", page_size="1")[0]["id"]
    events = desk.core.replay(next(iter(desk.core.accounts)), _since(newest))
    since = {"since_id": events[-1]["event_id"]}
    yield "an order by id", lambda _: desk("GET", f"/v2/orders/{oldest['id']}")
    yield (
        "an order by client id",
        lambda _: desk("GET", "/v2/orders:by_client_order_id", client_order_id=oldest["client_order_id"]),
    )
    yield "10 open orders", lambda _: desk("GET", "/v2/orders")
    yield "50 of all orders", lambda _: desk("GET", "/v2/orders", status="all")
    yield (
        "50 closed orders from the oldest on",
        lambda _: desk("GET", "/v2/orders", status="closed", direction="asc", after=oldest["submitted_at"]),
    )
    yield (
        "100 activities behind a token",
        lambda _: desk("GET", "/v2/account/activities/FILL", direction="asc", page_token=first),
    )
    yield (
        "five minutes of equity",
        lambda _: desk(
            "GET",
            "/v2/account/portfolio/history",
            start=(desk.now - timedelta(minutes=5)).isoformat(),
            timeframe="1Min",
        ),
    )
    yield "the last event told again", lambda _: desk("GET", "/v2/events/trades", **since)
    yield "the account", lambda _: desk("GET", "/v2/account")


def _since(order: dict[str, Any]) -> Span:
    return Span(since=parsed(order["submitted_at"]))


def _us(case: str, work: Callable[[object], Any], times: int) -> Result:
    return Result(bench=NAME, case=case, value=best_mean(work, range(times), lot=100) * 1e6, unit="us")


def _used() -> float:
    """Megabytes that this process has taken at most so far."""
    gc.collect()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
