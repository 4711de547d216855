"""The session day that we are in, and how much was sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from engine.books.pace import Pace
from engine.facts import DayBegan, Intended
from engine.model import OrderRequest, Role, Side

D = Decimal
NOON = datetime(2024, 1, 2, 12, tzinfo=UTC)


def day(number):
    opens = NOON + timedelta(days=number)
    return DayBegan(at=opens, number=number, opens=opens, closes=opens + timedelta(hours=6), equity=None)


def intended(symbol="X", opening="1", at=NOON):
    request = OrderRequest.market(symbol, Side.BUY, D(1), client_order_id="a")
    return Intended(
        at=at, request=request, role=Role.SINGLE, group=None, reserve_price=D(1), opening=D(opening)
    )  # fmt: skip


def test_before_the_first_day():
    """No day has begun, and it has no number; entries count all the same."""
    pace = Pace()
    pace.intended(intended())

    assert (None, 0, 1) == (pace.day, pace.number, pace.entries_today())


def test_entries_of_a_day():
    """Orders that open anything are counted, by symbol and together; a new day begins at nothing."""
    pace = Pace()
    pace.begin(day(1))
    for fact in (intended(), intended("Y", "0.1"), intended(opening="0"), intended()):
        pace.intended(fact)
    assert (3, 2, 1, 0) == (pace.entries_today(), *(pace.entries_today(symbol) for symbol in "XYZ"))

    pace.begin(day(2))
    assert (0, 0, 2, day(2)) == (pace.entries_today(), pace.entries_today("X"), pace.number, pace.day)


@pytest.mark.parametrize(("seconds", "count"), [(-1, 4), (0, 2), (9, 2), (10, 1), (59, 1), (60, 0)])
def test_orders_since_a_moment(seconds, count):
    """Orders of any kind and day count if they came after the moment, not at it."""
    pace = Pace()
    for at in (0, 0, 10, 60):
        pace.intended(intended(opening="0", at=NOON + timedelta(seconds=at)))
        pace.begin(day(1))

    assert count == pace.orders_since(NOON + timedelta(seconds=seconds))


def test_ten_thousand_orders_are_known():
    """No more are counted."""
    pace, fact = Pace(), intended()
    for _ in range(10_001):
        pace.intended(fact)

    assert (10_000, 10_001) == (pace.orders_since(NOON - timedelta(1)), pace.entries_today())
