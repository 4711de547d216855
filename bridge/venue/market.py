"""What moves the venue's prices: moves in order of time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from attrs import frozen

from engine.market.bars import Bar
from engine.market.ticks import Tick

__all__ = ["Begun", "Closed", "Market", "Move", "Moved", "Still", "Ticked"]


@frozen(kw_only=True)
class Begun:
    """A bar begins: its volume is there to be traded."""

    at: datetime
    symbol: str
    volume: Decimal


@frozen(kw_only=True)
class Moved:
    """The price goes to another one, along the way or (``jump``) at once."""

    at: datetime
    symbol: str
    price: Decimal
    jump: bool


@frozen(kw_only=True)
class Ticked:
    """A quote or a trade of others."""

    at: datetime
    symbol: str
    tick: Tick


@frozen(kw_only=True)
class Closed:
    """A bar is complete."""

    at: datetime
    bar: Bar


Move = Begun | Moved | Ticked | Closed


class Market(Protocol):
    """
    Attributes:
        first: Its first moment; None: it has none of its own.
    """

    @property
    def first(self) -> datetime | None: ...

    def moves(self) -> Iterator[Move]:
        """From the beginning, in order of time."""


class Still:
    """A market in which nothing moves by itself."""

    first: datetime | None = None

    def moves(self) -> Iterator[Move]:
        return iter(())
