"""A number of entries a day, and no more."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.errors import InvalidRequest
from engine.facts import DayBegan, Intended
from engine.model import OrderRequest, Role, Side
from engine.risk.protections import MaxTradesPerDay

D = Decimal
BUY = OrderRequest.market("A", Side.BUY, D(1))


@pytest.fixture
def books(history, at):
    """Books on a session day."""
    books = history().books
    begin(books, at, 2)
    return books


def begin(books, at, day):
    opens, closes = at("14:30", day), at("21:00", day)
    books.apply(DayBegan(at=opens, number=day, opens=opens, closes=closes, equity=D(1000)), opens)


def intend(books, at, name, *, symbol="A", opening="1"):
    """An order passes the gate."""
    request = OrderRequest.market(symbol, Side.BUY, D(1), client_order_id=name)
    more = {"role": Role.SINGLE, "group": None, "reserve_price": D(1)}
    books.apply(Intended(at=at("15:00"), request=request, opening=D(opening), **more), at("15:00"))


def test_the_entry_after_the_last_is_refused(books, at):
    """Two may pass, the third is refused with both numbers, and on the next session day there are two again."""
    rule = MaxTradesPerDay(max_trades=2)
    intend(books, at, "a")
    assert None is rule.refusal(BUY, books, at("15:00"))
    intend(books, at, "b", symbol="B")
    refusal = rule.refusal(BUY, books, at("15:00"))
    assert ("MAX_TRADES_PER_DAY", "2", "2") == (refusal.code, refusal.value, refusal.bound)
    assert "2 entries have passed on this session day, 2 may" == refusal.message

    begin(books, at, 3)
    assert None is rule.refusal(BUY, books, at("15:00", 3))


def test_exits_are_not_counted(books, at):
    """An order that closes a position is none of them."""
    intend(books, at, "a", opening="0")

    assert None is MaxTradesPerDay(max_trades=1).refusal(BUY, books, at("15:00"))


def test_each_symbol_by_itself(books, at):
    """With only_per_symbol the entries of other symbols do not count."""
    intend(books, at, "a", symbol="B")
    rule = MaxTradesPerDay(max_trades=1, only_per_symbol=True)
    assert None is rule.refusal(BUY, books, at("15:00"))

    intend(books, at, "b")
    assert "1 entries in A have passed on this session day, 1 may" == rule.refusal(BUY, books, at("15:00")).message


def test_none_at_all(books, at):
    """Zero is a number too."""
    assert "MAX_TRADES_PER_DAY" == MaxTradesPerDay(max_trades=0).refusal(BUY, books, at("15:00")).code


@pytest.mark.parametrize("value", [-1, 1.5, True])
def test_a_number_that_makes_no_sense(value):
    """It is refused by name."""
    with pytest.raises(InvalidRequest) as caught:
        MaxTradesPerDay(max_trades=value)

    assert "max_trades" == caught.value.field
