"""
The venue on one line of time: its core, what moves its prices, and what its clients are told of them.

Everything that comes from outside comes through here with the moment at which it did. There is no clock and no socket:
the same market and the same calls give the same answers and frames.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from bridge.venue.core import Answer, Core, Request
from bridge.venue.market import Begun, Closed, Market, Move, Moved
from bridge.venue.updates import Frame
from engine.errors import TradingError

__all__ = ["House"]


class House:
    """
    Args:
        core: Nobody else may move it.
        market: Played from its beginning; moves from before the core's first moment are played at it.

    Attributes:
        core: As given.
        ended: What ended the market before its time, a line of a file that cannot be read for example; prices stand
            from there on. None: nothing did.
        last_event: Id of the last event that was told; "" before the first.
    """

    def __init__(self, core: Core, market: Market) -> None:
        self.core = core
        self.ended: TradingError | None = None
        self.last_event = ""
        self._moves: Iterator[Move] = market.moves()
        self._next: Move | None = self._draw()

    @property
    def now(self) -> datetime:
        """The moment that has been reached."""
        return self.core.now

    def handle(self, request: Request, now: datetime, *, received: datetime | None = None) -> Answer:
        """Answer a request to the trading API; see `Core.handle`."""
        self.advance(now)
        return self.core.handle(request, now, received=received)

    def price(self, symbol: str, price: Decimal, now: datetime, *, jump: bool = False) -> None:
        """The price of an asset goes to another one; see `Core.price`."""
        self.advance(now)
        self.core.price(symbol, price, now, jump=jump)

    def frames(self) -> list[Frame]:
        """What the stream has to tell since the last call, in order of emission."""
        frames = self.core.frames()
        if frames:
            self.last_event = frames[-1].data["event_id"]
        return frames

    def next_due(self) -> datetime | None:
        """When something happens by itself; None: never again."""
        due = self.core.next_due()
        if self._next is None:
            return due
        return self._next.at if due is None else min(due, self._next.at)

    def advance(self, now: datetime) -> None:
        """Play the market up to a moment, and let happen what is due by then; one that has passed changes nothing."""
        while (move := self._next) is not None and move.at <= now:
            self._play(move)
            self._next = self._draw()
        self.core.advance(now)

    def _draw(self) -> Move | None:
        try:
            return next(self._moves, None)
        except TradingError as error:
            self.ended = error
            return None

    def _play(self, move: Move) -> None:
        core = self.core
        if isinstance(move, Moved):
            core.price(move.symbol, move.price, move.at, jump=move.jump)
        elif isinstance(move, Begun):
            core.begin(move.symbol, move.volume, move.at)
        elif not isinstance(move, Closed):
            core.tick(move.symbol, move.tick)
