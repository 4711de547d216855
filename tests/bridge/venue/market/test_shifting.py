"""A market at another moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from bridge.venue.market.moves import Closed, digest_of
from bridge.venue.market.recorded import Recorded
from bridge.venue.market.shifting import shifted
from bridge.venue.market.synthetic import SyntheticDay
from engine.errors import ClockError, InvalidRequest
from engine.market.ticks import TickBar

LATER = datetime(2026, 3, 9, 13, 7, tzinfo=UTC)


def test_all_moves_come_by_as_much_later(bar, market_of):
    """Bars with them; prices and volumes stay."""
    market = market_of([bar("AAPL", 0, "190 193 189 192"), bar("AAPL", 1, "192 193 189 192")])
    moved = shifted(market, LATER)
    by = LATER - market.first
    moves = [
        evolve(move, at=move.at + by, bar=evolve(move.bar, start=move.bar.start + by, end=move.bar.end + by))
        if isinstance(move, Closed)
        else evolve(move, at=move.at + by)
        for move in market.moves()
    ]

    assert moves == list(moved.moves())
    assert (LATER, market.prices) == (moved.first, moved.prices)


def test_back_and_forth_is_the_same(bar, market_of):
    """Nothing is lost on the way."""
    market = market_of([bar("AAPL", 0, "190 193 189 192")])

    assert list(market.moves()) == list(shifted(shifted(market, LATER), market.first).moves())


def test_ticks_come_later_too(file_of):
    """Those that are told, and those in the bar that is made of them."""
    text = "timestamp,price,size\n2024-01-02T14:30:00Z,60000,1\n2024-01-02T14:30:01.5Z,60001,2\n"
    first, second, closed = shifted(Recorded({"BTC/USD": file_of("t.csv", text)}), LATER).moves()

    assert LATER == first.at == first.tick.at
    assert LATER + timedelta(seconds=1.5) == second.at == second.tick.at
    assert isinstance(closed.bar, TickBar)
    assert ((first.tick, second.tick), LATER, LATER + timedelta(minutes=1)) == (
        closed.bar.ticks,
        closed.bar.start,
        closed.at,
    )


def test_a_market_that_was_shifted_has_no_hours():
    """Its day is no longer a day of the exchange, and its recipe is another one."""
    day = SyntheticDay(1)
    moved = shifted(day, LATER)

    assert moved.calendar is None
    assert digest_of(day) != digest_of(moved)


def test_minutes_stay_minutes(bar, market_of):
    """A moment between minutes is refused, and the error names one that would do."""
    market = market_of([bar("AAPL", 0, "190 193 189 192")])

    with pytest.raises(InvalidRequest, match="2026-03-09T13:07:00"):
        shifted(market, LATER + timedelta(seconds=7))
    with pytest.raises(ClockError):
        shifted(market, LATER.replace(tzinfo=None))
