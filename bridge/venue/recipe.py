"""What a venue is made of, in one value, and the house that is made of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Literal

from attrs import Attribute, field, frozen

from bridge.venue.core import Core, Trader
from bridge.venue.data.market_data import MarketData
from bridge.venue.faults.armed import AnyFault
from bridge.venue.frictions import Terms
from bridge.venue.hours import calendar_of
from bridge.venue.house import House
from bridge.venue.limits import RateLimit
from bridge.venue.market import Market, Synthetic, assets_for, fine
from engine.clock import utc
from engine.errors import InvalidRequest

__all__ = ["PAPER", "Recipe", "described", "house_of"]

PAPER = Trader(key="PAPERKEY", secret="papersecret")
"""Who has an account where nobody else is named: 100,000 dollars."""

_SECOND = timedelta(seconds=1)
_LAST_YEAR = 2198  # market data counts nanoseconds in 64 bits, and what clients ask for ends with 2199


def _some(instance: object, attribute: Attribute[tuple[Trader, ...]], value: tuple[Trader, ...]) -> None:
    if not value:
        raise InvalidRequest(attribute.name, value, "at least one")


def _known(instance: object, attribute: Attribute[str], value: object) -> None:
    if value not in ("always", "exchange"):
        raise InvalidRequest(attribute.name, value, "always or exchange")


def _whole(instance: object, attribute: Attribute[int], value: object) -> None:
    if type(value) is not int:
        raise InvalidRequest(attribute.name, value, "a whole number")


def _limit(instance: object, attribute: Attribute[RateLimit], value: object) -> None:
    if not isinstance(value, RateLimit):
        raise InvalidRequest(attribute.name, value, "a limit, e.g. RateLimit(requests=200)")


@frozen(kw_only=True)
class Recipe:
    """
    The same recipe and the same calls make the same venue.

    Attributes:
        traders: Who has an account.
        market: What moves its prices; None: a synthetic one, made of the seed.
        start: The first moment of a synthetic market, a whole minute; None: the present one.
        every: How often prices move between the corners of a bar; None: at its corners alone.
        hours: "always": the market in shares is open whatever the hour; "exchange": as New York's.
        seed: Of ids, latencies, the synthetic market and all else that is left to chance.
        terms: How the market treats an order.
        rate: How many requests a key may make to the trading API.
        data_rate: How many an account may make for market data.
        faults: What goes wrong on purpose; times are counted from the first moment, or from where a venue goes on.
    """

    traders: tuple[Trader, ...] = field(default=(PAPER,), validator=_some)
    market: Market | None = None
    start: datetime | None = None
    every: timedelta | None = _SECOND
    hours: Literal["always", "exchange"] = field(default="always", validator=_known)
    seed: int = field(default=0, validator=_whole)
    terms: Terms = field(factory=Terms)
    rate: RateLimit = field(factory=RateLimit, validator=_limit)
    data_rate: RateLimit = field(factory=RateLimit, validator=_limit)
    faults: tuple[AnyFault, ...] = ()


def described(recipe: Recipe, start: datetime) -> dict[str, object]:
    """What decides how a venue goes on, as JSON can hold it: no secret, no limit of requests, no place of a file."""
    return {
        "traders": [[trader.key, str(trader.cash), trader.multiplier] for trader in recipe.traders],
        "market": dict(_market(recipe, start).recipe),
        "hours": recipe.hours,
        "seed": recipe.seed,
        "terms": repr(recipe.terms),
    }


def _market(recipe: Recipe, now: datetime) -> Market:
    market = recipe.market
    if market is None:
        start = utc(recipe.start or now.replace(second=0, microsecond=0))
        shares = None if recipe.hours == "always" else calendar_of(recipe.hours)
        market = Synthetic(recipe.seed, start, calendar=shares)
    return market if recipe.every is None else fine(market, recipe.every)


def house_of(recipe: Recipe, *, now: datetime) -> House:
    """
    The house of a recipe; its faults are not armed, see `House.arm`.

    Args:
        now: The present, for a recipe that has no moment of its own.

    Raises:
        InvalidRequest: Something does not go together.
    """
    market = _market(recipe, now)
    if not 1970 <= market.first.year <= _LAST_YEAR:
        raise InvalidRequest("market", f"one that begins {market.first.isoformat()}", f"years 1970 to {_LAST_YEAR}")
    core = Core(
        recipe.traders,
        calendar=market.calendar or calendar_of(recipe.hours),
        start=market.first,
        seed=recipe.seed,
        assets=assets_for(market.prices),
        terms=recipe.terms,
        rate=recipe.rate,
    )
    data = MarketData(core.assets, authenticate=core.authenticate, rate=recipe.data_rate, seed=recipe.seed)
    return House(core, market, data, twin=partial(house_of, recipe, now=now))
