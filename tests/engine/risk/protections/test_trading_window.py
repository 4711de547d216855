"""Entries at some hours only."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import msgspec
import pytest

from engine.errors import InvalidRequest
from engine.facts import DayBegan
from engine.model import OrderRequest, Side
from engine.risk.protections import TradingWindow

BUY = OrderRequest.market("A", Side.BUY, Decimal(1))
MORNING = TradingWindow(start=time(10), end=time(11, 30))
HALF_AN_HOUR = timedelta(minutes=30)


@pytest.fixture
def books(history):
    """Books without a session day."""
    return history().books


def passes(rule, books, text):
    """Whether an entry passes at that moment."""
    return rule.refusal(BUY, books, datetime.fromisoformat(text).astimezone(UTC)) is None


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        ("09:59:59.999999", False),
        ("10:00:00", True),
        ("11:30:00.000000", True),
        ("11:30:00.000001", False),
        ("23:00:00", False),
    ],
)
def test_both_ends_belong_to_the_window(books, clock, expected):
    """At the very end entries pass, a microsecond later not."""
    assert expected is passes(MORNING, books, f"2024-01-02T{clock}-05:00")


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2024-03-08T14:59:59Z", False),
        ("2024-03-08T15:00:00Z", True),
        ("2024-03-11T13:59:59Z", False),
        ("2024-03-11T14:00:00Z", True),
        ("2024-07-01T15:30:00Z", True),
        ("2024-07-01T15:30:01Z", False),
    ],
)
def test_summer_time(books, moment, expected):
    """Ten in New York is 15:00 UTC in winter and 14:00 in summer."""
    assert expected is passes(MORNING, books, moment)


@pytest.mark.parametrize(
    ("clock", "expected"), [("21:59", False), ("22:00", True), ("00:00", True), ("02:00", True), ("02:01", False)]
)
def test_a_window_over_midnight(books, clock, expected):
    """An end before the start is the next day's."""
    rule = TradingWindow(start=time(22), end=time(2), zone="UTC")

    assert expected is passes(rule, books, f"2024-01-02T{clock}:00Z")


@pytest.mark.parametrize(
    ("settings", "open_at", "shut_at"),
    [
        ({"start": time(10)}, ["10:00:00", "23:59:59.999999"], ["00:00:00", "09:59:59"]),
        ({"end": time(10)}, ["00:00:00", "10:00:00"], ["10:00:01", "23:59:59.999999"]),
    ],
)
def test_a_window_that_is_open_on_one_side(books, settings, open_at, shut_at):
    """Without an end it lasts until midnight, without a start it begins there."""
    rule = TradingWindow(**settings, zone="UTC")

    assert [True, True] == [passes(rule, books, f"2024-01-02T{clock}Z") for clock in open_at]
    assert [False, False] == [passes(rule, books, f"2024-01-02T{clock}Z") for clock in shut_at]


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        ("14:30:00", False),
        ("14:59:59", False),
        ("15:00:00", True),
        ("17:30:00", True),
        ("17:30:00.000001", False),
        ("20:00:00", False),
    ],
)
def test_hours_of_the_session(books, at, clock, expected):
    """Half an hour after the open entries pass, until half an hour before the close, which a half day has earlier."""
    half_day = DayBegan(at=at("14:30"), number=1, opens=at("14:30"), closes=at("18:00"), equity=None)
    books.apply(half_day, at("14:30"))
    rule = TradingWindow(after_open=HALF_AN_HOUR, before_close=HALF_AN_HOUR)

    assert expected is passes(rule, books, f"2024-01-02T{clock}Z")


def test_session_and_clock_together(books, at):
    """Both have to allow it."""
    books.apply(DayBegan(at=at("14:30"), number=1, opens=at("14:30"), closes=at("21:00"), equity=None), at("14:30"))
    rule = TradingWindow(start=time(10), before_close=HALF_AN_HOUR)
    clocks = ("14:59", "15:00", "20:30", "20:31")

    assert [False, True, True, False] == [passes(rule, books, f"2024-01-02T{clock}:00Z") for clock in clocks]


def test_missing_input_refuses(books):
    """While no session day has begun its hours are not known; hours of the clock need none."""
    rules = [TradingWindow(after_open=HALF_AN_HOUR), TradingWindow(before_close=timedelta(0)), MORNING]

    assert [False, False, True] == [passes(rule, books, "2024-01-02T15:00:00Z") for rule in rules]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"start": time(10), "end": time(11, 30)}, "from 10:00:00 to 11:30:00 America/New_York, it is 09:30:00"),
        ({"start": time(23, 45), "zone": "Asia/Tokyo"}, "from 23:45:00 to 24:00 Asia/Tokyo, it is 23:30:00"),
        ({"end": time(9), "zone": "UTC"}, "from 00:00 to 09:00:00 UTC, it is 14:30:00"),
        ({"after_open": HALF_AN_HOUR}, "from 30 min after the open at 14:30 UTC on"),
        ({"before_close": timedelta(hours=7)}, "until 7 h before the close at 21:00 UTC"),
    ],
    ids=["hours", "zone", "no start", "after the open", "before the close"],
)  # fmt: skip
def test_a_refusal_says_when(books, at, settings, message):
    """Hours and zone as they were set."""
    books.apply(DayBegan(at=at("14:30"), number=1, opens=at("14:30"), closes=at("21:00"), equity=None), at("14:30"))
    refusal = TradingWindow(**settings).refusal(BUY, books, at("14:30"))

    assert ("TRADING_WINDOW", at("14:30").isoformat()) == (refusal.code, refusal.value)
    assert f"entries pass {message}" == refusal.message


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({}, "start"),
        ({"start": time(10), "zone": "New York"}, "zone"),
        ({"start": time(10), "zone": ""}, "zone"),
        ({"start": time(10), "zone": "America"}, "zone"),
        ({"start": time(10), "zone": "../UTC"}, "zone"),
        ({"start": time(10), "end": time(10)}, "end"),
        ({"end": time(0)}, "end"),
        ({"start": time(10, tzinfo=UTC)}, "start"),
        ({"end": time(10, tzinfo=UTC)}, "end"),
        ({"after_open": timedelta(-1)}, "after_open"),
        ({"before_close": timedelta(days=40_000)}, "before_close"),
    ],
)
def test_settings_that_make_no_sense(settings, field):
    """They are refused by name."""
    with pytest.raises(InvalidRequest) as caught:
        TradingWindow(**settings)

    assert field == caught.value.field


def test_the_zone_is_kept_by_name_alone():
    """What the zone's name was looked up to is neither compared nor written."""
    rule = TradingWindow(start=time(10))
    written = {"method": "trading-window", "start": "10:00:00", "end": None, "zone": "America/New_York"}

    assert rule == TradingWindow(start=time(10))
    assert written | {"after_open": None, "before_close": None} == msgspec.to_builtins(rule)
