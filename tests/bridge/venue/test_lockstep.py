"""The venue that waits for its client."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bridge.venue.frictions import Terms
from bridge.venue.lockstep import Lockstep
from engine.market.bars import Bar

START = datetime(2024, 1, 2, 15, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def bar(number, opened, high, low, close, symbol="AAPL"):
    prices = (Decimal(each) for each in (opened, high, low, close))
    return (Bar(symbol, START + number * MINUTE, START + (number + 1) * MINUTE, *prices, Decimal(10_000)),)


BARS = (bar(0, 100, 101, 99, 100), bar(1, 102, 104, 101, 103), bar(2, 103, 103, 90, 91))


@pytest.fixture
def direct(new_desk):
    """A desk whose orders meet the next move of the market."""
    return new_desk(terms=Terms(direct=True))


def test_a_step_plays_to_the_end_of_a_bar(direct):
    """Where nothing happens, one step plays all that lies before the moment, and the moment is reached."""
    lockstep = Lockstep(direct.core, BARS)
    stop = lockstep.step(START + 2 * MINUTE)

    assert (START + 2 * MINUTE, "", True) == (stop.at, stop.event_id, stop.done)
    assert Decimal(103) == direct.core.last(direct.core.assets.find("AAPL"))


def test_a_step_stops_behind_a_fill(direct):
    """An order of between two bars fills at the next open; what is sent there meets the path from there on."""
    lockstep = Lockstep(direct.core, BARS)
    direct.now = lockstep.step(START + MINUTE).at
    bought = direct.place()
    first = lockstep.step(START + 2 * MINUTE)
    direct.now = first.at
    sold = direct.place(side="sell", type="limit", limit_price=102)
    second = lockstep.step(START + 2 * MINUTE)
    last = lockstep.step(START + 2 * MINUTE)

    assert [(START + MINUTE, False), (START + MINUTE, False), (START + 2 * MINUTE, True)] == [
        (stop.at, stop.done) for stop in (first, second, last)
    ]
    assert ("102", "102") == (direct.order(bought)["filled_avg_price"], direct.order(sold)["filled_avg_price"])


def test_the_event_id_is_the_highest_that_the_stream_tells(direct):
    """It rises with everything that is told, also with what a request led to."""
    lockstep = Lockstep(direct.core, BARS)
    direct.now = lockstep.step(START + MINUTE).at
    direct.place()
    stop = lockstep.step(START + 2 * MINUTE)
    frames = [frame.data["event_id"] for frame in direct.core.frames()]

    assert sorted(frames) == frames
    assert frames[-1] == stop.event_id


def test_behind_the_last_bar_time_goes_on(direct):
    """A step beyond the market's end reaches its moment, and what is due by then happens."""
    lockstep = Lockstep(direct.core, BARS)
    direct.now = lockstep.step(START + 3 * MINUTE).at
    order = direct.place(type="limit", limit_price=80)
    close = datetime(2024, 1, 2, 21, 0, tzinfo=UTC)
    expired = lockstep.step(close)
    rest = lockstep.step(close)
    direct.now = close

    assert [(close, False), (close, True)] == [(stop.at, stop.done) for stop in (expired, rest)]
    assert "expired" == direct.order(order)["status"]


def test_the_last_price_belongs_to_the_session_that_ends_with_it(new_desk):
    """A bar that ends with the session trades to its close; only then does the session end."""
    start = datetime(2024, 1, 2, 20, 59, tzinfo=UTC)
    end = start + MINUTE
    desk = new_desk(start=start, terms=Terms(direct=True))
    last = (Bar("AAPL", start, end, Decimal(100), Decimal(101), Decimal(90), Decimal(95), Decimal(10_000)),)
    lockstep = Lockstep(desk.core, [last])
    desk.place(type="limit", limit_price=90, qty=2)
    desk.now = lockstep.step(end).at
    met = desk.place(type="limit", limit_price=94, side="sell")
    missed = desk.place(type="limit", limit_price=99, side="sell")
    stop = lockstep.step(end)
    desk.now = stop.at
    at_the_close = [desk.order(order)["status"] for order in (met, missed)]
    lockstep.step(end)

    assert (end, ["filled", "new"]) == (stop.at, at_the_close)
    assert "expired" == desk.order(missed)["status"]
