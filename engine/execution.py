"""
The execution engine: from a request to the books, with the journal written ahead of every send.

`submit` asks the gate, journals the intent, sends, and hands out a ticket. The ticket's status changes when facts
arrive, and nowhere else. An answer that got lost leaves the order UNKNOWN: it is looked up by its client order id and
never sent again. The engine blocks in its ports only and starts no thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from attrs import evolve

from engine.books.journal import Journal
from engine.books.recovery import Books, recovered
from engine.books.sentry import Sentry
from engine.calendar import AlwaysOpen, Calendar
from engine.clock import Clock, HostClock, SystemClock, SystemHostClock
from engine.decisions import Approval, Refusal, TradingState
from engine.errors import FeedClosed, TradingError
from engine.events import Alarm, AlarmCode, Event, Filled
from engine.facts import (
    Denied,
    ExecutionReported,
    Fact,
    Flattened,
    FlattenRequested,
    Intended,
    LocksReleased,
    OrderReported,
    SessionStarted,
    StrategyFailed,
    Synced,
    TradingStateChanged,
)
from engine.model import Exits, OrderRequest, Replacement, Role, SymbolFlag
from engine.orders.brackets import Guards, Place, stop_beside
from engine.orders.dispatch import Dispatch
from engine.orders.flatten import Flattener
from engine.orders.order import Order
from engine.orders.reconcile import Reconciler
from engine.orders.settings import EngineSettings
from engine.orders.ticket import Ticket
from engine.ports import Broker, Feed, Gate

__all__ = ["EngineSettings", "ExecutionEngine", "Ticket"]


_TELLS = frozenset({OrderReported, ExecutionReported})  # facts that may announce an execution
_DOUBTS = frozenset({AlarmCode.POSITION_SUSPECT, AlarmCode.OVER_FILL})  # what a reconciliation settles


class ExecutionEngine:
    """
    Belongs to the thread that made it.

    Args:
        feed: Where the venue's facts come from; a broker that is its own feed is given twice.
        journal: Open and either empty or of this very session.
        gate: Decides what may be sent.
        calendar: The market's sessions; None: it never closes.

    Attributes:
        in_sync: Whether the last reconciliation of this run came to its end; until then only exits pass.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        feed: Feed,
        journal: Journal,
        gate: Gate,
        calendar: Calendar | None = None,
        clock: Clock | None = None,
        host_clock: HostClock | None = None,
        settings: EngineSettings | None = None,
    ) -> None:
        self.broker = broker
        self.feed = feed
        self.journal = journal
        self.gate = gate
        self.calendar = calendar or AlwaysOpen()
        self.clock = clock or SystemClock()
        self.settings = settings or EngineSettings()
        self._host = host_clock or SystemHostClock()
        self.in_sync = False
        self._events: list[Event] = []
        self._resync_at: float | None = None
        self._commit_at = 0.0
        self._strangers = 0  # messages parked when we last looked
        self._closed: FeedClosed | None = None
        self._next_number = 1
        self._adopt_books(Books())

    # --- starting -----------------------------------------------------------------------------------------------------

    def start(self, session: SessionStarted) -> Synced | None:
        """
        Recover what the journal holds (nothing, for a new session), then reconcile with the venue.

        Returns:
            What the reconciliation found; None: the venue did not answer in full; `step` will try again.

        Raises:
            JournalError: The journal cannot be read or written.
        """
        if len(self.journal):
            self._adopt_books(recovered(self.journal))
        else:
            self._record(session)
        for order in list(self.books.tracker.live.values()):
            self._dispatch.take_up(order)
        for order in self.books.tracker:
            self._guards.changed(order)
        if self.books.state is TradingState.HALTED:
            self._cancel_entries("trading was halted before the restart")
        for symbol in self.books.tracker.flagged():
            if SymbolFlag.FLATTENING in self.books.flags(symbol):
                self._flattener.ask(symbol)
        self._sentry.judge()  # the journal may have lost what the last trades brought
        self.journal.commit()
        return self.reconcile()

    def _adopt_books(self, books: Books) -> None:
        self.books = books
        self._sentry = Sentry(books, self.gate.protections, self.calendar, self._record)
        self._dispatch = Dispatch(
            self.broker,
            books.tracker,
            self.clock,
            self._host,
            judge=self._judge,
            record=self._record,
            commit=self.journal.commit,
            regate_after=self.settings.regate_after,
            lookup_every=self.settings.lookup_every,
        )
        self._guards = Guards(
            books.tracker,
            books,
            self.clock,
            place=self._place,
            resize=lambda step: self.replace(step.order_id, quantity=step.quantity),
            cancel=lambda step: self.cancel(step.order_id, step.reason),
            tell=self._events.append,
            unprotected_for=self.settings.unprotected_for,
            retry_after=self.settings.retry_after,
        )
        self._flattener = Flattener(
            books.tracker,
            books,
            self.clock,
            cancel=lambda order_ids: self._dispatch.cancel(order_ids, "its position is to be closed"),
            leave=lambda request: self.submit(request).id,
            done=lambda symbol: self._record(Flattened(at=self.clock.now(), symbol=symbol)),
            retry_after=self.settings.retry_after,
        )
        self._reconciler = Reconciler(
            self.broker,
            books.tracker,
            self.clock,
            self.settings.reconcile,
            holdings=books,
            record=self._record,
            drain=self._drain,
            cancel=self.cancel,
            ours=lambda order_id: order_id.startswith(f"{self._begun().session_id}-"),
        )

    def reconcile(self, *, lost: datetime | None = None) -> Synced | None:
        """
        One pass of reconciliation; see `engine.orders.reconcile.Reconciler.run`.

        Args:
            lost: When the feed broke off; None: it did not, and what is in doubt goes back to the last pass.
        """
        began, books = self._begun().at, self.books
        result = self._reconciler.run(books.epoch + 1, lost or books.synced or began)
        self.in_sync = result is not None
        self._resync_at = None if self.in_sync else self._host.monotonic() + self.settings.resync_every
        self._strangers = len(books.tracker.parked)
        self._dispatch.watch_the_missing()
        self.journal.commit()
        return result

    # --- commands -----------------------------------------------------------------------------------------------------

    def submit(self, request: OrderRequest) -> Ticket:
        """
        Send an order, or say why not: a DENIED ticket carries the gate's refusal.

        A client order id that was used before gives its ticket back and sends nothing.
        """
        return self.submit_many((request,))[0]

    def submit_many(self, requests: Iterable[OrderRequest]) -> list[Ticket]:
        """As `submit` for each, with one commit of the journal for all of them."""
        return self._submit(
            [(request, Role.SINGLE if request.exits is None else Role.ENTRY, None) for request in requests]
        )

    def submit_oco(
        self, request: OrderRequest, *, stop_loss: Decimal, stop_limit: Decimal | None = None
    ) -> tuple[Ticket, Ticket]:
        """
        Send a pair of exits of which one cancels the other.

        Args:
            request: The take-profit, a limit order.
            stop_loss, stop_limit: Of the other one, quote units.

        Returns:
            Take-profit and stop.
        """
        exits = Exits(stop_loss=stop_loss, stop_limit=stop_limit)
        profit = evolve(request, client_order_id=request.client_order_id or self._new_id(), exits=exits)
        stop = stop_beside(profit, exits)
        pair = [(profit, Role.TAKE_PROFIT, profit.id), (stop, Role.STOP_LOSS, profit.id)]
        if not self._pair_refused(profit, stop):
            first, second = self._submit(pair)
            return first, second
        return Ticket(profit.id, self.books.tracker), Ticket(stop.id, self.books.tracker)

    def _pair_refused(self, profit: OrderRequest, stop: OrderRequest) -> bool:
        """Deny both orders of a new pair if either would be: one alone is not what was asked for."""
        self._begun()
        if any(self.books.tracker.find(client_order_id=each.id) is not None for each in (profit, stop)):
            return False
        verdicts = [self._judge(each, profit.id) for each in (profit, stop)]
        reasons = [verdict for verdict in verdicts if isinstance(verdict, Refusal)]
        if not reasons:
            return False
        for request, verdict in zip((profit, stop), verdicts, strict=True):
            refusal = verdict
            if not isinstance(refusal, Refusal):
                what = f"the other order of the pair was refused: {reasons[0].code}, {reasons[0].message}"
                refusal = Refusal(code="PAIR_REFUSED", message=what, value=reasons[0].code)
            self._record(Denied(at=self.clock.now(), request=request, refusal=refusal))
        self.journal.commit()
        return True

    def cancel(self, order: Ticket | str, reason: str = "asked for") -> None:
        """
        Ask for an order's end; it has ended when the venue says so.

        Raises:
            IllegalTransition: It has ended already.
        """
        self._dispatch.cancel((order if isinstance(order, str) else order.id,), reason)

    def cancel_all(self, reason: str = "asked for") -> int:
        """Ask for the end of every live order that is ours; how many were asked for."""
        ours = [order.id for order in self.books.tracker.live.values() if not order.foreign]
        self._dispatch.cancel(ours, reason)
        return len(ours)

    def replace(
        self,
        order: Ticket | str,
        *,
        quantity: Decimal | None = None,
        limit_price: Decimal | None = None,
        stop_price: Decimal | None = None,
    ) -> Refusal | None:
        """
        Change a working order; the change holds when the venue says so.

        Args:
            quantity: The new total, what is filled already included, base units.

        Returns:
            Why our gate, or the venue at once, refused; None: it was asked for.

        Raises:
            IllegalTransition: The order's status does not allow it.
        """
        known = self.books.tracker[order if isinstance(order, str) else order.id]
        number = len(known.links)
        while f"{known.id}.r{number}" in self.books.tracker:
            number += 1
        name = f"{known.id}.r{number}"
        change = Replacement(client_order_id=name, quantity=quantity, limit_price=limit_price, stop_price=stop_price)
        return self._dispatch.replace(known, change)

    def set_state(self, state: TradingState, reason: str) -> None:
        """
        Say what may be sent from now on; exits and cancels pass in every state.

        HALTED asks for the end of every live order that would open or grow a position; REDUCING leaves them.
        """
        if state is not self.books.state:
            self._record(TradingStateChanged(at=self.clock.now(), state=state, reason=reason))
            self.journal.commit()
        if state is TradingState.HALTED:
            self._cancel_entries(reason)

    def _cancel_entries(self, reason: str) -> None:
        live = self.books.tracker.live.values()
        entries = [order for order in live if order.closing is not None and order.closing < order.quantity]
        self._dispatch.cancel([order.id for order in entries if not order.foreign], reason)

    def flatten(self, symbol: str, reason: str = "asked for") -> None:
        """
        Be out of a symbol: cancel all our orders in it, wait for their ends, close what is held at the market.

        It goes on with each `step`, survives a restart, and is over when nothing is held and nothing lives. Until then
        no entry passes.
        """
        if SymbolFlag.FLATTENING not in self.books.flags(symbol):
            self._record(FlattenRequested(at=self.clock.now(), symbol=symbol, reason=reason))
            self.journal.commit()
        self._flattener.ask(symbol)
        self._flattener.work()

    def release(self, reason: str, *, because: str | None = None, symbol: str | None = None) -> list[str]:
        """
        Lift locks that hold now before their time.

        Args:
            reason: Why, for the journal.
            because: Only those of this protection, or with exactly this reason; None: all.
            symbol: Only those on this symbol; None: all, those on all symbols too.

        Returns:
            The ids of the locks that were lifted.
        """
        ids = tuple(
            lock.id
            for lock in self.books.locks.active(self.clock.now())
            if because in (None, lock.protection, lock.reason) and symbol in (None, lock.symbol)
        )
        if ids:
            self._record(LocksReleased(at=self.clock.now(), ids=ids, reason=reason))
            self.journal.commit()
        return list(ids)

    # --- facts --------------------------------------------------------------------------------------------------------

    def saw(self, symbol: str, price: Decimal, at: datetime) -> None:
        """
        Take in the market's price.

        Args:
            price: Quote units, > 0.
            at: Its moment; at the very close it still belongs to the session day that ends.
        """
        self._sentry.price(symbol, price, at)

    def step(self) -> list[Event]:
        """
        Take in all facts that wait, do what is due, and tell what happened since the last step.

        Raises:
            FeedClosed: The feed has ended, and all that happened has been told.
        """
        heard = self._drain()
        if self.busy:
            self._do_what_is_due()
            heard += self._drain()
        if not heard:
            self._commit_now_and_then()
        events = self._events[:]
        self._events.clear()
        if self._closed is not None and not events:
            self.journal.commit()
            raise FeedClosed(str(self._closed)) from self._closed
        return events

    def wait(self, ticket: Ticket, timeout: float, *, until: Callable[[Order], bool] | None = None) -> bool:
        """
        Take in facts until the order has ended, or ``until`` holds.

        Args:
            timeout: Seconds, >= 0.

        Returns:
            Whether it came to that within the time; events are kept for `step`.

        Raises:
            FeedClosed: The feed has ended before it came to that.
        """
        holds = until or (lambda order: order.status.terminal)
        deadline, left = self._host.monotonic() + timeout, timeout
        while True:
            self._drain()
            if self.busy:
                self._do_what_is_due()
            if holds(ticket.order):
                return True
            if self._closed is not None:
                raise FeedClosed(str(self._closed)) from self._closed
            if left <= 0:
                return False
            pause = min(left, 0.1) if self.busy else left
            try:
                fact = self.feed.get(pause)
            except FeedClosed as closed:
                self._closed = closed
                continue
            # A feed on simulated time does not wait: its word counts, or the machine's clock if that is further.
            left = min(left - (pause if fact is None else 0.0), deadline - self._host.monotonic())
            if fact is not None:
                self._record(fact)
            else:
                self._commit_now_and_then()

    @property
    def busy(self) -> bool:
        """Whether a step has something to do even if no fact arrives."""
        waiting = self._guards.busy or self._dispatch.waiting or self._flattener.busy
        return waiting or self._resync_at is not None

    @property
    def pending(self) -> bool:
        """Whether a step has anything to tell or to do even if no fact arrives."""
        return bool(self._events) or self.busy

    def fail(self, error: str, policy: str) -> None:
        """Record that the strategy raised."""
        self._record(StrategyFailed(at=self.clock.now(), error=error, policy=policy))
        self.journal.commit()

    def position(self, symbol: str) -> Decimal:
        """Our position, signed, base units."""
        return self.books.portfolio.position(symbol)

    def _drain(self) -> int:
        get, taken = self.feed.get, 0
        try:
            while (fact := get(0.0)) is not None:
                self._record(fact)
                taken += 1
        except FeedClosed as closed:
            self._closed = closed
        if len(self.books.tracker.parked) > self._strangers:
            self._doubt()  # somebody else trades on this account, or an answer is behind its event
        return taken

    def _commit_now_and_then(self) -> None:
        """What the venue told need not be durable at once: a reconciliation would bring it back."""
        now = self._host.monotonic()
        if now >= self._commit_at:
            self.journal.commit()
            self._commit_at = now + self.settings.commit_every

    def _record(self, fact: Fact) -> None:
        if type(fact) in _TELLS and fact.execution is not None:  # type: ignore[union-attr]
            self._sentry.execution(fact.execution.at)  # type: ignore[union-attr]
        at = self.clock.now()
        self.journal.append(fact, at)
        events = self.books.apply(fact, at)
        if self.books.unjudged:
            self._sentry.judge()
        if not events:
            self._guards.heard(fact)
            return
        self._events += events
        tracker, guards = self.books.tracker, self._guards
        live = tracker.live
        for event in events:
            if isinstance(event, Alarm):
                if event.code in _DOUBTS:
                    self._doubt()
                continue
            if type(event) is Filled:
                guards.moved(event.symbol)
            order_id = event.order_id
            order = tracker[order_id]
            if order.role is not Role.SINGLE:
                guards.changed(order)
            if order_id not in live:
                self._dispatch.forget(order_id)
            elif order.request.time_to_live is not None:
                self._dispatch.watch_age(order)

    def _doubt(self) -> None:
        """Let a reconciliation look into it before long."""
        self._strangers = len(self.books.tracker.parked)
        if self._resync_at is None:
            self._resync_at = self._host.monotonic() + self.settings.resync_every

    # --- sending ------------------------------------------------------------------------------------------------------

    def _submit(self, wanted: Sequence[tuple[OrderRequest, Role, str | None]]) -> list[Ticket]:
        self._begun()
        tickets: list[Ticket] = []
        approved: list[str] = []
        for request, role, group in wanted:
            named = request if request.client_order_id is not None else request.named(self._new_id())
            known = self.books.tracker.find(client_order_id=named.id)
            if known is None and self._intend(named, role, group):
                approved.append(named.id)
            tickets.append(Ticket(named.id if known is None else known.id, self.books.tracker))
        self.journal.commit()
        self._dispatch.send(approved)
        return tickets

    def _intend(self, request: OrderRequest, role: Role, group: str | None) -> bool:
        now, verdict = self.clock.now(), self._judge(request, group)
        if isinstance(verdict, Refusal):
            self._record(Denied(at=now, request=request, refusal=verdict))
            return False
        self._record(
            Intended(
                at=now,
                request=verdict.request or request,
                role=role,
                group=group,
                reserve_price=verdict.reserve_price,
                opening=verdict.opening,
                sending=True,
                changes=verdict.changes,
                seen=verdict.seen,
            )
        )
        return True

    def _judge(self, request: OrderRequest, group: str | None, replaces: str | None = None) -> Approval | Refusal:
        now = self.clock.now()
        self._sentry.order(now)
        verdict = self.gate.check(request, self.books, now, group=group, replaces=replaces)
        if not self.in_sync and isinstance(verdict, Approval) and verdict.opening:
            what = "the books have not been compared with the venue; only exits may pass"
            return Refusal(code="NOT_IN_SYNC", message=what)
        return verdict

    # --- what is due --------------------------------------------------------------------------------------------------

    def _do_what_is_due(self) -> None:
        if self._resync_at is not None and self._host.monotonic() >= self._resync_at:
            self.reconcile()
        if self._dispatch.waiting:
            self._dispatch.resume(entries=self.in_sync)
            self._dispatch.look_up(self._reconciler.look_up)
        self._guards.work()
        self._flattener.work()

    def _place(self, step: Place) -> None:
        # That it is denied, and why, is journalled once.
        if not step.again or isinstance(self._judge(step.request, step.group), Approval):
            self._submit([(step.request, step.role, step.group)])

    def _begun(self) -> SessionStarted:
        if self.books.session is None:
            raise TradingError("the engine has not been started")
        return self.books.session

    def _new_id(self) -> str:
        prefix = self._begun().session_id
        while f"{prefix}-{self._next_number}" in self.books.tracker:
            self._next_number += 1
        self._next_number += 1
        return f"{prefix}-{self._next_number - 1}"
