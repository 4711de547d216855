"""Wait a while after a trade."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from engine.errors import InvalidRequest
from engine.risk.protections import CooldownPeriod

D = Decimal
FIVE, TEN, HALF_AN_HOUR = timedelta(minutes=5), timedelta(minutes=10), timedelta(minutes=30)


@pytest.mark.parametrize(("candle", "end"), [(FIVE, "A 10:35:00"), (None, "A 10:31:30")])
@pytest.mark.parametrize("ratio", ["0.01", "-0.01", "0"])
def test_two_candles_after_any_trade(history, candle, end, ratio):
    """The symbol is locked for ten minutes from the close on, whatever the trade made."""
    assert [end] == history(CooldownPeriod(lock_for=TEN, candle=candle)).ends("10:21:30", ratio, "signal")


@pytest.mark.parametrize(
    ("after", "ratio", "reason", "locks"),
    [
        ("losses", "-0.001", "signal", True),
        ("losses", "0", "stop_loss", False),
        ("losses", "0.001", "stop_loss", False),
        ("stops", "0.001", "stop_loss", True),
        ("stops", "0.001", "trailing_stop", True),
        ("stops", "-0.001", "signal", False),
        ("stops", "-0.001", "take_profit", False),
    ],
)
def test_which_trades(history, after, ratio, reason, locks):
    """After losses, which are below nothing, or after what a stop ended."""
    assert locks is bool(history(CooldownPeriod(after=after)).close("10:00", ratio, reason))


@pytest.mark.parametrize(
    ("loss", "expected"), [("-0.5", ["* 10:30:00"]), ("-0.49999", []), ("0.6", []), ("-0.6", ["* 10:30:00"])]
)
def test_everything_after_a_large_loss(history, loss, expected):
    """A loss of 500 or more locks all symbols for half an hour."""
    rule = CooldownPeriod(min_loss=D(500), everything=True, lock_for=HALF_AN_HOUR)

    assert expected == history(rule).ends("10:00", loss, "signal")


def test_a_later_trade_renews(history):
    """Each close locks from there on; one that is told late, and would end earlier, brings nothing."""
    book = history(CooldownPeriod(lock_for=TEN))

    assert [["A 10:10:00"], ["A 10:15:00"], []] == [book.ends(clock) for clock in ("10:00", "10:05", "10:02")]


def test_a_lock_says_why(history):
    """Reason, trade and id; both sides."""
    (lock,) = history(CooldownPeriod()).close("10:00", "-0.05", "stop_loss")

    assert "a trade of A closed with -50.00 (stop_loss)" == lock.reason
    assert ("cooldown.1/A/1", (1,), None, "cooldown") == (lock.id, lock.trades, lock.side, lock.protection)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"after": "loss"}, "after"),
        ({"min_loss": D(0)}, "min_loss"),
        ({"min_loss": D(-5)}, "min_loss"),
        ({"lock_for": timedelta(0)}, "lock_for"),
    ],
)
def test_settings_that_make_no_sense(settings, field):
    """They are refused by name."""
    with pytest.raises(InvalidRequest) as caught:
        CooldownPeriod(**settings)

    assert field == caught.value.field
