"""Leave a symbol alone that earns too little."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from engine.errors import InvalidRequest
from engine.risk.protections import LowProfitPairs

D = Decimal
FIVE, HALF_AN_HOUR = timedelta(minutes=5), timedelta(minutes=30)
RULE = {"lookback": HALF_AN_HOUR, "trade_limit": 2, "required_profit": D("0.02")}


@pytest.mark.parametrize(("candle", "end"), [(FIVE, "A 11:25:00"), (None, "A 11:21:00")])
@pytest.mark.parametrize(("second", "locks"), [("-0.005", True), ("0.005", False), ("0.0049", True)])
def test_sum_of_ratios(history, candle, end, second, locks):
    """Two trades that add up to less than required lock their symbol for an hour; exactly as much does not."""
    book = history(LowProfitPairs(**RULE, candle=candle))

    assert [] == book.ends("10:05", "0.015", "signal")
    assert [end] * locks == book.ends("10:21", second, "signal")


def test_one_trade_is_too_few(history):
    """Whatever it lost."""
    assert [] == history(LowProfitPairs(**RULE)).ends("10:05", "-0.5")


def test_each_symbol_by_itself(history):
    """Other symbols are neither counted nor added nor locked."""
    book = history(LowProfitPairs(**RULE))
    locks = [book.ends("10:05", "-0.5", symbol=symbol) for symbol in ("A", "B", "C")]

    assert [[], [], []] == locks
    assert ["B 11:06:00"] == book.ends("10:06", "0.1", symbol="B")


@pytest.mark.parametrize(("first", "locks"), [("10:00", []), ("10:00:00.000001", ["A 11:30:00"])])
def test_the_window_is_open_at_its_far_end(history, first, locks):
    """A trade that closed exactly the look-back ago does not count any more."""
    book = history(LowProfitPairs(**RULE))
    book.close(first, "-0.5")

    assert locks == book.ends("10:30", "-0.5")


def test_sides_by_themselves(history):
    """Trades of both sides make up the number, those of one side the sum, and that side is locked."""
    book = history(LowProfitPairs(**RULE, only_per_side=True))
    book.close("10:05", "-0.5", side="sell")
    (lock,) = book.close("10:06", "0.01")

    assert [] == book.ends("10:07", "0.01"), "the longs have made 0.02"
    assert ("A", "buy", (2,)) == (lock.symbol, lock.side.value, lock.trades)
    assert "1 trades of A within 30 min made 0.0100 of their cost, required is 0.02" == lock.reason


def test_trades_told_late(history):
    """The window ends with the symbol's latest close, and the lock begins there."""
    book = history(LowProfitPairs(**RULE))
    book.close("10:30", "-0.5")

    assert [[], ["A 11:30:00"]] == [book.ends(clock, "-0.5") for clock in ("09:55", "10:01")]


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"trade_limit": 0}, "trade_limit"),
        ({"lookback": timedelta(0)}, "lookback"),
        ({"required_profit": D("Infinity")}, "required_profit"),
    ],
)
def test_settings_that_make_no_sense(settings, field):
    """They are refused by name."""
    with pytest.raises(InvalidRequest) as caught:
        LowProfitPairs(**settings)

    assert field == caught.value.field
