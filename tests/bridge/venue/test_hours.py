"""Phases of a day, and what ends when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bridge.venue.core import Core, Request, Trader
from bridge.venue.hours import Hours, Phase, calendar_of
from engine.calendar import AlwaysOpen, Daily, FixedCalendar, Session, USEquities
from engine.errors import InvalidRequest


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


# --- hours to choose from ---------------------------------------------------------------------------------------------


def test_the_hours_of_a_venue():
    """Those of the exchanges, or every day from midnight to midnight in New York; there are no others."""
    always = calendar_of("always")

    assert isinstance(always, Daily)
    assert Session(open=at("2024-01-06T05:00"), close=at("2024-01-07T05:00")) == always.session_at(
        at("2024-01-06T12:00")
    )
    with pytest.raises(InvalidRequest, match="hours = 'sometimes'"):
        calendar_of("sometimes")


def test_the_hours_of_the_exchanges():
    """They need a package that knows the holidays."""
    pytest.importorskip("holidays")

    assert isinstance(calendar_of("exchange"), USEquities)


ALWAYS = Hours(calendar_of("always"))
SPRING = ("2024-03-10T05:00", "2024-03-11T04:00")  # 23 hours, for New York puts its clocks forward


@pytest.mark.parametrize("moment", ["2024-03-10T05:00", "2024-03-10T12:00", "2024-03-11T03:59"])
def test_an_open_venue_has_no_hours_beside_its_sessions(moment):
    """It is always in one, changes at midnight, and an order for the day ends there, be it for the evening too."""
    ends = [ALWAYS.day_ends(at(moment), extended=extended) for extended in (False, True)]

    assert (Phase.REGULAR, at(SPRING[1])) == (ALWAYS.phase(at(moment)), ALWAYS.next_change(at(moment)))
    assert [at(SPRING[1])] * 2 == ends


def test_the_clock_of_an_open_venue():
    """It is open, and closes and opens again at the next midnight in New York."""
    assert {
        "timestamp": "2024-03-10T12:00:00-04:00",
        "is_open": True,
        "next_open": "2024-03-11T00:00:00-04:00",
        "next_close": "2024-03-11T00:00:00-04:00",
    } == ALWAYS.clock(at("2024-03-10T16:00"))


def test_the_calendar_of_an_open_venue():
    """Every day is one of trading, and all its times lie on it: 24:00 is none that clients can read."""
    first = at("2024-03-09T12:00").date()
    days = ALWAYS.days(first, first + timedelta(days=2))

    assert ["2024-03-09", "2024-03-10", "2024-03-11"] == [day["date"] for day in days]
    assert {("00:00", "23:59", "0000", "2359")} == {
        (day["open"], day["close"], day["session_open"], day["session_close"]) for day in days
    }
    assert "2024-03-10" == days[0]["settlement_date"]


def test_hours_around_a_session_do_not_reach_into_another():
    """What comes after a session ends where the next one begins, and what comes before it where the last one ended."""
    days = [("2024-01-04T12:00", "2024-01-04T15:00"), ("2024-01-04T17:00", "2024-01-04T20:00")]
    hours = Hours(FixedCalendar(Session(open=at(first), close=at(last)) for first, last in days))
    second = hours.days(at("2024-01-04T12:00").date(), at("2024-01-04T12:00").date())[1]

    assert at("2024-01-04T17:00") == hours.next_change(at("2024-01-04T15:00"))
    assert at("2024-01-04T17:00") == hours.day_ends(at("2024-01-04T13:00"), extended=True)
    assert ("1000", "1900") == (second["session_open"], second["session_close"])


KEYS = {"apca-api-key-id": "k", "apca-api-secret-key": "s"}


@pytest.mark.parametrize("start", ["2024-01-06T23:30", "2024-03-10T05:00", "2024-11-03T06:30"])
def test_a_venue_that_is_always_open(start):
    """On a Saturday night and where clocks change orders fill, those for the day end at midnight, and time goes on."""
    core = Core([Trader(key="k", secret="s")], calendar=calendar_of("always"), start=at(start))

    def ask(method, path, body=b""):
        return core.handle(Request(method=method, path=path, headers=KEYS, body=body), core.now).body

    market = ask("POST", "/v2/orders", b'{"symbol":"AAPL","qty":1,"side":"buy","type":"market","time_in_force":"day"}')
    limit = ask(
        "POST",
        "/v2/orders",
        b'{"symbol":"AAPL","qty":1,"side":"buy","type":"limit","limit_price":100,"time_in_force":"day"}',
    )
    core.advance(core.now + timedelta(seconds=1))
    assert ["filled", "new"] == [ask("GET", f"/v2/orders/{order['id']}")["status"] for order in (market, limit)]

    midnight = datetime.fromisoformat(ask("GET", "/v2/clock")["next_close"])
    core.advance(midnight - timedelta(seconds=1))
    assert "new" == ask("GET", f"/v2/orders/{limit['id']}")["status"]
    core.advance(midnight)
    assert "expired" == ask("GET", f"/v2/orders/{limit['id']}")["status"]
    for _ in range(5):
        due = core.next_due()
        assert due > core.now
        core.advance(due)
        clock = ask("GET", "/v2/clock")
        assert (True, True) == (clock["is_open"], clock["next_open"] is not None)
