"""What a venue is made of, in one value, and the house that is made of it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from attrs import Attribute, field, frozen

from bridge.venue.core import Core, Trader
from bridge.venue.frictions import Terms
from bridge.venue.house import House
from bridge.venue.limits import RateLimit
from bridge.venue.market import Market, Still
from engine.calendar import AlwaysOpen, Calendar, USEquities
from engine.clock import utc
from engine.errors import InvalidRequest

__all__ = ["PAPER", "Recipe", "house_of"]

PAPER = Trader(key="PAPERKEY", secret="papersecret")
"""Who has an account where nobody else is named: 100,000 dollars."""


def _some(instance: object, attribute: Attribute[tuple[Trader, ...]], value: tuple[Trader, ...]) -> None:
    if not value:
        raise InvalidRequest(attribute.name, value, "at least one")


@frozen(kw_only=True)
class Recipe:
    """
    The same recipe and the same calls make the same venue.

    Attributes:
        traders: Who has an account.
        market: What moves its prices; None: the seeded synthetic one.
        start: The first moment; None: the market's first, and of the synthetic one the present.
        hours: "always": the market in shares is open whatever the hour; "exchange": as New York's.
        seed: Of ids, latencies, the synthetic market and all else that is left to chance.
        terms: How the market treats an order.
        rate: How many requests a key may make to the trading API.
    """

    traders: tuple[Trader, ...] = field(default=(PAPER,), validator=_some)
    market: Market | None = None
    start: datetime | None = None
    hours: Literal["always", "exchange"] = "always"
    seed: int = 0
    terms: Terms = field(factory=Terms)
    rate: RateLimit = field(factory=RateLimit)


def house_of(recipe: Recipe, *, now: datetime) -> House:
    """
    The house of a recipe.

    Args:
        now: The present, for a recipe that has no moment of its own.
    """
    market = recipe.market or Still()
    start = utc(recipe.start or market.first or now)
    calendar: Calendar = AlwaysOpen() if recipe.hours == "always" else USEquities()
    core = Core(
        recipe.traders,
        calendar=calendar,
        start=start,
        seed=recipe.seed,
        terms=recipe.terms,
        rate=recipe.rate,
    )
    return House(core, market)
