"""What holds of a portfolio whatever is booked."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.books.portfolio import Portfolio
from engine.model import Side

pytest.importorskip("hypothesis")
from hypothesis import given
from hypothesis import strategies as st

D = Decimal
START = D(1_000_000)
CLOSE = D("1e-15")  # 28 digits, less those of the largest sums


def amounts(low, high, places):
    return st.decimals(low, high, places=places, allow_nan=False, allow_infinity=False)


BOOKINGS = st.lists(
    st.tuples(
        st.sampled_from(["AAPL", "BTC/USD", "SPY"]),
        st.sampled_from([Side.BUY, Side.SELL, None]),
        amounts(-500, 500, 6),
        amounts("0.01", 900, 4),
        amounts(0, 5, 4),
        st.booleans(),
    ),
    max_size=40,
)
MARKS = st.dictionaries(st.sampled_from(["AAPL", "BTC/USD", "SPY"]), amounts("0.01", 900, 4))


def played(bookings, marks):
    """The portfolio, and what left its cash."""
    portfolio, left = Portfolio(START), D(0)
    for symbol, side, quantity, price, fee, price_only in bookings:
        cost = price if price_only or not quantity else quantity * price
        portfolio.book(symbol, side, D(0) if price_only else quantity, cost, fee)
        left += cost + fee
    for symbol, price in marks.items():
        portfolio.mark(symbol, price)
    return portfolio, left


@given(BOOKINGS, MARKS)
def test_money_is_conserved(bookings, marks):
    """Cash is what it began with, less all costs and fees, to the last digit."""
    portfolio, left = played(bookings, marks)

    assert START - left == portfolio.cash


@given(BOOKINGS, MARKS)
def test_profit_is_what_equity_gained(bookings, marks):
    """Realised and unrealised profit less fees is equity less the start, however positions grew, shrank and flipped."""
    portfolio, _ = played(bookings, marks)
    parts = portfolio.realised() + portfolio.unrealised() - portfolio.fees

    assert abs(portfolio.equity() - START - parts) < CLOSE
    assert portfolio.equity() - START == portfolio.profit()


@given(BOOKINGS)
def test_quantities_add_up(bookings):
    """A position is the sum of its bookings, and listed as open exactly when it is not zero."""
    portfolio, _ = played(bookings, {})
    sums = {}
    for symbol, _, quantity, _, _, price_only in bookings:
        sums[symbol] = sums.get(symbol, D(0)) + (D(0) if price_only else quantity)

    assert {symbol: total for symbol, total in sums.items() if total} == dict(portfolio.open_positions)


@given(st.lists(st.tuples(amounts(1, 50, 3), amounts("0.01", 900, 4)), min_size=1, max_size=10), st.data())
def test_a_bust_undoes_its_fill(fills, data):
    """Any buy that is taken back leaves the position as if it had never been."""
    index = data.draw(st.integers(0, len(fills) - 1))
    portfolio, without = Portfolio(START), Portfolio(START)
    for place, (quantity, price) in enumerate(fills):
        portfolio.book("AAPL", Side.BUY, quantity, quantity * price, D(0))
        if place != index:
            without.book("AAPL", Side.BUY, quantity, quantity * price, D(0))
    quantity, price = fills[index]
    portfolio.book("AAPL", Side.BUY, -quantity, -quantity * price, D(0))
    expected = without.positions.get("AAPL")

    assert portfolio.cash == without.cash
    if expected is not None:
        assert expected == portfolio.positions["AAPL"]
