"""
What the engine asks of the outside: Broker, Feed, Gate and Strategy; and what a paper session asks: Stage.

The engine blocks in four places only: `Feed.get`, `Clock.sleep`, `Broker.*` and the permit inside a broker call. Each
is a port, so all of it can also run in one thread on virtual time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from engine.clock import SimulatedClock
from engine.decisions import Approval, Refusal, TradingState
from engine.events import Event
from engine.facts import DayBegan, ExecutionReported, Locked, OrderReported, VenueFact
from engine.model import OrderRequest, Replacement, Side, SymbolFlag, VenuePosition
from engine.trade import Trade

if TYPE_CHECKING:
    from engine.execution import ExecutionEngine
    from engine.market.bars import Bar
    from engine.risk.locks import Locks
    from engine.risk.protections import Protections
    from engine.risk.returns import Returns

__all__ = ["BooksView", "Broker", "Feed", "Gate", "Stage", "Strategy", "TradesView"]


class Broker(Protocol):
    """
    A venue that takes orders, as blocking calls.

    Every method may raise `NotSent` (nothing left this machine) or `OutcomeUnknown` (nobody knows); what a call may
    raise besides stands with it. A listing is complete or raises: a page that fails fails the whole call.
    """

    def submit(self, request: OrderRequest) -> OrderReported:
        """
        Send an order under its client order id.

        Raises:
            VenueRejected: The venue proved that it did not accept the order.
            AlreadyExists: The venue has an order under this id.
        """

    def cancel(self, broker_order_id: str) -> None:
        """Ask for a cancel; return once it is asked for, not done. `VenueRejected`: the order cannot be cancelled."""

    def replace(self, broker_order_id: str, change: Replacement) -> OrderReported:
        """Continue an order under a new id; the answer's ``replaces`` is the old one. `VenueRejected`: it stays."""

    def lookup(self, *, client_order_id: str | None = None, broker_order_id: str | None = None) -> OrderReported | None:
        """The order by exactly one of its ids; None: the venue answered that it does not know it."""

    def orders(self, *, since: datetime | None = None, open_only: bool = False) -> Sequence[OrderReported]:
        """Orders changed at or after ``since`` (None: all), closed ones included unless ``open_only``; oldest first."""

    def executions(self, since: datetime | None = None) -> Sequence[ExecutionReported]:
        """Executions at or after ``since`` (None: all), oldest first."""

    def positions(self) -> Mapping[str, VenuePosition]:
        """What the venue says we hold, by symbol; only what is not zero."""


class Feed(Protocol):
    """Facts of the venue, in the order in which they arrived."""

    def get(self, timeout: float) -> VenueFact | None:
        """
        The next fact; None if none arrived within ``timeout`` >= 0 seconds.

        Raises:
            FeedClosed: The feed has ended and is empty.
        """


class Stage(Protocol):
    """
    What a paper session is played on: a venue, and the market that moves it, on market time that the market sets.

    However far away the venue is, the engine gets to react behind every single thing that happens there, before the
    market goes on.
    """

    @property
    def clock(self) -> SimulatedClock:
        """Market time; set by the stage alone."""

    @property
    def broker(self) -> Broker: ...

    @property
    def feed(self) -> Feed: ...

    @property
    def working(self) -> bool:
        """Whether any order can trade or end, or there is something to tell; if not, `skip` does what `play` would."""

    @property
    def unheard(self) -> bool:
        """Whether the feed has something to tell before the market goes on."""

    @property
    def waived(self) -> Mapping[str, int]:
        """What the venue let pass that a real one would refuse: the words, and how often; a paper venue may be mild."""

    def play(self, bars: tuple[Bar, ...]) -> Iterator[None]:
        """Play bars of the same moment; stop behind every event with its facts in the feed."""

    def skip(self, bars: tuple[Bar, ...]) -> None:
        """Let bars of the same moment pass while nothing works."""

    def close(self) -> None:
        """Leave the venue; whatever works there stays."""


class TradesView(Protocol):
    """Closed trades, in the order of their closing moments."""

    @property
    def closed(self) -> Sequence[Trade]:
        """All of them; to read, not to change."""

    def after(self, moment: datetime, symbol: str | None = None) -> Sequence[Trade]:
        """Those that closed after ``moment``, not at it, oldest first; of one symbol, or of all."""

    def within(self, lookback: timedelta, symbol: str | None = None) -> Sequence[Trade]:
        """Those that closed less than ``lookback`` before the latest of them; of one symbol, or of all."""

    def balance(self, moment: datetime) -> Decimal:
        """What the account began with and the profit of all trades that had closed by ``moment``, quote units."""


class BooksView(Protocol):
    """What a gate may look at."""

    def has_order(self, order_id: str) -> bool:
        """Whether this client order id was ever used."""

    def position(self, symbol: str) -> Decimal:
        """Signed, base units."""

    def mark(self, symbol: str) -> Decimal | None:
        """The market's last price, quote units; None: not known yet."""

    def marked(self, symbol: str) -> datetime | None:
        """When the market had that price; None: not known."""

    def equity(self) -> Decimal | None:
        """Cash and positions at their marks, quote units; None: a position has no mark."""

    def exposure(self, symbol: str) -> Decimal:
        """What is held in a symbol, long or short, and what live orders may add to it, quote units, >= 0."""

    def gross(self) -> Decimal:
        """The exposure in all symbols together, quote units, >= 0."""

    def available(self) -> Decimal:
        """Cash that neither a working order nor a short position needs, quote units."""

    def exit_reserved(self, symbol: str, *, but_group: str | None = None) -> Decimal:
        """Base units of the position that live exits may close, >= 0; a group counts once, ``but_group`` not at all."""

    def reserved(self, order_id: str) -> Decimal:
        """Quote units that this order keeps back, >= 0."""

    def exit_reserved_by(self, order_id: str) -> Decimal:
        """Base units of a position that this order may close, >= 0."""

    def flags(self, symbol: str) -> frozenset[SymbolFlag]:
        """Why no new entry should pass in the symbol."""

    @property
    def state(self) -> TradingState:
        """What may be sent at all."""

    def locked(self, symbol: str, side: Side, now: datetime) -> Locked | None:
        """The longest lock that keeps an entry of that side out of the symbol; None: none does."""

    @property
    def locks(self) -> Locks:
        """All locks."""

    @property
    def trades(self) -> TradesView:
        """All closed trades."""

    @property
    def returns(self) -> Returns:
        """Of the prices seen lately."""

    def day(self) -> DayBegan | None:
        """The session day that we are in; None: none has begun."""

    def entries_today(self, symbol: str | None = None) -> int:
        """Orders of this session day that opened or grew a position; of one symbol, or of all."""

    def open_orders(self, symbol: str, but: str | None = None) -> int:
        """Our live orders in the symbol, exits too, without that one."""

    def pending(self, symbol: str, but: str | None = None) -> Decimal:
        """What live entries may still add to the position, without that one, base units, >= 0."""

    def orders_since(self, moment: datetime) -> int:
        """Orders of any kind sent after ``moment``."""

    def day_trades(self, days: int) -> int:
        """Trades that opened and closed within one session day, on the last ``days`` <= 5 of them, this one too."""


class Gate(Protocol):
    """
    Decides what may be sent; pure, and never raises for an order it does not like.

    Attributes:
        protections: The rules whose locks it heeds; the engine asks them after each closed trade and each price.
    """

    @property
    def protections(self) -> Protections: ...

    def check(
        self,
        request: OrderRequest,
        view: BooksView,
        now: datetime,
        *,
        group: str | None = None,
        replaces: str | None = None,
    ) -> Approval | Refusal:
        """
        Judge a request as it would be sent.

        Args:
            group: The order or pair that it protects beside its siblings; they close the same position only once.
            replaces: Our id of the order that it would take the place of, reservation included.
        """


class Strategy(Protocol):
    """Decides; called in the engine's thread, between facts."""

    def on_bar(self, bar: Bar, trader: ExecutionEngine) -> None:
        """A bar is complete; an order sent from here can first trade in the next one."""

    def on_event(self, event: Event, trader: ExecutionEngine) -> None:
        """Something happened to an order, a position or the engine."""
