"""Bars of any width."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bridge.venue.data.tape import Series
from bridge.venue.data.timeframes import TimeFrame, bars, merged, stretch, timeframe, zone
from bridge.venue.spelling import NEW_YORK, moment, nanos

NOON = datetime(2024, 1, 3, 17, 0, tzinfo=UTC)  # a Wednesday


def minutes(*starts):
    """A bar of volume 10 at each minute after noon, its prices its number."""
    made = Series(7, 10_000)
    for start in starts:
        made.put(nanos(NOON + timedelta(minutes=start)), start, start + 0.5, start - 0.5, start + 0.25, 10, 2, start)
    return made


def listed(seen, text, low=-10_000, high=10_000, **more):
    found = bars(
        seen,
        timeframe(text),
        nanos(NOON + timedelta(minutes=low)),
        nanos(NOON + timedelta(minutes=high)),
        where=UTC,
        **more,
    )
    return [((moment(start) - NOON) / timedelta(minutes=1), numbers[4]) for start, numbers in found]


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ("1Min", TimeFrame(1, "Min")),
        ("59T", TimeFrame(59, "Min")),
        ("5min", TimeFrame(5, "Min")),
        ("23Hour", TimeFrame(23, "Hour")),
        ("4H", TimeFrame(4, "Hour")),
        ("1Day", TimeFrame(1, "Day")),
        ("1W", TimeFrame(1, "Week")),
        ("12Month", TimeFrame(12, "Month")),
        ("6M", TimeFrame(6, "Month")),
        *[
            (text, None)
            for text in ("", "Min", "0Min", "60Min", "24Hour", "2Day", "2Week", "5Month", "1day", "1", "１Min")
        ],
    ],
)
def test_widths_are_read(text, frame):
    """Amount and unit, in the long form and the short one, as far as Alpaca has them."""
    assert frame == timeframe(text)


@pytest.mark.parametrize(
    ("text", "where", "first", "after"),
    [
        ("1Min", UTC, "2024-01-03T17:07", "2024-01-03T17:08"),
        ("15Min", UTC, "2024-01-03T17:00", "2024-01-03T17:15"),
        ("7Min", UTC, "2024-01-03T17:02", "2024-01-03T17:09"),
        ("4Hour", UTC, "2024-01-03T16:00", "2024-01-03T20:00"),
        ("4Hour", NEW_YORK, "2024-01-03T17:00", "2024-01-03T21:00"),
        ("23Hour", UTC, "2024-01-03T00:00", "2024-01-03T23:00"),
        ("1Day", UTC, "2024-01-03T00:00", "2024-01-04T00:00"),
        ("1Day", NEW_YORK, "2024-01-03T05:00", "2024-01-04T05:00"),
        ("1Week", NEW_YORK, "2024-01-01T05:00", "2024-01-08T05:00"),
        ("1Month", UTC, "2024-01-01T00:00", "2024-02-01T00:00"),
        ("12Month", UTC, "2024-01-01T00:00", "2025-01-01T00:00"),
    ],
)
def test_stretches(text, where, first, after):
    """Counted from midnight, Monday, or the first of a month, where the market is."""
    found = stretch(timeframe(text), nanos(NOON + timedelta(minutes=7)), where)

    assert (first, after) == tuple(f"{moment(at):%Y-%m-%dT%H:%M}" for at in found)


def test_a_day_ends_with_midnight():
    """The last stretch of a day is cut where 23 hours do not fit."""
    first, after = stretch(timeframe("23Hour"), nanos(datetime(2024, 1, 3, 23, 30, tzinfo=UTC)), UTC)

    assert 3600 * 10**9 == after - first


def test_days_of_summer_time():
    """The day on which clocks go forward has 23 hours in New York."""
    first, after = stretch(timeframe("1Day"), nanos(datetime(2024, 3, 10, 12, tzinfo=UTC)), NEW_YORK)

    assert 23 * 3600 * 10**9 == after - first


def test_markets_have_their_midnight():
    """Coins live in UTC, shares in New York."""
    assert (UTC, NEW_YORK) == (zone(crypto=True), zone(crypto=False))


def test_bars_are_merged():
    """First, highest, lowest, last; volumes and trades added, the average weighted by volume."""
    seen = minutes(1, 2, 3)
    seen.columns[4][2] = 30  # volume of the last

    assert (1, 3.5, 0.5, 3.25, 50, 6, 2.4) == merged(seen, 0, 3)


def test_bars_without_volume_are_merged():
    """Where nothing was traded the average is the last price."""
    seen = minutes(1, 2)
    seen.columns[4][:] = type(seen.columns[4])("d", [0, 0])

    assert (0, 2.25) == (merged(seen, 0, 2)[4], merged(seen, 0, 2)[6])


def test_listing_goes_both_ways():
    """Forwards and backwards are the same bars; those without a minute in them are missing."""
    seen = minutes(0, 1, 5, 6, 7, 30)

    forwards = listed(seen, "5Min")
    assert [(0, 20), (5, 30), (30, 10)] == forwards
    assert forwards[::-1] == listed(seen, "5Min", backwards=True)


def test_a_bar_counts_by_its_start():
    """One that begins before the listing does is not in it; one that begins in it is whole."""
    seen = minutes(*range(20))

    assert [(5, 50), (10, 50)] == listed(seen, "5Min", 1, 12)
    assert [(10, 50), (5, 50)] == listed(seen, "5Min", 1, 12, backwards=True)


def test_wide_bars_stand_at_their_start():
    """What is wider than asked for is not cut up."""
    assert [(0, 10)] == listed(minutes(0), "1Min")
