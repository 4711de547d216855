"""
What leaves this machine, and what came of it.

Every call of the broker that changes something is made here, behind its durable fact, and ends in a fact, whatever
happens. What could not leave waits here: orders to be sent, cancels to be asked for, outcomes to be looked up.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from attrs import evolve

from engine.clock import Clock, HostClock
from engine.errors import AlreadyExists, BrokerError, NotSent, OutcomeUnknown, VenueRejected
from engine.events import (
    CancelRefused,
    CancelRequested,
    Fact,
    RejectedByVenue,
    ReplaceRefused,
    ReplaceRequested,
    Sent,
    Unanswered,
    Unsent,
    Withdrawn,
)
from engine.model import Refusal, Replacement, Status
from engine.orders.lifecycle import COMMANDS, Command, command
from engine.orders.order import Order
from engine.orders.tracker import Tracker
from engine.ports import BooksView, Broker, Gate

__all__ = ["Dispatch"]


class Dispatch:
    """
    Args:
        record: Journals a fact and applies it.
        commit: Makes everything recorded durable.
        regate_after: An order that waited longer than this to be sent is judged again first.
        lookup_every: Seconds (host time) between two look-ups of the same order.
    """

    def __init__(
        self,
        broker: Broker,
        tracker: Tracker,
        view: BooksView,
        gate: Gate,
        clock: Clock,
        host_clock: HostClock,
        *,
        record: Callable[[Fact], object],
        commit: Callable[[], object],
        regate_after: timedelta,
        lookup_every: float,
    ) -> None:
        self._broker = broker
        self._tracker = tracker
        self._view = view
        self._gate = gate
        self._clock = clock
        self._host = host_clock
        self._record = record
        self._commit = commit
        self._regate_after = regate_after
        self._lookup_every = lookup_every
        self._unsent: dict[str, datetime | None] = {}  # orders that wait to be sent, and until when
        self._cancels: dict[str, None] = {}  # cancels that have not reached the venue
        self._lookups: dict[str, float] = {}  # orders to ask about, and when (host time)

    @property
    def waiting(self) -> bool:
        """Whether `resume` or `look_up` may have something to do."""
        return bool(self._unsent or self._cancels or self._lookups)

    def take_up(self, order: Order) -> None:
        """Go on with an order where the journal ends."""
        if order.status is Status.SENT and not order.foreign:
            why = "the program ended before the answer came"
            self._record(Unanswered(at=self._clock.now(), order_id=order.id, reason=why))
        if order.status is Status.INTENT:
            self._unsent[order.id] = None
        if order.cancel_requested:
            self._cancels[order.id] = None
        if order.status in (Status.SENT, Status.UNKNOWN) or order.replacing is not None:
            self.look_up_soon(order.id)

    def forget(self, order_id: str) -> None:
        """The order has ended: nothing of it has to leave any more."""
        self._unsent.pop(order_id, None)
        self._cancels.pop(order_id, None)
        self._lookups.pop(order_id, None)

    # --- orders -------------------------------------------------------------------------------------------------------

    def send(self, order_id: str) -> None:
        """Send an order whose intent, and that it is sent, is durable."""
        try:
            report = self._broker.submit(self._tracker[order_id].request)
        except NotSent as error:
            self._record(Unsent(at=self._clock.now(), order_id=order_id, reason=error.reason, earliest=error.earliest))
            self._unsent[order_id] = error.earliest
        except VenueRejected as error:
            self._record(RejectedByVenue(at=self._clock.now(), order_id=order_id, reason=error.reason))
        except BaseException as error:
            # Whatever this is, the bytes may have left; only a BrokerError is an outcome that was foreseen.
            why = f"{type(error).__name__}: {error}"
            self._record(Unanswered(at=self._clock.now(), order_id=order_id, reason=why))
            self.look_up_soon(order_id)
            if not isinstance(error, BrokerError):
                self._commit()
                raise
        else:
            self._record(report)

    def cancel(self, order_id: str, reason: str) -> None:
        """Ask for an order's end; one that has not left is withdrawn. IllegalTransition: it has ended already."""
        order = self._tracker[order_id]
        if order.status in COMMANDS[Command.WITHDRAW]:
            self._record(Withdrawn(at=self._clock.now(), order_id=order_id, reason=reason))
            return
        command(order, Command.CANCEL)
        if not order.cancel_requested:
            self._record(CancelRequested(at=self._clock.now(), order_id=order_id, reason=reason))
            self._send_cancel(order_id)

    def replace(self, order: Order, change: Replacement) -> Refusal | None:
        """Ask for a change of a working order, if the gate lets what would then be open pass."""
        command(order, Command.REPLACE)
        wanted = change.applied_to(order.request)
        rest = evolve(wanted, quantity=wanted.quantity - order.filled, client_order_id=change.client_order_id)
        verdict = self._gate.check(rest, self._view, self._clock.now(), group=order.group, replaces=order.id)
        if isinstance(verdict, Refusal):
            return verdict
        self._record(ReplaceRequested(at=self._clock.now(), order_id=order.id, change=change))
        self._commit()
        try:
            report = self._broker.replace(order.broker_order_id or "", change)
        except (NotSent, VenueRejected) as error:
            name, why = change.client_order_id, str(error)
            self._record(ReplaceRefused(at=self._clock.now(), order_id=order.id, client_order_id=name, reason=why))
            self.look_up_soon(order.id)
        except (OutcomeUnknown, AlreadyExists):
            self.look_up_soon(order.id)
        else:
            self._record(report)
        return None

    # --- what waits ---------------------------------------------------------------------------------------------------

    def resume(self) -> None:
        """Send what could not leave before: exits first, then in the order in which it was meant."""
        now = self._clock.now()
        due = [order_id for order_id, earliest in self._unsent.items() if earliest is None or earliest <= now]
        for order_id in sorted(due, key=lambda due_id: self._tracker[due_id].closing is not None):
            del self._unsent[order_id]
            order = self._tracker[order_id]
            if now - order.placed > self._regate_after:
                verdict = self._gate.check(order.request, self._view, now, group=order.group, replaces=order_id)
                if isinstance(verdict, Refusal):
                    why = f"{verdict.code}: {verdict.message}"
                    self._record(Withdrawn(at=now, order_id=order_id, reason=why))
                    continue
            self._record(Sent(at=now, order_id=order_id))
            self._commit()
            self.send(order_id)
        for order_id in list(self._cancels):
            self._send_cancel(order_id)

    def look_up(self, ask: Callable[[str], object]) -> None:
        """Ask about every order that is due, and again later about those that stay unresolved."""
        now = self._host.monotonic()
        for order_id in [each for each, at in self._lookups.items() if at <= now]:
            del self._lookups[order_id]
            ask(order_id)
            order = self._tracker[order_id]
            if order.status is Status.UNKNOWN or (order.replacing is not None and not order.status.terminal):
                self._lookups[order_id] = now + self._lookup_every

    def look_up_soon(self, order_id: str) -> None:
        """Ask the venue about this order at the next opportunity."""
        self._lookups[order_id] = self._host.monotonic()

    def _send_cancel(self, order_id: str) -> None:
        order = self._tracker[order_id]
        self._cancels[order_id] = None
        if order.broker_order_id is None or order.status in (Status.SENT, Status.UNKNOWN):
            return  # sent as soon as it is known that the order exists
        try:
            self._broker.cancel(order.broker_order_id)
        except NotSent:
            return
        except OutcomeUnknown:
            self.look_up_soon(order_id)
            return  # a cancel may be asked for twice
        except VenueRejected as error:
            self._record(CancelRefused(at=self._clock.now(), order_id=order_id, reason=error.reason))
            self.look_up_soon(order_id)
        self._cancels.pop(order_id, None)
