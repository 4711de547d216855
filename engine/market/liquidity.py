"""
How much an order can trade: a part of what the market trades, and behind those who stood at its price before it.

A quote says how much stands there. Of a bar only its volume is known, and a trade is a bar as small as can be: our
orders together get a part of it at most, and a limit that the price only touches waits until as much has traded there
as stood before it. What was not filled waits for what comes next.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

from attrs import Attribute, field, frozen

from engine.errors import InvalidRequest
from engine.market.matching import Assumption, WorkingOrder
from engine.market.ticks import Quote, Tick, TradeTick
from engine.model import ZERO, require_not_negative

__all__ = ["BarLiquidity", "Depth"]

_ONE = Decimal(1)
_FINEST = Decimal("0.000000001")


def _part(instance: object, attribute: Attribute[Decimal | None], value: object) -> None:
    if value is None:
        return
    if not isinstance(value, Decimal) or not value.is_finite() or not ZERO < value <= 1:
        raise InvalidRequest(attribute.name, value, "a ratio above 0 up to 1 (0.1 = a tenth of the volume)")


def _ratio(instance: object, attribute: Attribute[Decimal], value: object) -> None:
    require_not_negative(attribute.name, value)


@frozen(kw_only=True)
class Depth:
    """
    What is assumed of the market's depth.

    Attributes:
        participation: Part of a bar's volume, or of a trade, that our orders in its symbol get at most, 0 < ratio <= 1;
            of a quote they get all that stands there. None: all they want.
        queue: What stands before a limit when the price first touches it, as a ratio of what that bar trades, >= 0.
            With 1 and an even volume the second touch fills, with 0 the first one does.
    """

    participation: Decimal | None = field(default=None, validator=_part)
    queue: Decimal = field(default=ZERO, validator=_ratio)


class BarLiquidity:
    """
    What is left to trade of each symbol's bar, trade or quote; a `Liquidity` of a `Matcher`.

    The bar's volume is known from its open on, which no strategy sees: it only ever makes fills smaller.
    """

    def __init__(self, depth: Depth) -> None:
        self._depth = depth
        self._bar = 0
        self._volumes: dict[str, Decimal] = {}
        self._left: dict[str, Decimal] = {}
        self._quotes: dict[str, Quote] = {}
        self._taken: dict[tuple[str, bool], Decimal] = {}  # of what stands at the quote, by who buys

    def begin(self, symbol: str, volume: Decimal) -> None:
        """A bar begins; ``volume`` is what it will trade, base units, >= 0."""
        self._bar += 1
        self._volumes[symbol] = volume
        if self._depth.participation is not None:
            self._left[symbol] = volume * self._depth.participation

    def see(self, symbol: str, tick: Tick) -> None:
        """A trade or a quote came; what we took of a quote stays taken for as long as its price and size stand."""
        if isinstance(tick, TradeTick):
            self.begin(symbol, tick.size)
            return
        quote, before = tick, self._quotes.get(symbol)
        if before is None or (before.ask, before.ask_size) != (quote.ask, quote.ask_size):
            self._taken[symbol, True] = ZERO
        if before is None or (before.bid, before.bid_size) != (quote.bid, quote.bid_size):
            self._taken[symbol, False] = ZERO
        self._quotes[symbol] = quote

    def quoted(self, symbol: str) -> Quote | None:
        """The last quote; None: the symbol has none."""
        return self._quotes.get(symbol)

    def volume(self, symbol: str, *, buying: bool) -> Decimal:
        """What the symbol's bar or trade has for all, or its quote for those who buy or sell, base units."""
        quote = self._quotes.get(symbol)
        if quote is not None:
            return quote.ask_size if buying else quote.bid_size
        return self._volumes.get(symbol, ZERO)

    def took(self, symbol: str, quantity: Decimal, *, buying: bool) -> None:
        """So much was traded by one of our orders."""
        if symbol in self._quotes:
            self._taken[symbol, buying] += quantity
        elif self._depth.participation is not None:
            self._left[symbol] -= quantity

    def __call__(self, symbol: str, order: WorkingOrder, price: Decimal, assumption: Assumption) -> Decimal:
        """Base units that the order can trade now, whole ones of a share that is ordered in whole ones."""
        left: Decimal | None = None
        if self._depth.participation is not None:
            if symbol in self._quotes:
                taken = self._taken[symbol, order.buying]
                left = max(self.volume(symbol, buying=order.buying) - taken, ZERO)
            else:
                left = self._left.get(symbol, ZERO)
        if assumption == "touch" and self._depth.queue:
            behind = self._behind(symbol, order)
            left = (order.remaining if behind else ZERO) if left is None else min(left, behind)
        if left is None or left >= order.remaining:
            return order.remaining
        whole = "/" not in symbol and order.remaining == order.remaining.to_integral_value()
        rounded = left.quantize(_ONE if whole else _FINEST, ROUND_DOWN)
        return left if left == rounded else rounded

    def _behind(self, symbol: str, order: WorkingOrder) -> Decimal:
        """What the orders at a touched price get of this bar once those before us have been served, base units."""
        volume = self.volume(symbol, buying=order.buying)
        if order.ahead is None:
            order.ahead = volume * self._depth.queue
        if order.touched != self._bar:  # a bar trades its volume once, however often its path comes by
            order.touched = self._bar
            order.behind = max(volume - order.ahead, ZERO)
            order.ahead = max(order.ahead - volume, ZERO)
        part = self._depth.participation
        return order.behind if part is None else order.behind * part
