"""
What the market looks like where only its price is known: a small trade at the price, and a quote around it.

A bar says even less: how many trades there were and what they cost on average is made up from its numbers.
"""

from __future__ import annotations

from decimal import Decimal
from math import ceil, isfinite
from random import Random

from attrs import frozen

from bridge.venue.assets import Asset
from bridge.venue.data.rows import number
from engine.market.bars import Bar
from engine.market.ticks import TickBar, TradeTick
from engine.model import ZERO

__all__ = ["Made", "Maker", "counted", "quoted"]

_SPREAD = Decimal("0.0002")
_CENT = Decimal("0.01")
_BELOW_ONE = Decimal("0.0001")
_COIN = Decimal("0.000000001")
_ONE = Decimal(1)
_COARSE = Decimal(10) ** 15
"""From here on a grid says nothing any more."""

_SIZES = (1.0, 2.0, 5.0, 10.0, 10.0, 20.0, 25.0, 50.0, 50.0, 100.0, 100.0, 100.0, 100.0, 200.0, 200.0, 300.0)
_SHARES_A_TRADE = 80
_MONEY_A_TRADE = 1000
_MOST_TRADES = 10**9


@frozen
class Made:
    """
    Attributes:
        size: Of the trade, base units.
    """

    size: float
    bid: float
    bid_size: float
    ask: float
    ask_size: float


class Maker:
    """
    Args:
        seed: With the asset's symbol, of all sizes: other assets change nothing here.
    """

    def __init__(self, asset: Asset, seed: int) -> None:
        self._crypto = asset.crypto
        self._chance = Random(f"{seed}:{asset.symbol}")

    def around(self, price: Decimal) -> Made:
        bid, ask = quoted(price, crypto=self._crypto)
        bits = self._chance.getrandbits(33)
        if not self._crypto:
            lots = 100.0 * (1 + (bits >> 4) % 9), 100.0 * (1 + (bits >> 16) % 9)
            return Made(_SIZES[bits & 15], number(bid), lots[0], number(ask), lots[1])
        value = number(price)
        sizes = [_part(20 + (bits >> shift) % 2048, value) for shift in (0, 11, 22)]
        return Made(sizes[0], number(bid), sizes[1] * 10, number(ask), sizes[2] * 10)


def _part(money: int, price: float) -> float:
    return max(round(money / price, 9), 1e-9)


def quoted(price: Decimal, *, crypto: bool) -> tuple[Decimal, Decimal]:
    """Bid and ask about two hundredths of a percent apart, a step of the grid at least, with the price in between."""
    if price >= _COARSE:
        half = price * _SPREAD / 2
        return price - half, price + half
    grid = _COIN if crypto else _CENT if price >= _ONE else _BELOW_ONE
    spread = max(_ONE, (price * _SPREAD / grid).to_integral_value()) * grid
    bid = (price - spread / 2) // grid * grid
    ask = bid + spread
    if bid <= 0:
        bid = min(grid, price)
    if ask < price:  # which is off the grid
        ask += grid
    return bid, max(ask, bid)


def counted(bar: Bar, *, crypto: bool) -> tuple[float, float]:
    """How many trades a bar had, and their average price by volume: exact where it was made of trades."""
    trades = [tick for tick in bar.ticks if isinstance(tick, TradeTick)] if isinstance(bar, TickBar) else []
    if trades:
        volume = sum((trade.size for trade in trades), ZERO)
        money = sum((trade.price * trade.size for trade in trades), ZERO)
        return float(len(trades)), round(number(money / volume), 9)
    average = number((bar.open + bar.high + bar.low + bar.close) / 4)
    if bar.volume <= 0:
        return 0.0, average
    each = _MONEY_A_TRADE / number(bar.close) if crypto else _SHARES_A_TRADE
    number_of = number(bar.volume) / each if each else _MOST_TRADES
    return float(ceil(min(number_of, _MOST_TRADES))) if isfinite(number_of) else float(_MOST_TRADES), round(average, 9)
