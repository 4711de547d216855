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

from engine.books.claims import Claims
from engine.books.journal import Journal
from engine.books.pace import Pace
from engine.books.portfolio import Portfolio
from engine.books.trades import Trades
from engine.decisions import TradingState
from engine.errors import InvalidRequest, JournalError
from engine.events import Alarm, AlarmCode, Event, Filled
from engine.facts import (
    Adopted,
    CancelRefused,
    CancelRequested,
    DayBegan,
    DeclaredLost,
    Denied,
    ExecutionCorrected,
    ExecutionReported,
    Fact,
    Flattened,
    FlattenRequested,
    Intended,
    Locked,
    LocksReleased,
    NotFound,
    OrderReported,
    PositionAdjusted,
    PositionMismatched,
    RejectedByVenue,
    Reopened,
    ReplaceDenied,
    ReplaceRefused,
    ReplaceRequested,
    Sent,
    SessionStarted,
    StrategyFailed,
    SyncBegan,
    Synced,
    TradingStateChanged,
    Unanswered,
    Unsent,
    VenueFact,
    Withdrawn,
)
from engine.model import ZERO, Side, SymbolFlag
from engine.orders.lifecycle import Note
from engine.orders.order import Order, Outcome
from engine.orders.tracker import Tracker
from engine.risk.locks import Locks
from engine.risk.returns import Returns
from engine.trade import Trade

__all__ = ["Books", "recovered"]


class Books:
    """
    Orders, positions and money; belongs to the engine's thread.

    Attributes:
        session: The fact that began the journal; None: nothing was applied yet.
        epoch: How often the books were found equal to the venue.
        synced: When that was last; None: never.
        failure: The error with which the strategy ended the session; None: it did not.
        state: What may be sent at all.
        pace: The session day that we are in, and how much was sent lately.
        unjudged: Trades that the last fact closed, for the protections to look at; a lock is what they may bring.
        returns: Of the prices seen; not recorded, like all prices.
    """

    def __init__(self) -> None:
        self.session: SessionStarted | None = None
        self.tracker = Tracker()
        self.portfolio = Portfolio(ZERO)
        self.epoch = 0
        self.synced: datetime | None = None
        self.failure: str | None = None
        self.trades = Trades(ZERO)
        self.locks = Locks()
        self.returns = Returns()
        self.state = TradingState.ACTIVE
        self.pace = Pace()
        self.unjudged: list[Trade] = []
        self._claims = Claims()
        self._adjustments: dict[str, PositionAdjusted] = {}

    def apply(self, fact: Fact, at: datetime) -> list[Event]:
        """
        Take in a fact at our time ``at``; tell what it changed.

        Raises:
            JournalError: A first fact that does not begin a session.
        """
        if self.session is None and type(fact) is not SessionStarted:
            raise JournalError(f"a journal begins with SessionStarted, this one with {type(fact).__name__}")
        if self.unjudged and not (type(fact) is Locked and fact.trades):
            self.unjudged = []  # whoever wrote on had looked at them
        events = _APPLY[type(fact)](self, fact, at)
        touched: Order | None = None
        for event in events:
            if isinstance(event, Alarm):
                continue
            order = self.tracker[event.order_id]
            if type(event) is Filled:
                # What was taken in the coin was paid for and never held: it is a fee, and not what the rest cost.
                cost = event.cost - event.fee_worth if event.fee_worth else event.cost
                self._book(event.symbol, order, event.moved, cost, event.fee, _moment(fact))
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

    def marked(self, symbol: str) -> datetime | None:
        return self.portfolio.marked(symbol)

    def equity(self) -> Decimal | None:
        return self.portfolio.equity() if self.portfolio.priced else None

    def exposure(self, symbol: str) -> Decimal:
        return self.portfolio.exposure(symbol)

    def gross(self) -> Decimal:
        return self.portfolio.gross()

    def day(self) -> DayBegan | None:
        return self.pace.day

    def entries_today(self, symbol: str | None = None) -> int:
        return self.pace.entries_today(symbol)

    def open_orders(self, symbol: str, but: str | None = None) -> int:
        return sum(order.symbol == symbol and order.id != but for order in self.tracker.live.values())

    def pending(self, symbol: str, but: str | None = None) -> Decimal:
        entries = (order for order in self.tracker.live.values() if order.closing == 0 and order.symbol == symbol)
        return sum((order.remaining for order in entries if order.id != but), ZERO)

    def orders_since(self, moment: datetime) -> int:
        return self.pace.orders_since(moment)

    def day_trades(self, days: int) -> int:
        return self.trades.day_trades_since(self.pace.number - days + 1)

    def locked(self, symbol: str, side: Side, now: datetime) -> Locked | None:
        return self.locks.holding(symbol, side, now)

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

    def fingerprint(self, *, venue: bool = False) -> str:
        """
        SHA-256 over every order, position, trade, lock and amount, hex: equal books have equal fingerprints.

        Args:
            venue: Also over what the way to the venue leaves: its ids, and how many messages became what. Without, a
                session has the same one whatever way its orders took.
        """
        lines = [f"cash {self.portfolio.cash.normalize()} fees {self.portfolio.fees.normalize()}"]
        for symbol, position in sorted(self.portfolio.positions.items()):
            lines.append(
                f"{symbol} {position.quantity.normalize()} {position.basis.normalize()} {position.spent.normalize()}"
            )
            lines.append(f"{symbol} {sorted(flag.value for flag in self.tracker.flags(symbol))}")
        for order in self.tracker:
            ids = [link.broker_order_id if venue else link.client_order_id for link in order.links]
            amounts = f"{order.filled.normalize()} {order.cost.normalize()} {order.fees.normalize()}"
            if order.fee_quantity:
                amounts += f" {order.fee_quantity.normalize()}"
            lines.append(f"{order.id} {ids} {order.status.value} {amounts} {order.changed}")
        for trade in self.trades.closed:
            lines.append(
                f"{trade.number} {trade.symbol} {trade.closed} {trade.cost.normalize()} {trade.profit.normalize()}"
            )
        lines += [f"{lock.id} {lock.until} {lock.id in self.locks.released}" for lock in self.locks.all]
        lines.append(f"{self.state.value} {_day(self.pace.day)}")
        if venue:
            lines.append(f"{sorted((outcome.value, count) for outcome, count in self.tracker.counts.items() if count)}")
        return sha256("\n".join(lines).encode()).hexdigest()

    def _book(
        self, symbol: str, order: Order | None, quantity: Decimal, cost: Decimal, fee: Decimal, at: datetime
    ) -> None:
        portfolio = self.portfolio
        before = portfolio.position(symbol)
        portfolio.book(symbol, None if order is None else order.side, quantity, cost, fee)
        trade = self.trades.book(
            symbol,
            order,
            quantity,
            cost,
            fee,
            before=before,
            after=portfolio.position(symbol),
            at=at,
            day=self.pace.number,
        )
        if trade is not None:
            self.unjudged.append(trade)

    # --- applying -----------------------------------------------------------------------------------------------------

    def _begin(self, fact: SessionStarted, at: datetime) -> list[Event]:
        if self.session is not None:
            raise JournalError("a second SessionStarted: two sessions wrote to one journal")
        self.session = fact
        self.portfolio = Portfolio(fact.cash)
        self.trades = Trades(fact.cash)
        return []

    def _open(self, fact: Intended | Denied | Adopted, at: datetime) -> list[Event]:
        events = self.tracker.open(fact)
        self.portfolio.reserve(self.tracker[fact.request.id])
        symbol = fact.request.symbol
        if type(fact) is Intended:
            self.pace.intended(fact)
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
            self._claims.told(fact.symbol, fact.correction.at, None)
        elif fact.execution is None:
            return events
        elif self.tracker.counts[Outcome.DUPLICATE] == known:  # a repetition tells where the position was, not is
            self._claims.told(fact.symbol, fact.execution.at, fact.execution.position_after)
        return events + self._check_position(fact.symbol, at, events)

    def _check_position(self, symbol: str, at: datetime, events: Iterable[Event]) -> list[Event]:
        """
        Hold our position against the latest one that the venue told with an execution (worked sequence 12).

        Args:
            events: Those of the same fact; they are booked after this, so it adds them to the position itself.
        """
        told = self._claims.latest(symbol)
        if told is None:
            return []
        booked = self.portfolio.position(symbol)
        for event in events:
            if type(event) is Filled and event.symbol == symbol:
                booked += event.moved
        suspect = SymbolFlag.SUSPECT in self.tracker.flags(symbol)
        if booked == told:
            if suspect:
                self.tracker.flag(symbol, SymbolFlag.SUSPECT, up=False)
        elif not suspect:
            self.tracker.flag(symbol, SymbolFlag.SUSPECT)
            what = f"the venue says {told}, our books say {booked}: an execution is missing"
            return [Alarm(at=at, code=AlarmCode.POSITION_SUSPECT, symbol=symbol, order_id=None, message=what)]
        return []

    def _changes_nothing(self, fact: SyncBegan | ReplaceDenied, at: datetime) -> list[Event]:
        return []

    def _synced(self, fact: Synced, at: datetime) -> list[Event]:
        self.epoch = fact.epoch
        self.synced = fact.at
        for parked in list(self.tracker.parked):  # a complete listing did not know their orders either
            self.tracker.orphaned(parked)
        # The books were found equal, or made so: what the venue said before is settled.
        self._claims.settle()
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
            self._book(fact.symbol, None, fact.quantity, fact.quantity * fact.price, ZERO, fact.at)
        return []

    def _day_began(self, fact: DayBegan, at: datetime) -> list[Event]:
        self.pace.begin(fact)
        return []

    def _locked(self, fact: Locked, at: datetime) -> list[Event]:
        self.locks.lock(fact)
        return []

    def _locks_released(self, fact: LocksReleased, at: datetime) -> list[Event]:
        self.locks.release(fact)
        return []

    def _flatten(self, fact: FlattenRequested | Flattened, at: datetime) -> list[Event]:
        self.tracker.flag(fact.symbol, SymbolFlag.FLATTENING, up=type(fact) is FlattenRequested)
        return []

    def _state_changed(self, fact: TradingStateChanged, at: datetime) -> list[Event]:
        self.state = fact.state
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
    ReplaceDenied: Books._changes_nothing,
    SyncBegan: Books._changes_nothing,
    Synced: Books._synced,
    PositionMismatched: Books._mismatched,
    PositionAdjusted: Books._adjusted,
    DayBegan: Books._day_began,
    Locked: Books._locked,
    LocksReleased: Books._locks_released,
    FlattenRequested: Books._flatten,
    Flattened: Books._flatten,
    TradingStateChanged: Books._state_changed,
    StrategyFailed: Books._failed,
}


def _day(day: DayBegan | None) -> str:
    if day is None:
        return "no day"
    equity = "unknown" if day.equity is None else f"{day.equity.normalize()}"
    return f"day {day.number} {day.at} {day.opens} {day.closes} {equity}"


def _moment(fact: Fact) -> datetime:
    """When it happened at the venue, where the fact tells."""
    execution = getattr(fact, "execution", None)
    return fact.at if execution is None else execution.at


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
