"""Stop after too many stops."""

from __future__ import annotations

from datetime import time, timedelta
from decimal import Decimal

import pytest

from engine.errors import InvalidRequest
from engine.facts import LocksReleased
from engine.model import Side
from engine.risk.protections import StoplossGuard

D = Decimal
FIVE, HALF_AN_HOUR = timedelta(minutes=5), timedelta(minutes=30)
GUARD = {"trade_limit": 3, "lock_for": HALF_AN_HOUR}
FIRST = [("10:03", "-0.020", "stop_loss", "A"), ("10:20", "-0.010", "stop_loss", "B")]
WINNER = ("10:30", "0.005", "trailing_stop", "C")
LAST = ("10:47", "-0.015", "stop_loss", "A")


def ends(book, trades):
    """What each trade locks."""
    return [book.ends(clock, ratio, reason, symbol=symbol) for clock, ratio, reason, symbol in trades]


@pytest.mark.parametrize(
    ("candle", "last", "expected"),
    [
        (FIVE, "10:47", "* 11:20:00"),
        (None, "10:47", "* 11:17:00"),
        (FIVE, "10:50", "* 11:25:00"),
        (None, "10:50", "* 11:20:00"),
    ],
)
def test_third_stop_of_an_hour(history, candle, last, expected):
    """The third bad trade locks everything from its close on; a trailing stop with a profit is not bad."""
    book = history(StoplossGuard(**GUARD, candle=candle))
    locks = ends(book, [*FIRST, WINNER, (last, *LAST[1:])])

    assert [[], [], [], [expected]] == locks


@pytest.mark.parametrize(("candle", "end"), [(FIVE, "11:20"), (None, "11:17")])
def test_the_lock_ends_at_its_end(history, at, candle, end):
    """An entry a microsecond before the end is kept out of any symbol, at the very end not."""
    book = history(StoplossGuard(**GUARD, candle=candle))
    ends(book, [*FIRST, LAST])
    held = [
        book.books.locks.holding(symbol, side, at(end) - timedelta(microseconds=early)) is not None
        for symbol, side, early in (("Z", Side.BUY, 1), ("A", Side.SELL, 1), ("Z", Side.BUY, 0))
    ]

    assert [True, True, False] == held


@pytest.mark.parametrize(
    ("candle", "last", "expected"),
    [
        (FIVE, "10:47:12", (2, "11:05")),
        (None, "10:47:12", (2, "11:00")),
        (FIVE, "11:03:00", (3, "11:05")),
        (None, "11:03:00", (3, "11:00")),
        (None, "10:59:59.999999", (2, "11:00")),
        (None, "11:00:00", (3, "11:00")),
    ],
)
def test_unlock_at_a_time_of_day(history, at, candle, last, expected):
    """The lock ends at the first such time after the close; a close at that very time waits for the next day's."""
    book = history(StoplossGuard(trade_limit=1, unlock_at=time(11), candle=candle))
    (lock,) = book.close(last)

    assert at(expected[1], expected[0]) == lock.until


def test_required_profit(history):
    """A trade that lost less than was required is not bad."""
    book = history(StoplossGuard(**GUARD, required_profit=D("-0.012")))

    assert [[], [], [], []] == ends(book, [*FIRST, WINNER, LAST])


@pytest.mark.parametrize(
    ("ratio", "required", "bad"),
    [("-0.012", "-0.012", False), ("-0.0121", "-0.012", True), ("0", "0.01", False), ("0.005", "0.01", True)],
)
def test_bad_is_below_what_is_required(history, ratio, required, bad):
    """Exactly the required ratio is good, and a trade that made nothing at all is never bad."""
    locks = history(StoplossGuard(trade_limit=1, required_profit=D(required))).close("10:00", ratio)

    assert bad is bool(locks)


@pytest.mark.parametrize(("first", "locks"), [("09:47:00", 0), ("09:47:00.000001", 1)])
def test_the_window_is_open_at_its_far_end(history, first, locks):
    """A trade that closed exactly the look-back ago does not count any more."""
    book = history(StoplossGuard(trade_limit=2))
    book.close(first)

    assert locks == len(book.close("10:47"))


def test_nothing_else_lengthens_the_lock(history, at):
    """A trade that is not bad brings no lock, however many bad ones are in the window."""
    book = history(StoplossGuard(**GUARD))
    ends(book, [*FIRST, LAST])

    others = [("10:55", "-0.5", "signal", "A"), ("10:56", "0.5", "stop_loss", "A")]
    assert [[], []] == ends(book, others)

    book.books.apply(LocksReleased(at=at("10:57"), ids=("stoploss-guard.1/*/3",), reason="by hand"), at("10:57"))
    assert [[], []] == ends(book, others), "nor does it bring back one that was lifted"


def test_a_bad_trade_renews_the_lock(history):
    """The fourth one locks again, from its own close on."""
    book = history(StoplossGuard(**GUARD))
    ends(book, [*FIRST, LAST])

    assert ["* 11:25:00"] == book.ends("10:55", symbol="D")


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, ["* 11:30:00"]),
        ({"only_per_symbol": True}, ["A 11:30:00"]),
        ({"only_per_side": True}, ["* buy 11:30:00"]),
        ({"only_per_symbol": True, "only_per_side": True}, ["A buy 11:30:00"]),
    ],
)
def test_scope(history, more, expected):
    """A guard of symbols or sides counts and locks what the bad trade was alone."""
    book = history(StoplossGuard(trade_limit=2, lock_for=HALF_AN_HOUR, **more))
    others = [book.ends("10:10", symbol="A", side="sell"), book.ends("10:11", symbol="B", side="buy")]
    book = history(StoplossGuard(trade_limit=2, lock_for=HALF_AN_HOUR, **more))
    book.close("10:50", symbol="A")

    assert [[], ["* 10:41:00"] if not more else []] == others
    assert expected == book.ends("11:00", symbol="A")


def test_all_losses_in_a_row(history, at):
    """
    Three losses in a row of a symbol lock it for an hour from the third on: event time, not when somebody looks.

    So a lock by the losses of 10:10, 10:30 and 10:50 ends at 11:50, also if it is looked at 10:55.
    """
    guard = StoplossGuard(
        counts="losses", in_a_row=True, only_per_symbol=True, trade_limit=3, lock_for=timedelta(hours=1)
    )
    book = history(guard)
    locks = [book.ends(clock, "-0.01", "signal") for clock in ("10:10", "10:30", "10:50")]

    assert [[], [], ["A 11:50:00"]] == locks
    held = [book.books.locks.holding("A", Side.BUY, at(now)) is not None for now in ("10:55", "11:49:59", "11:50")]
    assert [True, True, False] == held


@pytest.mark.parametrize(("between", "expected"), [("0.001", []), ("0", []), ("-0.001", ["* 11:50:00"])])
def test_a_row_ends_with_a_trade_that_is_not_bad(history, between, expected):
    """Only bad trades since the last other one count, and one that made nothing is another one."""
    book = history(StoplossGuard(counts="losses", in_a_row=True, trade_limit=3))
    for clock, ratio in (("10:00", "-0.01"), ("10:10", "-0.01"), ("10:20", between), ("10:30", "-0.01")):
        book.close(clock, ratio, "signal")

    assert expected == book.ends("10:50", "-0.01", "signal")


@pytest.mark.parametrize(
    ("reason", "locks"), [("stop_loss", 1), ("trailing_stop", 1), ("signal", 0), ("take_profit", 0)]
)
def test_what_a_stop_ended(history, reason, locks):
    """Stops of both kinds count, other exits only if all losses do."""
    assert locks == len(history(StoplossGuard(trade_limit=1)).close("10:00", "-0.01", reason))
    assert 1 == len(history(StoplossGuard(trade_limit=1, counts="losses")).close("10:00", "-0.01", reason))


def test_trades_told_late(history, at):
    """A trade that is told late counts where it closed: window and lock begin with the latest close."""
    book = history(StoplossGuard(**GUARD))
    for clock in ("10:40", "12:00", "12:30"):
        book.close(clock)

    assert [] == book.close("11:30")
    (lock,) = book.close("11:31")
    assert (at("12:30"), at("13:00"), (2, 3, 5)) == (lock.at, lock.until, lock.trades)


def test_a_lock_names_its_trades(history, at):
    """The lock says which trades caused it, and its id which closed last."""
    book = history(StoplossGuard(**GUARD))
    ends(book, [*FIRST, WINNER])
    (lock,) = book.close(*LAST[:3], symbol="A")

    assert ((1, 2, 4), "stoploss-guard.1/*/4", at("10:47")) == (lock.trades, lock.id, lock.at)
    assert "3 trades stopped out within 1 h, the limit is 3" == lock.reason


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"trade_limit": 0}, "trade_limit"),
        ({"lookback": timedelta(0)}, "lookback"),
        ({"required_profit": D("NaN")}, "required_profit"),
        ({"counts": "loss"}, "counts"),
        ({"lock_for": HALF_AN_HOUR, "unlock_at": time(11)}, "unlock_at"),
    ],
)
def test_settings_that_make_no_sense(settings, field):
    """They are refused by name."""
    with pytest.raises(InvalidRequest) as caught:
        StoplossGuard(**settings)

    assert field == caught.value.field
