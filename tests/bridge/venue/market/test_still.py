"""A market in which nothing moves by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal as D

import pytest

from bridge.venue.market import Still
from engine.errors import ClockError

NOW = datetime(2024, 1, 2, 15, 30, tzinfo=UTC)


def test_nothing_moves():
    """There is no move, however often one asks, and it has no hours of its own."""
    still = Still(NOW)

    assert ([], [], None) == (list(still.moves()), list(still.moves()), still.calendar)


def test_the_first_moment():
    """It is kept in UTC; one without a zone is refused."""
    still = Still(datetime(2024, 1, 2, 10, 30, tzinfo=timezone(timedelta(hours=-5))))

    assert NOW == still.first
    with pytest.raises(ClockError, match="no time zone"):
        Still(datetime(2024, 1, 2))


def test_the_first_prices():
    """Those that were given, which are no longer the giver's to change."""
    prices = {"AAPL": D("191.5")}
    still = Still(NOW, prices)
    prices["AAPL"] = D(1)

    assert ({"AAPL": D("191.5")}, {}) == (still.prices, Still(NOW).prices)


def test_the_recipe():
    """It tells prices as JSON can hold them, the same in any order, and differs where they do."""
    one = Still(NOW, {"F": D(12), "AAPL": D("191.50")}).recipe
    same = Still(NOW, {"AAPL": D("191.50"), "F": D(12)}).recipe

    assert {"market": "still", "prices": {"AAPL": "191.50", "F": "12"}} == one == same
    assert one != Still(NOW).recipe


def test_a_venue_of_it(new_house, new_order):
    """Prices begin where they were given, and stand until somebody moves them."""
    house = new_house(Still(NOW, {"AAPL": D("191.5")}))
    apple = house.core.assets.find("AAPL")
    before = house.core.last(apple)
    house.advance(NOW + timedelta(days=1))
    then = house.core.last(apple)
    house.price("AAPL", D(192), house.now)

    assert [D("191.5"), D("191.5"), D(192)] == [before, then, house.core.last(apple)]
