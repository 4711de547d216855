"""A market in which nothing moves by itself, for those who move it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal

from bridge.venue.market.moves import Move
from engine.calendar import Calendar
from engine.clock import utc

__all__ = ["Still"]


class Still:
    """
    Every asset stays at its price until somebody else moves it.

    Args:
        first: The first moment.
        prices: To begin with, of those assets that do not begin at their own.
    """

    def __init__(self, first: datetime, prices: Mapping[str, Decimal] | None = None) -> None:
        self.first = utc(first)
        self.prices: Mapping[str, Decimal] = dict(prices or {})
        self.calendar: Calendar | None = None

    @property
    def recipe(self) -> Mapping[str, object]:
        return {"market": "still", "prices": {symbol: str(price) for symbol, price in sorted(self.prices.items())}}

    def moves(self) -> Iterator[Move]:
        return iter(())
