"""A recipe makes a house, the same one each time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
from attrs import evolve

from bridge.venue.core import Request, Trader
from bridge.venue.market import Still
from bridge.venue.recipe import PAPER, Recipe, described, house_of
from engine.errors import ClockError, InvalidRequest

NOW = datetime(2024, 1, 6, 15, 30, 20, tzinfo=UTC)  # a Saturday


def test_what_is_there_when_nothing_is_said():
    """One account with 100,000 dollars, and a synthetic market that begins with the present minute."""
    house = house_of(Recipe(), now=NOW)
    (account,) = house.core.accounts.values()

    assert ("PAPERKEY", "papersecret", 100_000) == (PAPER.key, PAPER.secret, account.cash)
    assert (NOW.replace(second=0), True) == (house.now, house.core.open)
    assert house.next_due() is not None


@pytest.mark.parametrize(("hours", "expected"), [("always", True), ("exchange", False)])
def test_hours(hours, expected):
    """Shares trade always, or as in New York: not on a Saturday."""
    if hours == "exchange":
        pytest.importorskip("holidays")
    house = house_of(Recipe(market=Still(NOW), hours=hours), now=NOW)

    assert expected == house.core.open


def test_the_same_recipe_makes_the_same_venue(new_recipe, new_order):
    """Ids, stamps and frames; another seed makes others."""

    def frames(seed):
        house = house_of(new_recipe(seed=seed), now=NOW)
        house.handle(new_order(), house.now)
        house.advance(house.now + timedelta(seconds=1))
        return [frame.data for frame in house.frames()]

    assert frames(1) == frames(1) != frames(2)


def test_the_traders(new_recipe):
    """Each has an account with their own cash."""
    rich = Trader(key="RICH", secret="s", cash=D(5))
    house = house_of(new_recipe(traders=(PAPER, rich)), now=NOW)
    headers = {"apca-api-key-id": "RICH", "apca-api-secret-key": "s"}
    answer = house.handle(Request(method="GET", path="/v2/account", headers=headers), house.now)

    assert "5" == answer.body["cash"]


@pytest.mark.parametrize(
    ("more", "words"),
    [({"traders": ()}, "traders"), ({"hours": "never"}, "hours = 'never'"), ({"traders": (PAPER, PAPER)}, "traders")],
)
def test_recipes_that_make_no_venue(more, words):
    """They are refused when they are written, or at the latest when they are made."""
    with pytest.raises(InvalidRequest, match=words):
        house_of(Recipe(market=Still(NOW), **more), now=NOW)


def test_a_start_without_a_zone():
    """Nobody knows when that is."""
    with pytest.raises(ClockError, match="no time zone"):
        house_of(Recipe(start=datetime(2024, 1, 2)), now=NOW)


def test_a_description_tells_no_secret(new_recipe):
    """It differs where the venue would go on otherwise, and nowhere has a secret in it."""
    recipe = new_recipe()

    assert "papersecret" not in repr((described(recipe, NOW), recipe))
    assert described(recipe, NOW) == described(evolve(recipe, traders=recipe.traders), NOW)
    assert described(recipe, NOW) != described(evolve(recipe, seed=1), NOW)


@pytest.mark.parametrize("year", [1969, 2199, 9999])
def test_a_market_out_of_time(year):
    """The venue counts nanoseconds: a market that begins where they end is refused, and says so."""
    recipe = Recipe(market=Still(datetime(year, 12, 20, tzinfo=UTC)))
    with pytest.raises(InvalidRequest, match="years 1970 to 2198"):
        house_of(recipe, now=datetime(2024, 1, 2, tzinfo=UTC))
