"""
A finer way from corner to corner, so that prices move each second while time is real.

What is added lies on the straight line between two corners: no bar changes, and none of its extremes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from operator import attrgetter

from bridge.venue.market.listing import decimals_of
from bridge.venue.market.moves import Begun, Closed, Market, Move, Moved
from engine.clock import EPOCH
from engine.errors import InvalidRequest
from engine.risk.grid import EXACT

__all__ = ["fine"]

_at = attrgetter("at")


def fine(market: Market, every: timedelta) -> Market:
    """
    The same market, whose prices also move at every multiple of ``every`` since 1970 that lies between two corners.

    What is added stands on the asset's grid, between the corners' prices and in their direction; where a price would
    not change nothing is added.

    Raises:
        InvalidRequest: ``every`` is not positive.
    """
    if every <= timedelta(0):
        raise InvalidRequest("every", every, "a time of more than nothing")
    return _Fine(market, every)


class _Fine:
    def __init__(self, market: Market, every: timedelta) -> None:
        self._market, self._every = market, every
        self.first, self.prices, self.calendar = market.first, market.prices, market.calendar

    @property
    def recipe(self) -> Mapping[str, object]:
        return {
            "market": "fine",
            "version": 1,
            "every_us": self._every // timedelta.resolution,
            "of": self._market.recipe,
        }

    def moves(self) -> Iterator[Move]:
        waiting: list[Move] = []
        reached: dict[str, Begun | Moved] = {}  # of each symbol with a bar under way its last move
        now = self.first
        for move in self._market.moves():
            if move.at > now:
                # What is still to be added lies behind the corners that were reached.
                known = min(map(_at, reached.values()), default=now)
                waiting.sort(key=_at)  # stable: what the market told in this order stays in it
                until = bisect_right(waiting, known, key=_at)
                yield from waiting[:until]
                del waiting[:until]
                now = move.at
            if isinstance(move, Moved):
                before = reached.get(move.symbol)
                if isinstance(before, Moved) and not move.jump:
                    waiting += between(before, move, self._every)
                reached[move.symbol] = move
            elif isinstance(move, Begun):
                reached[move.symbol] = move
            elif isinstance(move, Closed):
                reached.pop(move.bar.symbol, None)
            waiting.append(move)
        waiting.sort(key=_at)
        yield from waiting


def between(before: Moved, after: Moved, every: timedelta) -> list[Move]:
    """What a price does on its way between two corners, at the multiples of ``every`` that lie between them."""
    low, high = before.price, after.price
    if low == high:
        return []
    at: datetime = EPOCH + ((before.at - EPOCH) // every + 1) * every
    decimals = decimals_of(before.symbol, min(low, high))
    # Whole numbers that hold both corners, which need not be on the grid.
    most = max(decimals, *(-_exponent(price) for price in (low, high)))
    first, last, step = _whole(low, most), _whole(high, most), 10 ** (most - decimals)
    least, greatest = min(first, last), max(first, last)
    width = (after.at - before.at) // timedelta.resolution
    found: list[Move] = []
    shown = first
    while at < after.at:
        gone = (at - before.at) // timedelta.resolution
        price = (first + (last - first) * gone // width) // step * step
        price = max(least, min(greatest, price))
        if price != shown:
            shown = price
            found.append(Moved(at, before.symbol, EXACT.scaleb(Decimal(price), -most), False))
        at += every
    return found


def _exponent(price: Decimal) -> int:
    exponent = price.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def _whole(price: Decimal, decimals: int) -> int:
    return int(price.scaleb(decimals, EXACT))
