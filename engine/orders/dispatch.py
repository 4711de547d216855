"""
What leaves this machine, and what came of it.

Every call of the broker that changes something is made here, behind its durable fact, and ends in a fact, whatever
happens. What could not leave waits here: orders to be sent, ends to be asked for, outcomes to be looked up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from attrs import evolve

from engine.clock import Clock, HostClock
from engine.decisions import Approval, Refusal
from engine.errors import NotSent, VenueRejected
from engine.facts import (
    CancelRefused,
    CancelRequested,
    Fact,
    RejectedByVenue,
    ReplaceDenied,
    ReplaceRefused,
    ReplaceRequested,
    Sent,
    Unanswered,
    Unsent,
    Withdrawn,
)
from engine.model import ZERO, OrderRequest, Replacement, Status
from engine.orders.lifecycle import COMMANDS, Command, command
from engine.orders.order import Order
from engine.orders.tracker import Tracker
from engine.ports import Broker

__all__ = ["Dispatch", "Judge"]

Judge = Callable[[OrderRequest, str | None, str | None], Approval | Refusal]
"""``(request, group, replaces)``: what `engine.ports.Gate.check` says of it now."""


class Dispatch:
    """
    Args:
        judge: Decides anew about what waited, and about replacements.
        record: Journals a fact and applies it.
        commit: Makes everything recorded durable.
        regate_after: An order that waited longer than this to be sent is judged again first.
        lookup_every: Seconds between two look-ups of the same order (host time), or two cancels (market time).
    """

    def __init__(
        self,
        broker: Broker,
        tracker: Tracker,
        clock: Clock,
        host_clock: HostClock,
        *,
        judge: Judge,
        record: Callable[[Fact], object],
        commit: Callable[[], object],
        regate_after: timedelta,
        lookup_every: float,
    ) -> None:
        self._broker = broker
        self._tracker = tracker
        self._clock = clock
        self._host = host_clock
        self._judge = judge
        self._record = record
        self._commit = commit
        self._regate_after = regate_after
        self._lookup_every = lookup_every
        self._unsent: dict[str, datetime | None] = {}  # orders that wait to be sent, and until when
        self._cancels: dict[str, datetime | None] = {}  # cancels that have not reached the venue, and until when
        self._lookups: dict[str, float] = {}  # orders to ask about, and when (host time)
        self._denied: dict[str, str] = {}  # changes that our gate refused: the order, and the code
        self._expiring: dict[str, datetime] = {}  # orders with a time to live, and when to ask for their end

    @property
    def waiting(self) -> bool:
        """Whether `resume` or `look_up` may have something to do."""
        return bool(self._unsent or self._cancels or self._lookups or self._expiring)

    def take_up(self, order: Order) -> None:
        """Go on with an order where the journal ends."""
        if order.status is Status.SENT:
            why = "the program ended before the answer came"
            self._record(Unanswered(at=self._clock.now(), order_id=order.id, reason=why))
        if order.status is Status.INTENT:
            self._unsent[order.id] = None
        if order.cancel_requested:
            self._cancels[order.id] = None
        if _unresolved(self._tracker[order.id]):
            self.look_up_soon(order.id)
        self.watch_age(order)

    def watch_age(self, order: Order) -> None:
        """Ask for the order's end when its time to live is over."""
        alive = order.request.time_to_live
        if alive is not None:
            self._expiring.setdefault(order.id, order.placed + alive)

    def forget(self, order_id: str) -> None:
        """The order has ended: nothing of it has to leave any more."""
        self._unsent.pop(order_id, None)
        self._cancels.pop(order_id, None)
        self._lookups.pop(order_id, None)
        self._expiring.pop(order_id, None)
        self._denied.pop(order_id, None)

    # --- orders -------------------------------------------------------------------------------------------------------

    def send(self, order_ids: Sequence[str]) -> None:
        """Send orders whose intents, and that they are sent, are durable."""
        for number, order_id in enumerate(order_ids, start=1):
            try:
                self._send(order_id)
            except BaseException:
                # Somebody ends us. The rest did not leave, and waits.
                for rest in order_ids[number:]:
                    self._postpone(rest, "the one before it ended the program", None)
                self._commit()
                raise

    def _send(self, order_id: str) -> None:
        try:
            report = self._broker.submit(self._tracker[order_id].request)
        except NotSent as error:
            self._postpone(order_id, error.reason, error.earliest)
        except VenueRejected as error:
            self._record(RejectedByVenue(at=self._clock.now(), order_id=order_id, reason=error.reason))
        except BaseException as error:
            # Whatever this is, the bytes may have left: only the venue can tell what became of them.
            why = f"{type(error).__name__}: {error}"
            self._record(Unanswered(at=self._clock.now(), order_id=order_id, reason=why))
            self.look_up_soon(order_id)
            if not isinstance(error, Exception):
                raise
        else:
            self._record(report)

    def _postpone(self, order_id: str, reason: str, earliest: datetime | None) -> None:
        self._record(Unsent(at=self._clock.now(), order_id=order_id, reason=reason, earliest=earliest))
        self._unsent[order_id] = earliest

    def cancel(self, order_ids: Sequence[str], reason: str) -> None:
        """Ask for the end of orders; what has not left is withdrawn. IllegalTransition: one has ended already."""
        asked: list[str] = []
        for order_id in order_ids:
            order = self._tracker[order_id]
            if order.status in COMMANDS[Command.WITHDRAW]:
                self._record(Withdrawn(at=self._clock.now(), order_id=order_id, reason=reason))
                continue
            command(order, Command.CANCEL)
            if not order.cancel_requested:
                self._record(CancelRequested(at=self._clock.now(), order_id=order_id, reason=reason))
                self._cancels[order_id] = None
                asked.append(order_id)
        if asked:
            self._commit()
        for order_id in asked:
            self._send_cancel(order_id)

    def replace(self, order: Order, change: Replacement) -> Refusal | None:
        """Ask for a change of a working order; why our gate, or the venue at once, refused it."""
        command(order, Command.REPLACE)
        wanted = change.applied_to(order.request)
        rest = evolve(wanted, quantity=wanted.quantity - order.filled, client_order_id=change.client_order_id)
        verdict, now = self._judge(rest, order.group, order.id), self._clock.now()
        if isinstance(verdict, Approval) and verdict.opening and order.closing is None:
            what = f"it was to close a position and would open {verdict.opening} now"
            verdict = Refusal(code="WOULD_OPEN", message=what, value=str(verdict.opening), bound="0", seen=verdict.seen)
        if isinstance(verdict, Refusal):
            if self._denied.get(order.id) != verdict.code:  # who tries again and again is told once
                self._denied[order.id] = verdict.code
                self._record(ReplaceDenied(at=now, order_id=order.id, change=change, refusal=verdict))
            return verdict
        self._denied.pop(order.id, None)
        change = _as_allowed(change, verdict.request, order)
        if change.applied_to(order.request) == order.request:
            return None  # as the symbol's rules allow it, it is what works already
        self._record(
            ReplaceRequested(
                at=now,
                order_id=order.id,
                change=change,
                reserve_price=verdict.reserve_price,
                changes=verdict.changes,
                seen=verdict.seen,
            )
        )
        self._commit()
        try:
            report = self._broker.replace(order.broker_order_id or "", change)
        except NotSent as error:
            return self._refused(order.id, change, Refusal(code="NOT_SENT", message=str(error)))
        except VenueRejected as error:
            self.look_up_soon(order.id)
            return self._refused(order.id, change, Refusal(code="VENUE_REJECTED", message=error.reason))
        except BaseException as error:
            self.look_up_soon(order.id)
            if not isinstance(error, Exception):
                raise
        else:
            self._record(report)
        return None

    def _refused(self, order_id: str, change: Replacement, refusal: Refusal) -> Refusal:
        name, now = change.client_order_id, self._clock.now()
        self._record(ReplaceRefused(at=now, order_id=order_id, client_order_id=name, reason=refusal.message))
        return refusal

    # --- what waits ---------------------------------------------------------------------------------------------------

    def resume(self, *, entries: bool) -> None:
        """Send what could not leave before: cancels, exits, and, if ``entries``, the rest as it was meant."""
        now = self._clock.now()
        for order_id in [each for each, end in self._expiring.items() if end <= now]:
            self._expiring[order_id] = self._later()
            self.cancel((order_id,), "its time to live is over")
        for order_id, earliest in list(self._cancels.items()):
            if (earliest is None or earliest <= now) and order_id in self._cancels:
                self._send_cancel(order_id)
        due = [
            order_id
            for order_id, earliest in self._unsent.items()
            if (earliest is None or earliest <= now) and (entries or self._tracker[order_id].closing is None)
        ]
        for order_id in sorted(due, key=lambda due_id: self._tracker[due_id].closing is not None):
            order = self._tracker[order_id]
            if now - order.placed > self._regate_after and (why := self._outdated(order)) is not None:
                self._record(Withdrawn(at=now, order_id=order_id, reason=why))
                continue
            self._record(Sent(at=now, order_id=order_id))
            self._commit()
            del self._unsent[order_id]
            self._send(order_id)

    def _outdated(self, order: Order) -> str | None:
        """Why an order that waited must not be sent any more."""
        verdict = self._judge(order.request, order.group, order.id)
        if isinstance(verdict, Refusal):
            return f"{verdict.code}: {verdict.message}"
        opening = ZERO if order.closing is None else order.quantity - order.closing
        if verdict.opening > opening:
            return f"it would open {verdict.opening} now, and {opening} when it was approved"
        return None

    def look_up(self, ask: Callable[[str], object]) -> None:
        """Ask about every order that is due, and again later about those that stay unresolved."""
        now = self._host.monotonic()
        for order_id in [each for each, at in self._lookups.items() if at <= now]:
            self._lookups[order_id] = now + self._lookup_every
            ask(order_id)
            if not _unresolved(self._tracker[order_id]):
                self._lookups.pop(order_id, None)

    def look_up_soon(self, order_id: str) -> None:
        """Ask the venue about this order at the next opportunity."""
        self._lookups[order_id] = self._host.monotonic()

    def watch_the_missing(self) -> None:
        """Go on asking about every order of which the venue said that it does not know it."""
        for order in self._tracker.live.values():
            if order.answers and _unresolved(order):
                self._lookups.setdefault(order.id, self._host.monotonic() + self._lookup_every)

    def _send_cancel(self, order_id: str) -> None:
        order = self._tracker[order_id]
        if order.broker_order_id is None or order.status in (Status.SENT, Status.UNKNOWN):
            return  # sent as soon as it is known that the order exists
        try:
            self._broker.cancel(order.broker_order_id)
        except NotSent as error:
            self._cancels[order_id] = error.earliest
        except VenueRejected as error:
            self.look_up_soon(order_id)
            if order.replacing is not None:  # the venue may know it under its next id already
                self._cancels[order_id] = self._later()
                return
            del self._cancels[order_id]
            self._record(CancelRefused(at=self._clock.now(), order_id=order_id, reason=error.reason))
        except BaseException as error:
            self.look_up_soon(order_id)
            self._cancels[order_id] = self._later()  # a cancel may be asked for twice
            if not isinstance(error, Exception):
                raise
        else:
            del self._cancels[order_id]

    def _later(self) -> datetime:
        return self._clock.now() + timedelta(seconds=self._lookup_every)


def _as_allowed(change: Replacement, allowed: OrderRequest | None, order: Order) -> Replacement:
    """The change with the numbers that the symbol's rules allow, of those that it changes."""
    if allowed is None:
        return change
    return evolve(
        change,
        quantity=None if change.quantity is None else allowed.quantity + order.filled,
        limit_price=None if change.limit_price is None else allowed.limit_price,
        stop_price=None if change.stop_price is None else allowed.stop_price,
    )


def _unresolved(order: Order) -> bool:
    """Whether asking about it again may tell more than we know."""
    if order.status.terminal or order.status is Status.LOST:
        return False
    return order.status is Status.UNKNOWN or order.replacing is not None or order.answers > 0
