"""
What a session plays at a venue of its own: its market, move by move, and where each step has led.

The venue waits for its client: market time goes on when it is told to, and stops behind every thing that happens. So
whoever trades there reacts at the very place of the path where it happened, however long the answer takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from operator import itemgetter

from attrs import frozen

from bridge.venue.market import Closed, Move, Ticked, moves_of
from engine.calendar import Calendar
from engine.market.bars import Bar
from engine.market.ticks import TickBar
from engine.recipe import SessionConfig, as_text
from engine.stage import market_data

__all__ = ["SessionMarket", "Stop"]


@frozen(kw_only=True)
class Stop:
    """
    Where a step has led.

    Attributes:
        at: Market time.
        event_id: The highest so far, of the stream's events; "": there was none.
        done: All that was asked for has been played; False: something happened on the way, and the next step goes on
            from there.
    """

    at: datetime
    event_id: str
    done: bool


class SessionMarket:
    """
    The market of a session's settings, as a `bridge.venue.market.Market`: the same bars at the same moments.

    Raises:
        InvalidInput: There are no such bars.
    """

    def __init__(self, config: SessionConfig) -> None:
        data = market_data(config)
        self._config = config
        self._digest = data.digest
        self.first: datetime = data.first
        self.calendar: Calendar | None = data.calendar
        self.prices: Mapping[str, Decimal] = {bar.symbol: bar.open for bar in next(iter(data.bars))}

    @property
    def recipe(self) -> Mapping[str, object]:
        return {"market": "session", "settings": as_text(self._config), "digest": self._digest}

    def moves(self) -> Iterator[Move]:
        for bars in market_data(self._config).bars:
            yield from _along_ticks(bars) if isinstance(bars[0], TickBar) else moves_of(bars)


def _along_ticks(bars: tuple[Bar, ...]) -> Iterator[Move]:
    ticks = [(tick.at, bar.symbol, tick) for bar in bars if isinstance(bar, TickBar) for tick in bar.ticks]
    for at, symbol, tick in sorted(ticks, key=itemgetter(0, 1)):
        yield Ticked(at, symbol, tick)
    for bar in bars:
        yield Closed(bar.end, bar)
