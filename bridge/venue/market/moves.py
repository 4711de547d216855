"""
What a market does, one move after the other, and what a market is.

A move is made, not checked: whoever reads a file or makes up a price has checked it, and a day has a million of them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from attrs import frozen

from engine.calendar import Calendar
from engine.market.bars import Bar
from engine.market.path import corners
from engine.market.ticks import Tick

__all__ = ["Begun", "Closed", "Market", "Move", "Moved", "Ticked", "digest_of", "moves_of"]


@frozen  # none of them keyword-only, as a bar is not
class Begun:
    """
    A bar begins, whose prices follow.

    Attributes:
        volume: What it will trade, base units, >= 0.
    """

    at: datetime
    symbol: str
    volume: Decimal


@frozen
class Moved:
    """
    The price goes to another one.

    Attributes:
        jump: At once; otherwise all that lies between the last price and this one is traded on the way.
    """

    at: datetime
    symbol: str
    price: Decimal
    jump: bool


@frozen
class Ticked:
    """Others quoted or traded; ``at`` is the tick's own moment."""

    at: datetime
    symbol: str
    tick: Tick


@frozen
class Closed:
    """A bar is complete; ``at`` is its end."""

    at: datetime
    bar: Bar


Move = Begun | Moved | Ticked | Closed


class Market(Protocol):
    """
    Where the prices of a venue come from.

    A bar is told as `Begun`, four or more `Moved`, `Closed`; one that is made of quotes or trades as those, and
    `Closed`. Two bars of one symbol never overlap.
    """

    @property
    def first(self) -> datetime:
        """The moment of the first move."""

    @property
    def prices(self) -> Mapping[str, Decimal]:
        """The first price of each symbol, by symbol."""

    @property
    def calendar(self) -> Calendar | None:
        """When its shares trade; None: it does not say."""

    @property
    def recipe(self) -> Mapping[str, object]:
        """What decides every move, as JSON can hold it; no places where files lie."""

    def moves(self) -> Iterator[Move]:
        """
        All that happens, from the first moment on and the same each time; perhaps without end.

        In order of time; at the same moment first prices at which bars end, then `Closed`, then `Begun`, then other
        prices and ticks, each kind by symbol.

        Raises:
            InvalidInput: A file can no longer be read, or says something impossible.
        """


def digest_of(market: Market) -> str:
    """SHA-256 of a market's recipe, hex: markets with the same one make the same moves."""
    text = json.dumps(market.recipe, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def moves_of(bars: Sequence[Bar]) -> Iterator[Move]:
    """The moves of bars that begin and end together, all of them corner by corner."""
    for bar in bars:
        yield Begun(bar.start, bar.symbol, bar.volume)
    paths = [(bar.symbol, corners(bar)) for bar in bars]
    for corner in range(4):
        for symbol, path in paths:
            at, price = path[corner]
            yield Moved(at, symbol, price, corner == 0)
    for bar in bars:
        yield Closed(bar.end, bar)
