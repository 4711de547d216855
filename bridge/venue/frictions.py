"""
What stands between an order and the price that the market shows: time, chance, depth, spread and fees.

The models are the engine's. What is added is Alpaca's own: on paper one order in ten that could fill fills in part, and
is looked at again a little later.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import ROUND_DOWN, Decimal
from random import Random

from attrs import Attribute, evolve, field, frozen

from engine.errors import InvalidRequest
from engine.market.fees import AlpacaCrypto, BySymbol, FeeModel, NoFees
from engine.market.liquidity import BarLiquidity, Depth
from engine.market.matching import RESTED, Assumption, WorkingOrder
from engine.market.prices import TakerCosts
from engine.market.ticks import Tick
from engine.model import ZERO, Cost, TimeInForce

__all__ = ["Frictions", "Terms"]

_PRICED = RESTED | {"auction"}
_FINEST = Decimal("0.000000001")
_ONE = Decimal(1)


def _seconds(instance: object, attribute: Attribute[tuple[float, float]], value: tuple[float, float]) -> None:
    try:
        least, most = value
        sound = 0 <= least <= most <= 3600
    except (TypeError, ValueError):
        sound = False
    if not sound:
        raise InvalidRequest(attribute.name, value, "two numbers of seconds, 0 <= least <= most <= 3600")


def _chance(instance: object, attribute: Attribute[float], value: float) -> None:
    if not 0 <= value < 1:
        raise InvalidRequest(attribute.name, value, "a ratio from 0 to below 1")


@frozen(kw_only=True)
class Terms:
    """
    How the market treats an order.

    Attributes:
        latency: Seconds until an order, a cancel or a replacement takes effect, at least and at most.
        partials: How often a part is filled of an order that could be filled, 0 <= ratio < 1.
        fees: Of coins a part of what is received, of shares none, as on paper.
        depth: How much a bar, a trade or a quote lets an order trade; None: all it wants.
        costs: What an order that takes pays beyond the market's price; None: nothing.
        direct: As in the engine's own market: what is asked for takes effect at once and at any hour, an order first
            trades with the next move of the market, and one that is good till cancelled ends with a cancel alone.
            ``latency`` does not count.
        lenient: An order that can be worked is taken, also where Alpaca would refuse it: for the account's means, its
            other orders, or the rules of the market. What would have been refused is kept in ``Core.waived``.
    """

    latency: tuple[float, float] = field(default=(0.05, 0.4), validator=_seconds)
    partials: float = field(default=0.0, validator=_chance)
    fees: FeeModel = field(factory=lambda: BySymbol(AlpacaCrypto(), NoFees()))
    depth: Depth | None = None
    costs: TakerCosts | None = None
    direct: bool = False
    lenient: bool = False


class Frictions:
    """
    `Liquidity` and `Prices` of the venue's matcher.

    Attributes:
        cut: Ids of orders that chance filled in part since they were last taken out of here.
    """

    def __init__(self, terms: Terms, chance: Random) -> None:
        self._terms = terms
        self._chance = chance
        self._bars = BarLiquidity(terms.depth or Depth())
        # The spread of a quote is there and need not be assumed.
        self._beside = TakerCosts() if terms.costs is None else evolve(terms.costs, spread=ZERO)
        self.cut: list[str] = []

    def delay(self) -> timedelta:
        least, most = self._terms.latency
        return timedelta(seconds=self._chance.uniform(least, most))

    def begin(self, symbol: str, volume: Decimal) -> None:
        self._bars.begin(symbol, volume)

    def see(self, symbol: str, tick: Tick) -> None:
        self._bars.see(symbol, tick)

    def took(self, symbol: str, quantity: Decimal, *, buying: bool) -> None:
        self._bars.took(symbol, quantity, buying=buying)

    def liquidity(self, symbol: str, order: WorkingOrder, price: Decimal, assumption: Assumption) -> Decimal:
        """Base units that the order can trade now."""
        there = order.remaining if self._terms.depth is None else self._bars(symbol, order, price, assumption)
        if order.request.time_in_force is TimeInForce.FOK or assumption == "auction" or there <= 0:
            return there
        if not self._terms.partials or self._chance.random() >= self._terms.partials:
            return there
        whole = "/" not in symbol and order.remaining == order.remaining.to_integral_value()
        least = _ONE if whole else _FINEST
        part = (there * Decimal(self._chance.random())).quantize(least, ROUND_DOWN)
        part = max(part, least)
        if part >= there:
            return there
        self.cut.append(order.order_id)
        return part

    def paid(
        self, order: WorkingOrder, quantity: Decimal, price: Decimal, assumption: Assumption
    ) -> tuple[Decimal, tuple[Cost, ...]]:
        """What an order trades at: those who rested and those in an auction get the market's price."""
        costs = self._terms.costs
        if costs is None or assumption in _PRICED:
            return price, ()
        symbol, buying = order.request.symbol, order.buying
        volume = self._bars.volume(symbol, buying=buying)
        model = costs if self._bars.quoted(symbol) is None else self._beside
        return model.paid(price, quantity, volume, buying=buying, limit=order.limit)

    def expected(self, symbol: str, price: Decimal, *, buying: bool) -> Decimal:
        """What a small order that takes would trade at where the market shows ``price``."""
        costs = self._terms.costs
        if costs is None:
            return price
        model = costs if self._bars.quoted(symbol) is None else self._beside
        return model.paid(price, _FINEST, _ONE, buying=buying, limit=None)[0]
