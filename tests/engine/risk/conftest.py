"""Books in which round trips close, and rules that look at them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from engine.books.recovery import Books
from engine.facts import SessionStarted
from engine.model import OrderRequest, OrderType, Role, Side, Status
from engine.orders.order import Link, Order
from engine.risk.protections import Protections
from engine.trade import ExitReason

D = Decimal
AT = datetime(2024, 1, 2, tzinfo=UTC)
ORDERS = {
    ExitReason.SIGNAL: ({}, Role.SINGLE),
    ExitReason.TAKE_PROFIT: ({"type": OrderType.LIMIT, "limit_price": D(10)}, Role.TAKE_PROFIT),
    ExitReason.STOP_LOSS: ({"type": OrderType.STOP, "stop_price": D(10)}, Role.SINGLE),
    ExitReason.TRAILING_STOP: ({"type": OrderType.TRAILING_STOP, "trail_percent": D(1)}, Role.SINGLE),
}


def moment(clock, day=2):
    """A time of day in January 2024, UTC."""
    return datetime.fromisoformat(f"2024-01-{day:02}T{clock}+00:00")


def order(name, symbol, side, reason):
    more, role = ORDERS[reason]
    request = OrderRequest(**{"type": OrderType.MARKET} | more, symbol=symbol, side=side, quantity=D(100))
    return Order(
        request=request,
        role=role,
        group=None,
        placed=AT,
        reserve_price=D(1),
        closing=None,
        foreign=False,
        links=(Link(client_order_id=name, request=request),),
        stage=Status.SENT,
        status=Status.WORKING,
    )


class History:
    """
    What becomes of round trips under some rules.

    Attributes:
        books: The real ones.
    """

    def __init__(self, *rules, cash="10000"):
        self.protections = Protections(rules)
        self.books = Books()
        self.books.apply(SessionStarted(at=AT, session_id="h", cash=D(cash), config="", data_digest=""), AT)
        self._number = 0

    def trade(self, clock, ratio="-0.01", reason="stop_loss", *, symbol="A", side="buy", cost="1000", day=2):
        """A trade that closes at that time, with what it made as a ratio of its cost."""
        self._number += 1
        way, spent = Side(side), D(cost)
        at, got = moment(clock, day), spent + way.signed(spent * D(ratio))
        closed = None
        for leg, money, why in ((way, spent, ExitReason.SIGNAL), (way.opposite, got, ExitReason(reason))):
            closed = self.books.trades.book(
                symbol,
                order(f"{self._number}-{leg.value}", symbol, leg, why),
                leg.signed(D(100)),
                leg.signed(money),
                D(0),
                before=D(0) if leg is way else way.signed(D(100)),
                after=D(0) if leg is not way else way.signed(D(100)),
                at=at,
                day=0,
            )
        return closed

    def close(self, *arguments, **more):
        """The locks that such a trade brings, recorded."""
        locks = []
        for lock in self.protections.after_trade(self.trade(*arguments, **more), self.books):
            self.books.apply(lock, lock.at)
            locks.append(lock)
        return locks

    def ends(self, *arguments, **more):
        """The same as text: what is locked, until when."""
        return [
            f"{lock.symbol or '*'}{'' if lock.side is None else f' {lock.side.value}'} {lock.until:%H:%M:%S}"
            for lock in self.close(*arguments, **more)
        ]


@pytest.fixture
def history():
    """The class `History`."""
    return History


@pytest.fixture
def at():
    """A time of day as a moment: at("10:47"), at("10:47:12.5", day=3)."""
    return moment
