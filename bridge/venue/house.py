"""
The venue on one line of time: its core, what moves its prices, and what its clients are told of them.

Everything that comes from outside comes through here with the moment at which it did, and what changes something is
written down. There is no clock and no socket: the same market and the same calls give the same answers and frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from bridge.venue.core import Answer, Core, Request
from bridge.venue.data.market_data import MarketData, serves
from bridge.venue.faults.actions import BustNewest, CorrectNewest, Due, PlaceOrder, carry_out
from bridge.venue.faults.armed import AnyFault
from bridge.venue.faults.faults import Faults
from bridge.venue.inputs import Asked, Busted, Corrected, Input, Ordered, Priced, Reached
from bridge.venue.market import Begun, Closed, Market, Move, Moved, Ticked, playing
from bridge.venue.updates import Frame
from engine.errors import TradingError

__all__ = ["House"]

_OFTEN = timedelta(seconds=10)  # of the venue's time, in which prices alone may be taken back
_READS = frozenset({"GET", "HEAD"})
_REFUSED = 400  # and above: it has changed nothing


class House:
    """
    Args:
        twin: As it is kept.
        core: Nobody else may move it.
        market: Played from its beginning.
        data: Told of every price.

    Attributes:
        core, data: As given.
        twin: Makes another house of the same recipe, at its first moment.
        faults: What goes wrong here on purpose; nothing, before `arm`.
        inputs: What came from outside and changed something, oldest first.
        record: Also told of each of them; None: nobody is.
        over: Whether a market that moved has come to its end.
        ended: What ended the market before its time, a line of a file that cannot be read for example; prices stand
            from there on. None: nothing did.
        last_event: Id of the last event that was told; "" before the first.
        waits: The market goes on with `step` alone, whatever else comes; set by the first one.
    """

    def __init__(self, core: Core, market: Market, data: MarketData, *, twin: Callable[[], House]) -> None:
        self.core = core
        self.twin = twin
        self.data = data
        self.inputs: list[Input] = []
        self.record: Callable[[Input], None] | None = None
        self.over = False
        self.ended: TradingError | None = None
        self.last_event = ""
        self.waits = False
        self._step: Iterator[None] | None = None  # that stopped before its end
        self.faults = Faults(0, start=core.now)
        self._fallen: list[Due] = []
        self._written = core.now
        self._moves: Iterator[Move] = market.moves()
        self._next: Move | None = self._draw()
        data.opened(core.now)

    @property
    def now(self) -> datetime:
        """The moment that has been reached."""
        return self.core.now

    # --- time ---------------------------------------------------------------------------------------------------------

    def next_due(self) -> datetime | None:
        """When something happens by itself; None: never again, or not before the next `step`."""
        if self.waits:
            return None
        coming = (self.core.next_due(), self.faults.next_due(), None if self._next is None else self._next.at)
        return min((due for due in coming if due is not None), default=None)

    def advance(self, now: datetime) -> None:
        """Play the market up to a moment, and let happen what is due by then; one that has passed changes nothing."""
        if self.waits:
            return
        for _ in self._passing(now):
            pass

    def step(self, to: datetime) -> bool:
        """
        Play on to a moment, and not beyond the next thing that is told; the market waits for the next step.

        What ends at the moment is played, and what begins there is not: who trades here acts between two bars.

        Returns:
            Whether it came to the moment; False: something was told on the way, and the next step goes on from there.
        """
        self.waits = True
        told = self.core.told
        self.core.hold(False)
        # One that stopped on its way to an earlier moment comes first.
        for step in (self._step, self._passing(to, to)):
            self._step = step
            for _ in step or ():
                if self.core.told != told:
                    self.core.hold(True)
                    return False
        self._step = None
        return self.core.told == told

    def _passing(self, now: datetime, before: datetime | None = None) -> Iterator[None]:
        while (due := self.faults.next_due()) is not None and due <= now:
            yield from self._playing_to(due, before)
            for fallen in self.faults.due(max(due, self.now)):
                self._carry_out(fallen)
        yield from self._playing_to(now, before)

    def _playing_to(self, now: datetime, before: datetime | None) -> Iterator[None]:
        """
        Args:
            before: Of what begins at this moment nothing is played; None: all is.
        """
        while (move := self._next) is not None and move.at <= now:
            if move.at == before and isinstance(move, Begun | Ticked):
                break
            self._next = None
            try:
                yield from playing(self.core, move)
                self._show(move)
            except TradingError as error:  # of an asset that is not listed here, for example
                self.ended = error
                break
            self._next = self._draw()
            self.over = self._next is None
        yield from self.core.passing(now)

    def _show(self, move: Move) -> None:
        if isinstance(move, Moved):
            self.data.moved(move.symbol, move.price, move.at)
        elif isinstance(move, Ticked):
            self.data.ticked(move.symbol, move.tick)
        elif isinstance(move, Closed):
            self.data.closed(move.bar)

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
        if self.record is not None and (frames or self.now - self._written >= _OFTEN):
            # Before anybody hears of it: a venue that goes on from here may not take it back.
            self._written = self.now
            self.record(Reached(at=self.now, event=self.last_event))
        return frames

    # --- what goes wrong ----------------------------------------------------------------------------------------------

    def arm(self, seed: int, faults: Iterable[AnyFault]) -> None:
        """Switch faults on, in the place of all that there were; their times are counted from now on."""
        self.faults = Faults(seed, faults, start=self.now)

    def fallen(self) -> list[Due]:
        """What faults ask of connections since the last call, in order of time."""
        fallen, self._fallen = self._fallen, []
        return fallen

    def _carry_out(self, due: Due) -> None:
        action = due.action
        if not isinstance(action, BustNewest | CorrectNewest | PlaceOrder):
            self._fallen.append(due)
            return
        carry_out(self.core, action, self.now)
        if isinstance(action, BustNewest):
            self._write(Busted(at=self.now, account=action.account, symbol=action.symbol))
        elif isinstance(action, PlaceOrder):
            self._write(Ordered(at=self.now, account=action.account, body=action.body))
        else:
            self._write(
                Corrected(
                    at=self.now,
                    account=action.account,
                    symbol=action.symbol,
                    price=action.price,
                    percent=action.percent,
                    quantity=action.quantity,
                )
            )

    # --- from outside -------------------------------------------------------------------------------------------------

    def handle(self, request: Request, now: datetime, *, received: datetime | None = None) -> Answer:
        """Answer a request, to the trading API or for market data; see `Core.handle`."""
        self.advance(now)
        if serves(request.path):
            return self.data.handle(request, self.now, received=received)
        answer = self.core.handle(request, now, received=received)
        if request.method not in _READS and answer.status < _REFUSED:
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
        self._price(symbol, price, now, jump)
        self._write(Priced(at=self.now, symbol=symbol, price=price, jump=jump))

    def _price(self, symbol: str, price: Decimal, now: datetime, jump: bool) -> None:
        self.core.price(symbol, price, now, jump=jump)
        self.data.moved(symbol, price, self.now)

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
            self._price(entry.symbol, entry.price, entry.at, entry.jump)
        elif isinstance(entry, Busted):
            carry_out(self.core, BustNewest(account=entry.account, symbol=entry.symbol), entry.at)
        elif isinstance(entry, Ordered):
            carry_out(self.core, PlaceOrder(account=entry.account, body=entry.body), entry.at)
        elif isinstance(entry, Corrected):
            correction = CorrectNewest(
                account=entry.account,
                symbol=entry.symbol,
                price=entry.price,
                percent=entry.percent,
                quantity=entry.quantity,
            )
            carry_out(self.core, correction, entry.at)
        if not isinstance(entry, Reached):
            self.inputs.append(entry)
