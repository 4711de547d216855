"""Phases of a day, and what ends when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bridge.venue.hours import Hours, Phase
from engine.calendar import AlwaysOpen, FixedCalendar, Session


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


DAYS = [("2024-01-04T14:30", "2024-01-04T21:00"), ("2024-01-05T14:30", "2024-01-05T18:00")]
HOURS = Hours(FixedCalendar(Session(open=at(first), close=at(last)) for first, last in DAYS))


@pytest.mark.parametrize(
    ("moment", "phase", "change"),
    [
        ("2024-01-04T08:59", Phase.CLOSED, "2024-01-04T09:00"),
        ("2024-01-04T09:00", Phase.EXTENDED, "2024-01-04T14:30"),
        ("2024-01-04T14:30", Phase.REGULAR, "2024-01-04T21:00"),
        ("2024-01-04T21:00", Phase.EXTENDED, "2024-01-05T01:00"),
        ("2024-01-05T01:00", Phase.CLOSED, "2024-01-05T09:00"),
        ("2024-01-05T18:00", Phase.EXTENDED, "2024-01-05T22:00"),
        ("2024-01-05T22:00", Phase.CLOSED, None),
    ],
)
def test_phases(moment, phase, change):
    """Before, in and after the session, on half days too, and when the next one begins."""
    assert (phase, None if change is None else at(change)) == (HOURS.phase(at(moment)), HOURS.next_change(at(moment)))


@pytest.mark.parametrize(
    ("moment", "extended", "ends"),
    [
        ("2024-01-04T15:00", False, "2024-01-04T21:00"),
        ("2024-01-04T15:00", True, "2024-01-05T01:00"),
        ("2024-01-04T22:00", False, "2024-01-05T18:00"),
        ("2024-01-04T22:00", True, "2024-01-05T01:00"),
        ("2024-01-05T23:00", False, None),
    ],
)
def test_days_of_orders(moment, extended, ends):
    """With this session or the next one, with its evening if the order is for that."""
    assert (None if ends is None else at(ends)) == HOURS.day_ends(at(moment), extended=extended)


def test_nothing_is_kept_for_ever():
    """Shares for ninety days, until a quarter past four; coins until 21:00 UTC."""
    now = at("2024-01-04T15:00")

    assert [at("2024-04-03T20:15"), at("2024-04-03T21:00")] == [Hours.kept_until(now, crypto=c) for c in (False, True)]


def test_a_calendar_that_ends():
    """There is no next session, and the clock says so."""
    clock = HOURS.clock(at("2024-01-05T23:00"))

    assert (False, None, None) == (clock["is_open"], clock["next_open"], clock["next_close"])


def test_a_market_that_never_closes():
    """One session follows the other."""
    hours, now = Hours(AlwaysOpen()), at("2024-01-05T23:59")

    assert (Phase.REGULAR, now + timedelta(minutes=1)) == (hours.phase(now), hours.next_change(now))


@pytest.mark.parametrize(
    ("moment", "crypto", "expected"),
    [
        ("2024-01-04T10:00", False, "2024-01-05"),
        ("2024-01-04T20:59", False, "2024-01-05"),
        ("2024-01-05T00:30", False, "2024-01-05"),
        ("2024-01-05T15:00", False, None),
        ("2024-01-05T03:00", True, "2024-01-04"),
    ],
)
def test_when_a_trade_settles(moment, crypto, expected):
    """Shares with the session after that of their day in New York, coins on the day itself."""
    assert expected == HOURS.settles(at(moment), crypto=crypto)
