"""
What the engine asks of the outside: Broker, Feed, Gate and Strategy.

The engine blocks in four places only: `Feed.get`, `Clock.sleep`, `Broker.*` and the permit inside a broker call. Each
is a port, so all of it can also run in one thread on virtual time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from engine.decisions import Approval, Refusal
from engine.events import Event
from engine.facts import ExecutionReported, OrderReported, VenueFact
from engine.model import OrderRequest, Replacement, SymbolFlag, VenuePosition

if TYPE_CHECKING:
    from engine.execution import ExecutionEngine
    from engine.market.bars import Bar

__all__ = ["BooksView", "Broker", "Feed", "Gate", "Strategy"]


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


class BooksView(Protocol):
    """What a gate may look at."""

    def has_order(self, order_id: str) -> bool:
        """Whether this client order id was ever used."""

    def position(self, symbol: str) -> Decimal:
        """Signed, base units."""

    def mark(self, symbol: str) -> Decimal | None:
        """The market's last price, quote units; None: not known yet."""

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


class Gate(Protocol):
    """Decides what may be sent; pure, and never raises for an order it does not like."""

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
