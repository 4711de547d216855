"""Stop after too deep a fall."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from engine.errors import InvalidRequest
from engine.risk.protections import MaxDrawdown

D = Decimal
FIVE = timedelta(minutes=5)


def closed(book, ratios, **more):
    """The locks of the last of trades at 10:00, 10:01, …"""
    return [book.ends(f"10:{minute:02}", ratio, **more) for minute, ratio in enumerate(ratios)][-1]


@pytest.mark.parametrize(
    ("ratios", "fall"),
    [
        (["0.02", "0.03", "-0.04", "-0.02", "0.01"], "0.06"),
        (["-0.50"], "0.50"),
        (["-0.10", "-0.10", "-0.10"], "0.30"),
        (["0.02", "0.03", "-0.01"], "0.01"),
        (["0.02", "0.03"], "0"),
        (["-0.02", "0.03", "-0.02"], "0.02"),
    ],
)
def test_ratios(history, ratios, fall):
    """The deepest fall of the sum of ratios from its peak, which is never below the point where the window begins."""
    book = history()
    for minute, ratio in enumerate(ratios):
        book.trade(f"10:{minute:02}", ratio)

    assert D(fall) == MaxDrawdown(max_drawdown=D("0.05"), mode="ratios").fall(book.books.trades.closed, D(10_000))


@pytest.mark.parametrize(
    ("ratios", "locks"),
    [
        (["0.02", "0.03", "-0.04", "-0.02", "0.01"], ["* 11:04:00"]),
        (["-0.50"], ["* 11:00:00"]),
        (["-0.10", "-0.10", "-0.10"], ["* 11:02:00"]),
        (["0.02", "0.03", "-0.01"], []),
        (["0.05", "-0.05"], []),
        (["0.05", "-0.0501"], ["* 11:01:00"]),
    ],
)
def test_more_than_the_limit_locks(history, ratios, locks):
    """A fall of exactly the limit does not lock; one that is deeper locks everything from the latest trade on."""
    assert locks == closed(history(MaxDrawdown(max_drawdown=D("0.05"), mode="ratios")), ratios)


def test_candles(history):
    """With candles the end is moved up to the next boundary, and one on a boundary a whole candle further."""
    rule = MaxDrawdown(max_drawdown=D("0.05"), mode="ratios", candle=FIVE)

    assert [["* 11:05:00"], ["* 11:10:00"]] == [history(rule).ends(clock, "-0.5") for clock in ("10:04", "10:05")]


def test_equity(history):
    """Losses of 500 and 300 from 10,000 are a fall of 8 % of the account, and not of what was left of it."""
    book = history()
    book.trade("10:00", "-0.5")
    book.trade("10:01", "-0.3")

    assert D("0.08") == MaxDrawdown(max_drawdown=D("0.05")).fall(book.books.trades.closed, D(10_000))


@pytest.mark.parametrize(("limit", "locks"), [("0.08", []), ("0.0799", ["* 11:01:00"])])
def test_equity_is_held_against_the_limit(history, limit, locks):
    """Exactly the limit does not lock."""
    assert locks == closed(history(MaxDrawdown(max_drawdown=D(limit))), ["-0.5", "-0.3"])


def test_equity_begins_where_the_window_does(history):
    """What was made before the window is part of what can be lost, and not of the fall."""
    book = history(MaxDrawdown(max_drawdown=D("0.0799")))
    book.trade("08:00", "-2")  # 8,000 are left
    book.trade("09:00:30", "0.5")  # just outside of the last window

    assert [["* 11:00:30"], []] == [
        book.ends("10:00:30", "-0.68"),  # 680 of 8,500 are 8 %
        history(MaxDrawdown(max_drawdown=D("0.0799"))).ends("10:00:30", "-0.68"),
    ]


def test_peaks_of_equity_count(history):
    """The fall is held against the account at its peak: 1,100 of 11,000, not of 10,000."""
    assert [] == closed(history(MaxDrawdown(max_drawdown=D("0.1"))), ["1", "-1.1"])


@pytest.mark.parametrize(
    ("start", "profit", "fall"), [(0, "-0.1", "1"), (-50, "-0.1", "1"), (0, "0", "0"), (0, "0.1", "0")]
)
def test_an_account_with_nothing_to_lose(history, start, profit, fall):
    """Any loss of it is all of it."""
    book = history()
    book.trade("10:00", profit)

    assert D(fall) == MaxDrawdown(max_drawdown=D("0.1")).fall(book.books.trades.closed, D(start))


def test_a_winner_renews(history):
    """While the fall is in the window each trade that closes locks anew, a winner too; then none does."""
    book = history(MaxDrawdown(max_drawdown=D("0.05"), mode="ratios"))
    locks = [book.ends(clock, ratio, symbol=symbol) for clock, ratio, symbol in (
        ("10:00", "-0.5", "A"), ("10:59:59", "0.1", "B"), ("11:00", "0.1", "C"))]  # fmt: skip

    assert [["* 11:00:00"], ["* 11:59:59"], []] == locks


@pytest.mark.parametrize(("limit", "locks"), [(2, ["* 11:01:00"]), (3, [])])
def test_trade_limit(history, limit, locks):
    """Fewer trades than the limit never lock; symbols and sides count together."""
    book = history(MaxDrawdown(max_drawdown=D("0.05"), mode="ratios", trade_limit=limit))
    book.close("10:00", "-0.5", symbol="B", side="sell")

    assert locks == book.ends("10:01", "-0.5")


def test_a_lock_says_what_fell(history, at):
    """Reason, trades and moment."""
    (lock,) = history(MaxDrawdown(max_drawdown=D("0.02"))).close("10:00", "-0.5")

    assert "1 trades within 1 h fell by 0.0500 (equity), the limit is 0.02" == lock.reason
    assert ("max-drawdown.1/*/1", (1,), at("10:00"), None, None) == (
        lock.id, lock.trades, lock.at, lock.symbol, lock.side)  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"max_drawdown": D("-0.1")}, "max_drawdown"),
        ({"max_drawdown": D(1)}, "max_drawdown"),
        ({"max_drawdown": D("0.1"), "mode": "ratio"}, "mode"),
        ({"max_drawdown": D("0.1"), "trade_limit": 0}, "trade_limit"),
        ({"max_drawdown": D("0.1"), "lookback": timedelta(-1)}, "lookback"),
        ({"max_drawdown": D("0.1"), "candle": timedelta(0)}, "candle"),
    ],
)
def test_settings_that_make_no_sense(settings, field):
    """They are refused by name."""
    with pytest.raises(InvalidRequest) as caught:
        MaxDrawdown(**settings)

    assert field == caught.value.field


def test_ratios_may_add_up_to_more_than_one():
    """In mode "ratios" a limit above 1 makes sense."""
    assert D(2) == MaxDrawdown(max_drawdown=D(2), mode="ratios").max_drawdown
