"""Crossing averages: when it trades, how much, and that running sums equal averages worked out anew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from engine.books.journal import Journal
from engine.calendar import AlwaysOpen
from engine.config import convert
from engine.errors import InvalidInput, InvalidRequest
from engine.market.bars import Bar
from engine.model import Side, Status, TimeInForce
from engine.session import Fees, FillsConfig, MarketConfig, MarketData, PaperSession, SessionConfig
from engine.strategies.sma_cross import SmaCross

D = Decimal
START = datetime(2024, 1, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def bars(*closes, symbol="BTC/USD", opens=None):
    """Bars that open where the last one closed, or at ``opens``, and go straight to their close."""
    made, last = [], D(closes[0])
    for index, close in enumerate(map(D, closes)):
        first = last if opens is None else D(opens[index])
        start = START + index * MINUTE
        made.append(Bar(symbol, start, start + MINUTE, first, max(first, close), min(first, close), close, D(1)))
        last = close
    return made


def played(*streams, cash=1000, market=None, **settings):
    """The orders of a run, as (bar in which it was sent, side, quantity), and the result."""
    settings = {"fast": 2, "slow": 3, "share": D("0.5"), **settings}
    slices = list(zip(*streams, strict=True))
    data = MarketData(START, slices, AlwaysOpen(), "")
    strategy = SmaCross(**settings)
    config = SessionConfig(cash=D(cash), market=market or MarketConfig(ideal=True))
    result = PaperSession(config, Journal(None), data, strategy=strategy).run()
    orders = [((order.placed - START) // MINUTE - 1, order.side, order.quantity) for order in result.books.tracker]
    return orders, result


def test_it_buys_above_and_sells_below():
    """The fast average rises above the slow one: half of the cash; it falls below: everything."""
    orders, result = played(bars(12, 11, 10, 9, 12, 14, 12, 8, 8, 8))

    # Averages of 2 and 3: 10.5 < 11, 9.5 < 10, 10.5 > 10.33, 13 > 11.67, 13 > 12.67, 10 < 11.33
    assert [(4, Side.BUY, D("41.6666")), (7, Side.SELL, D("41.6666"))] == orders
    assert ([Status.FILLED] * 2, {}) == (
        [order.status for order in result.books.tracker],
        dict(result.books.portfolio.open_positions),
    )


def test_the_first_comparison_is_no_cross():
    """A market that rises from the start gives no signal until it has been below."""
    assert [] == played(bars(10, 11, 12, 13, 14, 15))[0]


def test_equal_averages_are_not_above():
    """Only a fast average that is truly higher buys, to the last digit."""
    assert [] == played(bars(12, 11, 10, 10, 10, 10))[0]
    assert 1 == len(played(bars(12, 11, 10, 10, 10, "10.00000001"))[0])


def test_nothing_happens_before_the_slow_average_is_complete():
    """Fewer closes than the slow average needs decide nothing."""
    assert [] == played(bars(12, 9, 30), slow=4)[0]


def test_it_never_sells_short():
    """A cross downwards without a position sends nothing."""
    assert [] == played(bars(10, 11, 12, 9, 8, 7))[0]


@pytest.mark.parametrize(
    ("symbol", "lot", "quantity"),
    [("BTC/USD", None, "41.6666"), ("AAPL", None, "41"), ("AAPL", D(5), "40"), ("BTC/USD", D("0.01"), "41.66")],
)
def test_quantities_are_rounded_down_to_the_lot(symbol, lot, quantity):
    """Whole shares, or a ten-thousandth of a pair's base, unless settings say otherwise."""
    orders, _ = played(bars(12, 11, 10, 9, 12, 14, symbol=symbol), lot=lot)

    assert [(4, Side.BUY, D(quantity))] == orders


def test_it_sells_what_a_fee_in_the_coin_has_left():
    """Where the venue takes its fee out of what was bought, it sells what is there, and is flat."""
    market = MarketConfig(ideal=False, fees=Fees.ALPACA_CRYPTO, fills=FillsConfig(participation=D(0)))
    orders, result = played(bars(12, 11, 10, 9, 12, 14, 12, 8, 8, 8), market=market)

    assert [(4, Side.BUY, D("41.6666")), (7, Side.SELL, D("41.5624335"))] == orders
    assert {} == dict(result.books.portfolio.open_positions)


def test_a_cross_cancels_what_the_last_one_has_left():
    """An order that the market fills slowly is cancelled by the next cross, which then trades what there is."""
    market = MarketConfig(fees=Fees.NONE, fills=FillsConfig(spread_bps=D(0), slippage_bps=D(0), participation=D(1)))
    orders, result = played(bars(12, 11, 10, 9, 12, 14, 12, 8, 8, 8, 8, 8), market=market)

    assert [(4, Side.BUY, D("41.6666")), (8, Side.SELL, D(3))] == orders
    assert [Status.CANCELED, Status.FILLED] == [order.status for order in result.books.tracker]
    assert {} == dict(result.books.portfolio.open_positions)


def test_less_than_a_lot_is_no_order():
    """With too little cash for one share nothing is sent, rather than an order of nothing."""
    assert [] == played(bars(12, 11, 10, 9, 12, 14, symbol="AAPL"), cash=20)[0]


def test_cash_below_nothing_is_no_order():
    """A gap can cost more than there is; the next symbol's cross then buys nothing, and raises nothing."""
    falls_then_rises = [12, 11, 10, 9, 12, 14, 14]
    later = [12, 11, 10, 9, 9, 12, 14]
    opens = [12, 11, 10, 9, 9, 100, 14]  # bought at 100 in the bar behind the cross
    orders, result = played(
        bars(*falls_then_rises, symbol="A/USD", opens=opens), bars(*later, symbol="B/USD"), share=D("0.9")
    )

    assert "completed" == result.outcome
    assert ["A/USD"] == [order.symbol for order in result.books.tracker]
    assert result.books.available() < 0
    assert 1 == len(orders)


def test_symbols_are_kept_apart():
    """Each symbol has its own averages and its own position."""
    up, down = [12, 11, 10, 9, 12, 14, 15], [12, 13, 14, 15, 12, 9, 8]
    _, result = played(bars(*up, symbol="A/USD"), bars(*down, symbol="B/USD"))

    assert ["A/USD"] == [order.symbol for order in result.books.tracker]


def test_orders_are_good_till_cancelled():
    """An order from the last bar of a day is not lost overnight."""
    _, result = played(bars(12, 11, 10, 9, 12))

    assert [(TimeInForce.GTC, Status.WORKING)] == [
        (order.request.time_in_force, order.status) for order in result.books.tracker
    ]


def test_the_gate_bounds_what_it_may_spend():
    """A share that leaves no room for the gate's allowance is denied, and the strategy goes on."""
    _, result = played(bars(12, 11, 10, 9, 12, 14), share=D(1))

    assert [Status.DENIED] == [order.status for order in result.books.tracker]
    assert "completed" == result.outcome


def test_running_sums_are_the_averages():
    """Over a long, jagged series it crosses exactly where averages worked out anew cross."""
    closes = [D(100) + (D(index * index % 37) - 18) / 7 for index in range(400)]
    fast, slow = 5, 17
    expected, before = [], None
    for index in range(slow - 1, len(closes)):
        above = sum(closes[index - fast + 1 : index + 1]) * slow > sum(closes[index - slow + 1 : index + 1]) * fast
        if before is not None and above is not before:
            expected.append((index, Side.BUY if above else Side.SELL))
        before = above
    if expected[0][1] is Side.SELL:
        del expected[0]  # nothing to sell yet
    orders, _ = played(bars(*closes), fast=fast, slow=slow)

    assert len(expected) > 20
    assert expected == [(bar, side) for bar, side, _ in orders]


@pytest.mark.parametrize(
    "settings",
    [{"fast": 0}, {"slow": 1, "fast": 1}, {"share": D(0)}, {"share": D("1.01")}, {"lot": D(0)}, {"fast": 50}],
)
def test_settings_are_checked(settings):
    """Averages of nothing, a fast one that is not faster, and shares or lots out of bounds are refused."""
    with pytest.raises(ValueError):
        SmaCross(**settings)
    with pytest.raises(InvalidInput):
        convert(settings, SmaCross, where="x")


def test_fast_has_to_be_below_slow():
    """The error names the setting and the other one's value."""
    with pytest.raises(InvalidRequest, match="fast = 10: expected less than slow, which is 10"):
        SmaCross(fast=10, slow=10)
