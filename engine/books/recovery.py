"""
The books: everything the engine knows, as a fold over its facts.

`Books.apply` is the only way in, for a fact that just happened and for one that is read back from the journal. So every
start is a recovery, and a replay gives the same orders, positions and money.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, cast

from attrs import frozen

from engine.books.journal import Journal
from engine.books.portfolio import Portfolio
from engine.errors import InvalidRequest, JournalError
from engine.events import Alarm, AlarmCode, Event, Filled
from engine.facts import (
    Adopted,
    CancelRefused,
    CancelRequested,
    DeclaredLost,
    Denied,
    ExecutionCorrected,
    ExecutionReported,
    Fact,
    Intended,
    NotFound,
    OrderReported,
    PositionAdjusted,
    PositionMismatched,
    RejectedByVenue,
    Reopened,
    ReplaceRefused,
    ReplaceRequested,
    Sent,
    SessionStarted,
    StrategyFailed,
    SyncBegan,
    Synced,
    Unanswered,
    Unsent,
    VenueFact,
    Withdrawn,
)
from engine.model import ZERO, SymbolFlag
from engine.orders.lifecycle import Note
from engine.orders.order import Order, Outcome
from engine.orders.tracker import Tracker

__all__ = ["Books", "recovered"]


@frozen
class _Claim:
    """
    What the venue said the position was after an execution.

    Attributes:
        at: Venue time; what was told of earlier moments is of no interest any more.
        quantity: Signed, base units; None: the position has changed since, and the venue did not say to what.
    """

    at: datetime
    quantity: Decimal | None


class Books:
    """
    Orders, positions and money; belongs to the engine's thread.

    Attributes:
        session: The fact that began the journal; None: nothing was applied yet.
        epoch: How often the books were found equal to the venue.
        synced: When that was last; None: never.
        failure: The error with which the strategy ended the session; None: it did not.
    """

    def __init__(self) -> None:
        self.session: SessionStarted | None = None
        self.tracker = Tracker()
        self.portfolio = Portfolio(ZERO)
        self.epoch = 0
        self.synced: datetime | None = None
        self.failure: str | None = None
        self._claims: dict[str, _Claim] = {}
        self._adjustments: dict[str, PositionAdjusted] = {}

    def apply(self, fact: Fact, at: datetime) -> list[Event]:
        """
        Take in a fact at our time ``at``; tell what it changed.

        Raises:
            JournalError: A first fact that does not begin a session.
        """
        if self.session is None and type(fact) is not SessionStarted:
            raise JournalError(f"a journal begins with SessionStarted, this one with {type(fact).__name__}")
        events = _APPLY[type(fact)](self, fact, at)
        touched: Order | None = None
        for event in events:
            if isinstance(event, Alarm):
                continue
            order = self.tracker[event.order_id]
            if type(event) is Filled:
                # What was taken in the coin was paid for and never held: it is a fee, and not what the rest cost.
                cost = event.cost - event.fee_worth if event.fee_worth else event.cost
                self.portfolio.book(event.symbol, order.side, event.moved, cost, event.fee)
            if order is not touched:
                touched = order
                self.portfolio.reserve(order)
        return events

    # --- what a gate may look at --------------------------------------------------------------------------------------

    def has_order(self, order_id: str) -> bool:
        return order_id in self.tracker

    def position(self, symbol: str) -> Decimal:
        return self.portfolio.position(symbol)

    def mark(self, symbol: str) -> Decimal | None:
        return self.portfolio.price(symbol)

    def available(self) -> Decimal:
        return self.portfolio.available()

    def reserved(self, order_id: str) -> Decimal:
        return self.portfolio.reserved(order_id)

    def exit_reserved_by(self, order_id: str) -> Decimal:
        return self.portfolio.exit_reserved_by(order_id)

    def exit_reserved(self, symbol: str, *, but_group: str | None = None) -> Decimal:
        return self.portfolio.exit_reserved(symbol, but_group=but_group)

    def flags(self, symbol: str) -> frozenset[SymbolFlag]:
        return self.tracker.flags(symbol)

    # --- what the reconciler looks at ---------------------------------------------------------------------------------

    def average(self, symbol: str) -> Decimal | None:
        position = self.portfolio.positions.get(symbol)
        return None if position is None else position.average

    def held(self) -> Mapping[str, Decimal]:
        return self.portfolio.open_positions

    # --- comparing ----------------------------------------------------------------------------------------------------

    def fingerprint(self) -> str:
        """SHA-256 over every order, position and amount, hex: equal books have equal fingerprints."""
        lines = [f"cash {self.portfolio.cash.normalize()} fees {self.portfolio.fees.normalize()}"]
        for symbol, position in sorted(self.portfolio.positions.items()):
            lines.append(
                f"{symbol} {position.quantity.normalize()} {position.basis.normalize()} {position.spent.normalize()}"
            )
            lines.append(f"{symbol} {sorted(flag.value for flag in self.tracker.flags(symbol))}")
        for order in self.tracker:
            ids = [link.broker_order_id for link in order.links]
            amounts = f"{order.filled.normalize()} {order.cost.normalize()} {order.fees.normalize()}"
            if order.fee_quantity:
                amounts += f" {order.fee_quantity.normalize()}"
            lines.append(f"{order.id} {ids} {order.status.value} {amounts} {order.changed}")
        lines.append(f"{sorted((outcome.value, count) for outcome, count in self.tracker.counts.items() if count)}")
        return sha256("\n".join(lines).encode()).hexdigest()

    # --- applying -----------------------------------------------------------------------------------------------------

    def _begin(self, fact: SessionStarted, at: datetime) -> list[Event]:
        if self.session is not None:
            raise JournalError("a second SessionStarted: two sessions wrote to one journal")
        self.session = fact
        self.portfolio = Portfolio(fact.cash)
        return []

    def _open(self, fact: Intended | Denied | Adopted, at: datetime) -> list[Event]:
        events = self.tracker.open(fact)
        self.portfolio.reserve(self.tracker[fact.request.id])
        symbol = fact.request.symbol
        return events + self._check_position(symbol, at, events) if self.tracker.flags(symbol) else events

    def _note(self, fact: Note, at: datetime) -> list[Event]:
        events = self.tracker.note(fact)
        if type(fact) in (ReplaceRequested, ReplaceRefused):
            self.portfolio.reserve(self.tracker[fact.order_id])
        return events

    def _take(self, fact: VenueFact, at: datetime) -> list[Event]:
        known = self.tracker.counts[Outcome.DUPLICATE]
        events = self.tracker.take(fact, at)
        if not events and type(fact) is OrderReported:
            # A replacement that came through tells nothing, and yet its order keeps back less or more than before.
            order = self.tracker.find(client_order_id=fact.client_order_id, broker_order_id=fact.broker_order_id)
            if order is not None:
                self.portfolio.reserve(order)
        if isinstance(fact, ExecutionCorrected):
            self._claim(fact.symbol, fact.correction.at, None)
        elif fact.execution is None:
            return events
        elif self.tracker.counts[Outcome.DUPLICATE] == known:  # a repetition tells where the position was, not is
            self._claim(fact.symbol, fact.execution.at, fact.execution.position_after)
        return events + self._check_position(fact.symbol, at, events)

    def _claim(self, symbol: str, at: datetime, told: Decimal | None) -> None:
        """Keep the venue's latest word on the position."""
        claim = self._claims.get(symbol)
        if claim is None or at > claim.at or (at == claim.at and told is not None):
            self._claims[symbol] = _Claim(at, told)

    def _check_position(self, symbol: str, at: datetime, events: Iterable[Event]) -> list[Event]:
        """
        Hold our position against the latest one that the venue told with an execution (worked sequence 12).

        Args:
            events: Those of the same fact; they are booked after this, so it adds them to the position itself.
        """
        claim = self._claims.get(symbol)
        if claim is None or claim.quantity is None:
            return []
        booked = self.portfolio.position(symbol)
        for event in events:
            if type(event) is Filled and event.symbol == symbol:
                booked += event.moved
        suspect = SymbolFlag.SUSPECT in self.tracker.flags(symbol)
        if booked == claim.quantity:
            if suspect:
                self.tracker.flag(symbol, SymbolFlag.SUSPECT, up=False)
        elif not suspect:
            self.tracker.flag(symbol, SymbolFlag.SUSPECT)
            what = f"the venue says {claim.quantity}, our books say {booked}: an execution is missing"
            return [Alarm(at=at, code=AlarmCode.POSITION_SUSPECT, symbol=symbol, order_id=None, message=what)]
        return []

    def _sync_began(self, fact: SyncBegan, at: datetime) -> list[Event]:
        return []

    def _synced(self, fact: Synced, at: datetime) -> list[Event]:
        self.epoch = fact.epoch
        self.synced = fact.at
        for parked in list(self.tracker.parked):  # a complete listing did not know their orders either
            self.tracker.orphaned(parked)
        # The books were found equal, or made so: what the venue said before is settled.
        self._claims = {symbol: _Claim(claim.at, None) for symbol, claim in self._claims.items()}
        for symbol in self.tracker.flagged():
            for flag in (SymbolFlag.SUSPECT, SymbolFlag.OVERFILLED):
                self.tracker.flag(symbol, flag, up=False)
        return []

    def _mismatched(self, fact: PositionMismatched, at: datetime) -> list[Event]:
        if not fact.trusted:
            self.tracker.flag(fact.symbol, SymbolFlag.REDUCE_ONLY)
        what = f"the venue holds {fact.venue}, our books {fact.book}"
        code = AlarmCode.POSITION_MISMATCH
        return [Alarm(at=fact.at, code=code, symbol=fact.symbol, order_id=None, message=what)]

    def _adjusted(self, fact: PositionAdjusted, at: datetime) -> list[Event]:
        if fact.id not in self._adjustments:
            self._adjustments[fact.id] = fact
            self.portfolio.book(fact.symbol, None, fact.quantity, fact.quantity * fact.price, ZERO)
        return []

    def _failed(self, fact: StrategyFailed, at: datetime) -> list[Event]:
        self.failure = fact.error
        return []

    @property
    def adjustments(self) -> list[PositionAdjusted]:
        """Changes of position without an execution, in the order in which they were booked."""
        return list(self._adjustments.values())


_Apply = Callable[[Books, Any, datetime], list[Event]]
_APPLY: dict[type[Fact], _Apply] = {
    SessionStarted: Books._begin,
    Intended: Books._open,
    Denied: Books._open,
    Adopted: Books._open,
    **dict.fromkeys(
        (
            Sent,
            Unsent,
            Withdrawn,
            Unanswered,
            RejectedByVenue,
            CancelRequested,
            CancelRefused,
            ReplaceRequested,
            ReplaceRefused,
            NotFound,
            DeclaredLost,
            Reopened,
        ),
        cast(_Apply, Books._note),
    ),
    **dict.fromkeys((OrderReported, ExecutionReported, ExecutionCorrected), cast(_Apply, Books._take)),
    SyncBegan: Books._sync_began,
    Synced: Books._synced,
    PositionMismatched: Books._mismatched,
    PositionAdjusted: Books._adjusted,
    StrategyFailed: Books._failed,
}


def recovered(journal: Journal) -> Books:
    """
    The books as the journal's durable facts left them.

    Raises:
        JournalError: The journal is damaged, does not begin a session, or tells what cannot have happened.
    """
    books = Books()
    for entry in journal.entries():
        try:
            books.apply(entry.fact, entry.at)
        except (KeyError, InvalidRequest) as error:
            kind = type(entry.fact).__name__
            raise JournalError(f"{journal.path}: fact {entry.seq}, {kind}, does not follow: {error}") from error
    return books
