"""A recorded market played as if it began at another moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from attrs import evolve

from bridge.venue.market.moves import Begun, Closed, Market, Move, Moved, Ticked
from engine.clock import utc
from engine.errors import InvalidRequest
from engine.market.bars import Bar
from engine.market.ticks import TickBar

__all__ = ["shifted"]

_MINUTE = timedelta(minutes=1)


def shifted(market: Market, first: datetime) -> Market:
    """
    The same market as if its first move came at ``first``.

    Everything comes earlier or later by as many whole minutes, so that minutes stay minutes. It has no calendar: when
    its hours were is no longer when they are.

    Raises:
        InvalidRequest: ``first`` is not a number of whole minutes away from the market's own first moment.
        ClockError: ``first`` is naive.
    """
    by = utc(first) - market.first
    if by % _MINUTE:
        raise InvalidRequest("first", first, f"one like {(utc(first) - by % _MINUTE).isoformat()}, whole minutes away")
    return _Shifted(market, by)


class _Shifted:
    def __init__(self, market: Market, by: timedelta) -> None:
        self._market, self._by = market, by
        self.first, self.prices, self.calendar = market.first + by, market.prices, None

    @property
    def recipe(self) -> Mapping[str, object]:
        return {"market": "shifted", "minutes": self._by // _MINUTE, "of": self._market.recipe}

    def moves(self) -> Iterator[Move]:
        by = self._by
        for move in self._market.moves():
            at = move.at + by
            if isinstance(move, Moved):
                yield Moved(at, move.symbol, move.price, move.jump)
            elif isinstance(move, Begun):
                yield Begun(at, move.symbol, move.volume)
            elif isinstance(move, Ticked):
                yield Ticked(at, move.symbol, evolve(move.tick, at=at))
            else:
                yield Closed(at, _bar(move.bar, by))


def _bar(bar: Bar, by: timedelta) -> Bar:
    moved = evolve(bar, start=bar.start + by, end=bar.end + by)
    if isinstance(moved, TickBar):
        return evolve(moved, ticks=tuple(evolve(tick, at=tick.at + by) for tick in moved.ticks))
    return moved
