"""
The venue on one line of time: its core, what moves its prices, and what its clients are told of them.

Everything that comes from outside comes through here with the moment at which it did, and what changes something is
written down. There is no clock and no socket: the same market and the same calls give the same answers and frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal

from bridge.venue.core import Answer, Core, Request
from bridge.venue.inputs import Asked, Input, Priced, Reached
from bridge.venue.market import Market, Move, play
from bridge.venue.updates import Frame
from engine.errors import TradingError

__all__ = ["House"]

_READS = frozenset({"GET", "HEAD"})
_TURNED_AWAY = frozenset({401, 429})


class House:
    """
    Args:
        core: Nobody else may move it.
        market: Played from its beginning.

    Attributes:
        core: As given.
        inputs: What came from outside and changed something, oldest first.
        record: Also told of each of them; None: nobody is.
        ended: What ended the market before its time, a line of a file that cannot be read for example; prices stand
            from there on. None: nothing did.
        last_event: Id of the last event that was told; "" before the first.
    """

    def __init__(self, core: Core, market: Market) -> None:
        self.core = core
        self.inputs: list[Input] = []
        self.record: Callable[[Input], None] | None = None
        self.ended: TradingError | None = None
        self.last_event = ""
        self._moves: Iterator[Move] = market.moves()
        self._next: Move | None = self._draw()

    @property
    def now(self) -> datetime:
        """The moment that has been reached."""
        return self.core.now

    # --- time ---------------------------------------------------------------------------------------------------------

    def next_due(self) -> datetime | None:
        """When something happens by itself; None: never again."""
        due = self.core.next_due()
        if self._next is None:
            return due
        return self._next.at if due is None else min(due, self._next.at)

    def advance(self, now: datetime) -> None:
        """Play the market up to a moment, and let happen what is due by then; one that has passed changes nothing."""
        while (move := self._next) is not None and move.at <= now:
            self._next = None
            try:
                play(self.core, move)
            except TradingError as error:  # of an asset that is not listed here, for example
                self.ended = error
                break
            self._next = self._draw()
        self.core.advance(now)

    def _draw(self) -> Move | None:
        try:
            return next(self._moves, None)
        except TradingError as error:
            self.ended = error
            return None

    def frames(self) -> list[Frame]:
        """What the stream has to tell since the last call, in order of emission."""
        frames = self.core.frames()
        if frames:
            self.last_event = frames[-1].data["event_id"]
        return frames

    # --- from outside -------------------------------------------------------------------------------------------------

    def handle(self, request: Request, now: datetime, *, received: datetime | None = None) -> Answer:
        """Answer a request to the trading API; see `Core.handle`."""
        self.advance(now)
        answer = self.core.handle(request, now, received=received)
        if request.method not in _READS and answer.status not in _TURNED_AWAY:
            self._write(
                Asked(
                    at=self.now,
                    key=self.core.key_of(request) or "",
                    method=request.method,
                    path=request.path,
                    query=request.query,
                    body=request.body,
                )
            )
        return answer

    def price(self, symbol: str, price: Decimal, now: datetime, *, jump: bool = False) -> None:
        """The price of an asset goes to another one; see `Core.price`."""
        self.advance(now)
        self.core.price(symbol, price, now, jump=jump)
        self._write(Priced(at=self.now, symbol=symbol, price=price, jump=jump))

    def _write(self, entry: Input) -> None:
        self.inputs.append(entry)
        if self.record is not None:
            self.record(entry)

    # --- again --------------------------------------------------------------------------------------------------------

    def again(self, entry: Input) -> None:
        """Let happen what was written down of another house of the same recipe; frames are as they were."""
        self.advance(entry.at)
        if isinstance(entry, Asked):
            request = Request(method=entry.method, path=entry.path, query=entry.query, body=entry.body)
            self.core.perform(entry.key, request)
        elif isinstance(entry, Priced):
            self.core.price(entry.symbol, entry.price, entry.at, jump=entry.jump)
        if not isinstance(entry, Reached):
            self.inputs.append(entry)
