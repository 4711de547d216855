"""Bars as moves, and what says that two markets are the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

from bridge.venue.market.moves import Begun, Closed, Moved, digest_of, moves_of

START = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)


def test_bars_are_told_corner_by_corner(bar):
    """All of them begin, then move together by the nearer and the farther extreme to the close, then are complete."""
    bars = [bar("AAPL", 0, "190 193 189 192", 7), bar("MSFT", 0, "410 411 405 406", 8)]
    at = [START + timedelta(seconds=seconds) for seconds in (0, 20, 40, 60)]

    assert [
        Begun(START, "AAPL", D(7)),
        Begun(START, "MSFT", D(8)),
        Moved(at[0], "AAPL", D(190), True),
        Moved(at[0], "MSFT", D(410), True),
        Moved(at[1], "AAPL", D(189), False),
        Moved(at[1], "MSFT", D(411), False),
        Moved(at[2], "AAPL", D(193), False),
        Moved(at[2], "MSFT", D(405), False),
        Moved(at[3], "AAPL", D(192), False),
        Moved(at[3], "MSFT", D(406), False),
        Closed(at[3], bars[0]),
        Closed(at[3], bars[1]),
    ] == list(moves_of(bars))


def test_a_digest_is_of_the_recipe(bar, market_of):
    """Two markets of the same recipe have the same one, in whatever order it is written."""
    markets = [market_of([bar("AAPL", 0, "1 1 1 1")]) for _ in range(3)]
    for market, recipe in zip(markets, ({"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 1, "b": 3}), strict=True):
        market.recipe = recipe
    digests = [digest_of(market) for market in markets]

    assert digests[0] == digests[1] != digests[2]
