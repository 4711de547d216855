"""
All orders that we know of, by every id they have, and what every message became.

The tracker takes facts in and tells events out; it asks nothing, sends nothing and reads no clock. Messages about an
order that it does not know are parked until the order appears (rule R8 of docs/explanation/tracking.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from attrs import frozen

from engine.errors import InvalidRequest
from engine.events import Alarm, AlarmCode, Event, Filled, OrderChanged
from engine.facts import Adopted, Denied, ExecutionCorrected, Intended, OrderReported, ReplaceRequested, VenueFact
from engine.model import Side, Status, SymbolFlag
from engine.orders.lifecycle import Note, note, opened, take
from engine.orders.order import Order, Outcome

__all__ = ["Parked", "Tracker"]


@frozen
class Parked:
    """A message about an order that is not known (yet), and when it came."""

    fact: VenueFact
    since: datetime


class Tracker:
    """
    Orders and messages; belongs to the engine's thread.

    Attributes:
        counts: How many messages of the venue became what; the sum is the number of messages taken in.
        parked: Messages about orders that are not known, in the order in which they came.
        last_event: The venue's moment of the latest execution told; None: none yet.
    """

    def __init__(self) -> None:
        self.counts: Counter[Outcome] = Counter()
        self.parked: list[Parked] = []
        self.last_event: datetime | None = None
        self._orders: dict[str, Order] = {}
        self._live: dict[str, Order] = {}
        self._alias: dict[str, str] = {}  # client ids of replacements, to ours
        self._named: dict[str, str] = {}  # the venue's ids, which may look like anybody's client ids, to ours
        self._flags: dict[str, set[SymbolFlag]] = {}
        self._members: dict[str, list[str]] = {}

    # --- looking ------------------------------------------------------------------------------------------------------

    def __contains__(self, order_id: str) -> bool:
        return order_id in self._orders or order_id in self._alias or order_id in self._named

    def __getitem__(self, order_id: str) -> Order:
        """The order by our own id; KeyError if there is none."""
        return self._orders[order_id]

    def find(self, *, client_order_id: str | None = None, broker_order_id: str | None = None) -> Order | None:
        """The order by any id it ever had."""
        orders = self._orders
        if client_order_id is not None:
            order = orders.get(client_order_id) or orders.get(self._alias.get(client_order_id, ""))
            if order is not None:
                return order
        if broker_order_id is None:
            return None
        own = self._named.get(broker_order_id)
        if own is None and client_order_id is None:
            own = broker_order_id  # adopted from a venue that shows no client id
        return None if own is None else orders.get(own)

    def __iter__(self) -> Iterator[Order]:
        """All orders, in the order in which they became known."""
        return iter(self._orders.values())

    @property
    def total(self) -> int:
        """How many orders there are, whatever became of them."""
        return len(self._orders)

    @property
    def live(self) -> dict[str, Order]:
        """Orders that have not ended, LOST ones included, by our id; to read, not to change."""
        return self._live

    def members(self, group: str) -> Sequence[str]:
        """Ids of a group's protective orders, in the order in which they were made."""
        return self._members.get(group, ())

    def flags(self, symbol: str) -> frozenset[SymbolFlag]:
        """Why no new entry should pass in the symbol."""
        found = self._flags.get(symbol)
        return frozenset(found) if found else frozenset()

    def flag(self, symbol: str, flag: SymbolFlag, *, up: bool = True) -> None:
        """Raise or lower a flag of the symbol."""
        if up:
            self._flags.setdefault(symbol, set()).add(flag)
        else:
            self._flags.get(symbol, set()).discard(flag)

    def flagged(self) -> list[str]:
        """Symbols with any flag up, sorted."""
        return sorted(symbol for symbol, flags in self._flags.items() if flags)

    # --- facts of our own ---------------------------------------------------------------------------------------------

    def open(self, fact: Intended | Denied | Adopted) -> list[Event]:
        """A new order: meant, denied, or found at the venue; what was parked for it is applied."""
        order = opened(fact)
        if order.id in self._orders or order.id in self._alias:
            raise InvalidRequest("client_order_id", order.id, "an id that was never used before")
        self._keep(order)
        if order.group is not None:
            self._members.setdefault(order.group, []).append(order.id)
        # That an order is meant is no news to those who asked for it.
        events: list[Event] = [] if type(fact) is Intended else [self._changed(None, order, fact.at)]
        if isinstance(fact, Adopted) and not fact.foreign:
            self.flag(order.symbol, SymbolFlag.QUARANTINED)
            what = "an order with our prefix that the journal does not know"
            events.append(
                Alarm(at=fact.at, code=AlarmCode.ORPHAN, symbol=order.symbol, order_id=order.id, message=what)
            )
        return events + self._unpark(fact.at) if self.parked else events

    def note(self, fact: Note) -> list[Event]:
        """Something that we did or found out about an order of ours."""
        before = self._orders[fact.order_id]
        after = note(before, fact)
        self._keep(after)
        if isinstance(fact, ReplaceRequested):
            self._alias[fact.change.client_order_id] = after.id
            return self._unpark(fact.at)
        if after.status is before.status and after.filled == before.filled:
            return []
        events = self._told(before, after, fact.at)
        code = {Status.UNKNOWN: AlarmCode.ORDER_UNKNOWN, Status.LOST: AlarmCode.ORDER_LOST}.get(after.status)
        if before.status.terminal and not after.status.terminal:
            code = AlarmCode.ORDER_REOPENED
        if code is not None:
            what = f"{code.value.replace('_', ' ')}: was {before.status.value}"
            events.append(Alarm(at=fact.at, code=code, symbol=after.symbol, order_id=after.id, message=what))
        return events

    # --- messages of the venue ----------------------------------------------------------------------------------------

    def take(self, fact: VenueFact, at: datetime) -> list[Event]:
        """A message of the venue, taken in at our time ``at``."""
        execution = None if isinstance(fact, ExecutionCorrected) else fact.execution
        if execution is not None and (self.last_event is None or execution.at > self.last_event):
            self.last_event = execution.at
        before = self._addressee(fact)
        if before is None:
            self.counts[Outcome.PARKED] += 1
            self.parked.append(Parked(fact, at))
            return []
        return self._take(before, fact, at)

    def orphaned(self, parked: Parked) -> None:
        """A parked message turned out to be about nothing that will ever be an order of ours."""
        self.parked.remove(parked)
        self.counts[Outcome.PARKED] -= 1
        self.counts[Outcome.ORPHAN] += 1

    def _addressee(self, fact: VenueFact) -> Order | None:
        order = self.find(client_order_id=fact.client_order_id, broker_order_id=fact.broker_order_id)
        if order is None and isinstance(fact, OrderReported) and fact.replaces is not None:
            order = self.find(broker_order_id=fact.replaces)
        return order

    def _take(self, before: Order, fact: VenueFact, at: datetime) -> list[Event]:
        after, outcome = take(before, fact, at)
        self.counts[outcome] += 1
        if after is before:
            return []
        self._keep(after)
        events = self._told(before, after, at)
        if before.status.terminal and not after.status.terminal:
            what = f"{before.status.value} here, {after.status.value} at the venue"
            code = AlarmCode.ORDER_REOPENED
            events.append(Alarm(at=at, code=code, symbol=after.symbol, order_id=after.id, message=what))
        if len(after.links) > 1 or before.links[0].corrections:
            self._recount(before, after)
        if self.parked:
            events += self._unpark(at)
        return events

    def _recount(self, before: Order, after: Order) -> None:
        """Corrections that waited for their execution, and got it, are corrections now."""
        waited = sum(len(link.settled.unmatched) for link in before.links)
        waiting = sum(len(link.settled.unmatched) for link in after.links)
        if waiting < waited:
            self.counts[Outcome.PARKED] -= waited - waiting
            self.counts[Outcome.CORRECTION] += waited - waiting

    def _unpark(self, at: datetime) -> list[Event]:
        events: list[Event] = []
        for parked in list(self.parked):
            order = self._addressee(parked.fact)
            if order is not None and parked in self.parked:
                self.parked.remove(parked)
                self.counts[Outcome.PARKED] -= 1
                events += self._take(order, parked.fact, at)
        return events

    # --- keeping ------------------------------------------------------------------------------------------------------

    def _keep(self, order: Order) -> None:
        links = order.links
        own = links[0].client_order_id
        self._orders[own] = order
        if order.status.terminal:
            self._live.pop(own, None)
        else:
            self._live[own] = order
        for link in links:
            if link.broker_order_id is not None:
                self._named[link.broker_order_id] = own
            if link.client_order_id is not own:
                self._alias[link.client_order_id] = own

    def _told(self, before: Order, after: Order, at: datetime) -> list[Event]:
        """What a change of an order means to those who listen."""
        if after.filled is before.filled and after.cost is before.cost and after.fees is before.fees:
            return [] if after.status is before.status else [self._changed(before, after, at)]
        events: list[Event] = []
        quantity, cost, fee = after.filled - before.filled, after.cost - before.cost, after.fees - before.fees
        fee_quantity, fee_worth = after.fee_quantity, after.fee_worth
        if fee_quantity or before.fee_quantity:
            fee_quantity -= before.fee_quantity
            fee_worth -= before.fee_worth
        if quantity or cost or fee or fee_quantity:
            sold = after.side is Side.SELL
            events.append(
                Filled(
                    at=at,
                    order_id=after.id,
                    symbol=after.symbol,
                    quantity=-quantity if sold else quantity,
                    cost=-cost if sold else cost,
                    fee=fee,
                    provisional=any(link.settled.provisional for link in after.links)
                    and after.provisional > before.provisional,
                    fee_quantity=fee_quantity,
                    fee_worth=fee_worth,
                )
            )
        if after.status is not before.status:
            events.append(self._changed(before, after, at))
        if quantity > 0 and (before.status.terminal or before.status is Status.LOST):
            what = f"{quantity} filled after the order was {before.status.value}"
            events.append(Alarm(at=at, code=AlarmCode.LATE_FILL, symbol=after.symbol, order_id=after.id, message=what))
        if after.filled > after.quantity and (quantity > 0 or before.filled <= before.quantity):
            self.flag(after.symbol, SymbolFlag.OVERFILLED)
            what = f"{after.filled} filled of {after.quantity}"
            events.append(Alarm(at=at, code=AlarmCode.OVER_FILL, symbol=after.symbol, order_id=after.id, message=what))
        return events

    @staticmethod
    def _changed(before: Order | None, after: Order, at: datetime) -> OrderChanged:
        return OrderChanged(
            at=at,
            order_id=after.id,
            symbol=after.symbol,
            before=None if before is None else before.status,
            after=after.status,
        )

    def position(self, symbol: str) -> Decimal:
        """Signed sum of what all orders moved in the symbol, base units; walks all of them, for checks and tests."""
        return sum((order.side.signed(order.moved) for order in self if order.symbol == symbol), Decimal(0))
