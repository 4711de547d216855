"""
What we know of one order: what it asks for, what the venue said of it, and what follows.

Nothing here changes an order; `engine.orders.lifecycle` alone does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from attrs import frozen

from engine.decisions import Refusal
from engine.model import ZERO, Correction, Execution, OrderRequest, Replacement, Role, Side, Status, VenueStatus, Word
from engine.orders.fills import NOTHING, Settled, Snapshot

__all__ = ["MEANING", "RANK", "Link", "Order", "Outcome", "current", "ended"]

RANK: dict[Status, int] = {
    Status.INTENT: 0,
    Status.SENT: 1,
    Status.UNKNOWN: 1,
    Status.LOST: 1,
    Status.ACKED: 2,
    Status.WORKING: 3,
    Status.PARTIAL: 4,
    Status.FILLED: 5,
    Status.CANCELED: 5,
    Status.EXPIRED: 5,
    Status.REJECTED: 5,
    Status.DENIED: 5,
}

# What a venue's word means for the status; REPLACED only hands over to the next link of the chain.
MEANING: dict[VenueStatus, Status] = {
    VenueStatus.ACCEPTED: Status.ACKED,
    VenueStatus.NEW: Status.WORKING,
    VenueStatus.PARTIALLY_FILLED: Status.WORKING,
    VenueStatus.PENDING_CANCEL: Status.WORKING,
    VenueStatus.PENDING_REPLACE: Status.WORKING,
    VenueStatus.RESTING: Status.WORKING,
    VenueStatus.REPLACED: Status.WORKING,
    VenueStatus.FILLED: Status.FILLED,
    VenueStatus.CANCELED: Status.CANCELED,
    VenueStatus.EXPIRED: Status.EXPIRED,
    VenueStatus.REJECTED: Status.REJECTED,
}

# The venue's words that end an order; of two with the same moment the higher holds.
_FINALITY = {VenueStatus.REJECTED: 0, VenueStatus.EXPIRED: 1, VenueStatus.CANCELED: 2, VenueStatus.FILLED: 3}


class Outcome(Word):
    """What became of a message; every message ends in exactly one."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    STALE = "stale"
    PARKED = "parked"
    ORPHAN = "orphan"
    CORRECTION = "correction"


@frozen
class Link:
    """
    One order at the venue; a replace adds another to the chain.

    Attributes:
        request: What the order asks for while this link works; the quantity counts what earlier links filled.
        reopened: The venue showed it live at this moment: ends reported up to then do not hold.
        known: What it filled; None: to be settled anew, which no order that anyone can see is.
        told: The largest quantity that the venue said a replacement asks for; 0: it has not said.
    """

    client_order_id: str
    request: OrderRequest
    broker_order_id: str | None = None
    executions: tuple[Execution, ...] = ()
    corrections: tuple[Correction, ...] = ()
    snapshots: tuple[Snapshot, ...] = ()
    reopened: datetime | None = None
    known: Settled | None = NOTHING
    told: Decimal = ZERO

    @property
    def quantity(self) -> Decimal:
        """What it asks for in all, base units."""
        return self.request.quantity

    @property
    def settled(self) -> Settled:
        """What it filled."""
        return self.known or NOTHING


@frozen
class Order:
    """
    One order of ours, from the intent to its end.

    Attributes:
        request: As it stands now; a replace changes its prices and quantity.
        placed: When we meant it.
        reserve_price: The worst price it reserves for, quote units.
        closing: How much of it closes a position, base units; the rest opens or grows one. None: all of it closes.
        stage: What we know from our own side alone.
        filled: Base units, provisional stretches included.
        cost, fees: Quote units; fees taken in the coin count at their worth.
        replacing: A replacement that was asked for and not answered yet.
        answers, absent_since: "Not found" answers in a row, and the moment of the first.
        changed: When anything about it last changed, our time.
        note: Why it was denied, rejected or withdrawn.
        fee_quantity, fee_worth: What was taken in the coin, base units, and its part of `fees`, quote units.
    """

    request: OrderRequest
    role: Role
    group: str | None
    placed: datetime
    reserve_price: Decimal
    closing: Decimal | None
    foreign: bool
    links: tuple[Link, ...]
    stage: Status
    status: Status
    filled: Decimal = ZERO
    cost: Decimal = ZERO
    fees: Decimal = ZERO
    cancel_requested: bool = False
    replacing: Replacement | None = None
    answers: int = 0
    absent_since: datetime | None = None
    changed: datetime | None = None
    refusal: Refusal | None = None
    note: str = ""
    fee_quantity: Decimal = ZERO
    fee_worth: Decimal = ZERO

    @property
    def moved(self) -> Decimal:
        """By how much it moved the position, base units, >= 0: fees taken in the coin are not held."""
        return self.filled - self.fee_quantity if self.side is Side.BUY else self.filled + self.fee_quantity

    @property
    def id(self) -> str:
        """Our own id; the same through every replace."""
        return self.links[0].client_order_id

    @property
    def symbol(self) -> str:
        return self.request.symbol

    @property
    def side(self) -> Side:
        return self.request.side

    @property
    def quantity(self) -> Decimal:
        """What is asked for in all, base units."""
        return self.request.quantity

    @property
    def remaining(self) -> Decimal:
        """What may still be filled, base units; 0 once the order has ended."""
        return ZERO if self.status.terminal else max(self.quantity - self.filled, ZERO)

    @property
    def average(self) -> Decimal | None:
        """Average price of what is filled, quote units; None: nothing is."""
        return self.cost / self.filled if self.filled else None

    @property
    def broker_order_id(self) -> str | None:
        """The venue's id of the link that works now."""
        return current(self.links).broker_order_id

    @property
    def provisional(self) -> Decimal:
        """How much of `filled` is worked out from a status and not yet told as an execution, base units."""
        return sum((gap.after - gap.before for link in self.links for gap in link.settled.provisional), ZERO)

    @property
    def resting(self) -> bool:
        """Known to the venue, but not working at the moment (done for day, suspended)."""
        return self._overlay() is VenueStatus.RESTING

    @property
    def cancel_pending(self) -> bool:
        """A cancel is under way: asked for by us, or reported."""
        return not self.status.terminal and (self.cancel_requested or self._overlay() is VenueStatus.PENDING_CANCEL)

    @property
    def evidence(self) -> str | None:
        """What proves the end, for an order that has ended."""
        if self.status is Status.DENIED:
            return None if self.refusal is None else f"denied by our gate: {self.refusal.code}"
        if not self.status.terminal:
            return None
        if self.filled >= self.quantity:
            return f"filled {self.filled} of {self.quantity}"
        end = ended(current(self.links))
        if end is not None:
            return f"the venue's {end.status.value} of {end.at.isoformat()}"
        if self.status is Status.FILLED:
            return f"filled {self.quantity} of {self.quantity}, of which {self.filled} are left after corrections"
        return f"withdrawn before it was sent: {self.note}" if self.stage is Status.CANCELED else None

    def _overlay(self) -> VenueStatus | None:
        """The latest word of the venue about the link that works now, if the order lives."""
        snapshots = current(self.links).snapshots
        if self.status.terminal or not snapshots:
            return None
        return max(snapshots, key=lambda snapshot: (snapshot.at, snapshot.cumulative, snapshot.status.value)).status


def ended(link: Link) -> Snapshot | None:
    """The end of this link that holds: the latest one that no re-opening has taken back."""
    latest = None
    for snapshot in link.snapshots:
        finality = _FINALITY.get(snapshot.status)
        if finality is None or (link.reopened is not None and snapshot.at <= link.reopened):
            continue
        if latest is None or (snapshot.at, finality) > (latest.at, _FINALITY[latest.status]):
            latest = snapshot
    return latest


def current(links: Sequence[Link]) -> Link:
    """The last link that the venue did not refuse: a refused replacement leaves its predecessor working."""
    if len(links) > 1:
        for link in reversed(links):
            end = ended(link)
            if end is None or end.status is not VenueStatus.REJECTED:
                return link
    return links[0]
