"""One decision of the gate, with few and with many live orders."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

from engine.books.recovery import Books
from engine.facts import Intended, SessionStarted
from engine.model import OrderRequest, Role, Side
from engine.risk.gate import RiskGate
from result import Result
from timing import best_mean

__all__ = ["NAME", "run"]

NAME = "gate"
AT = datetime(2024, 1, 1, tzinfo=UTC)
ONE, PRICE = Decimal(1), Decimal(100)
GATE = RiskGate()
WANTED = OrderRequest.market("X", Side.BUY, ONE, client_order_id="next")


def run() -> Iterator[Result]:
    for live in (0, 1_000):
        books = Books()
        cash = Decimal(10_000_000)
        books.apply(SessionStarted(at=AT, session_id="b", cash=cash, config="", data_digest=""), AT)
        books.portfolio.mark("X", PRICE)
        for number in range(live):
            request = OrderRequest.limit("X", Side.BUY, ONE, PRICE, client_order_id=f"b-{number}")
            fact = Intended(at=AT, request=request, role=Role.SINGLE, group=None, reserve_price=PRICE, opening=ONE)
            books.apply(fact, AT)
        seconds = best_mean(lambda _, books=books: GATE.check(WANTED, books, AT), range(10_000))
        yield Result(bench=NAME, case=f"an entry, {live:,} live orders", value=seconds * 1e6, unit="us")
