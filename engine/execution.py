"""
The execution engine: from a request to the books, with the journal written ahead of every send.

`submit` asks the gate, journals the intent, sends, and hands out a ticket. The ticket's status changes when facts
arrive, and nowhere else. An answer that got lost leaves the order UNKNOWN: it is looked up by its client order id and
never sent again. The engine blocks in its ports only and starts no thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from attrs import Factory, evolve, field, frozen, validators

from engine.books.journal import Journal
from engine.books.recovery import Books, recovered
from engine.clock import Clock, HostClock, SystemClock, SystemHostClock
from engine.errors import TradingError
from engine.events import (
    Alarm,
    AlarmCode,
    Denied,
    Event,
    Fact,
    Filled,
    Intended,
    OrderChanged,
    Sent,
    SessionStarted,
    StrategyFailed,
    Synced,
)
from engine.model import Exits, OrderRequest, OrderType, Refusal, Replacement, Role, Status
from engine.orders import brackets
from engine.orders.dispatch import Dispatch
from engine.orders.lifecycle import COMMANDS, Command
from engine.orders.order import Order
from engine.orders.reconcile import Reconciler
from engine.orders.reconcile import Settings as ReconcileSettings
from engine.ports import Broker, Feed, Gate

__all__ = ["EngineSettings", "ExecutionEngine", "Ticket"]


@frozen(kw_only=True)
class EngineSettings:
    """
    Attributes:
        regate_after: An order that waited longer than this to be sent is judged again first.
        lookup_every: Seconds (host time) between two look-ups of an UNKNOWN order.
        resync_every: Seconds (host time) between two attempts at a reconciliation that the venue did not answer.
        unprotected_for: How long a position may lack its stop before there is an alarm, market time.
    """

    regate_after: timedelta = timedelta(seconds=1)
    lookup_every: float = field(default=5.0, validator=validators.gt(0.0))
    resync_every: float = field(default=5.0, validator=validators.gt(0.0))
    unprotected_for: timedelta = timedelta(seconds=5)
    reconcile: ReconcileSettings = Factory(ReconcileSettings)


class Ticket:
    """A view of one order as it stands now; the engine hands it out at once, whatever becomes of the order."""

    __slots__ = ("_books", "id")

    def __init__(self, order_id: str, books: Books) -> None:
        self.id = order_id
        self._books = books

    @property
    def order(self) -> Order:
        return self._books.tracker[self.id]

    @property
    def status(self) -> Status:
        return self.order.status

    @property
    def done(self) -> bool:
        """Whether the order has ended for all we know."""
        return self.order.status.terminal

    @property
    def filled(self) -> Decimal:
        """Base units."""
        return self.order.filled

    @property
    def average(self) -> Decimal | None:
        """Quote units per base unit; None: nothing is filled."""
        return self.order.average

    @property
    def refusal(self) -> Refusal | None:
        """Why our gate denied it; None: it did not."""
        return self.order.refusal

    def __repr__(self) -> str:
        order = self.order
        return (
            f"<Ticket {self.id} {order.side.value} {order.filled}/{order.quantity} {order.symbol} {self.status.value}>"
        )


class ExecutionEngine:
    """
    Belongs to the thread that made it.

    Args:
        feed: Where the venue's facts come from; None: the broker is its own feed.
        journal: Open and either empty or of this very session.
        gate: Decides what may be sent.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        feed: Feed,
        journal: Journal,
        gate: Gate,
        clock: Clock | None = None,
        host_clock: HostClock | None = None,
        settings: EngineSettings | None = None,
    ) -> None:
        self.broker = broker
        self.feed = feed
        self.journal = journal
        self.gate = gate
        self.clock = clock or SystemClock()
        self.settings = settings or EngineSettings()
        self._host = host_clock or SystemHostClock()
        self._events: list[Event] = []
        self._dirty: dict[str, None] = {}  # groups to look at, in the order in which they changed
        self._exposed: dict[str, datetime] = {}  # groups without their stop, since when
        self._expiring: dict[str, datetime] = {}
        self._resync_at: float | None = None
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
            self._watch_age(order)
            group = brackets.group_of(order)
            if group is not None:
                self._dirty[group] = None
        self.journal.commit()
        return self.reconcile()

    def _adopt_books(self, books: Books) -> None:
        self.books = books
        self._dispatch = Dispatch(
            self.broker,
            books.tracker,
            books,
            self.gate,
            self.clock,
            self._host,
            record=self._record,
            commit=self.journal.commit,
            regate_after=self.settings.regate_after,
            lookup_every=self.settings.lookup_every,
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
            ours=self._is_ours,
        )

    def _is_ours(self, client_order_id: str) -> bool:
        session = self.books.session
        return session is not None and client_order_id.startswith(session.session_id)

    def reconcile(self) -> Synced | None:
        """One pass of reconciliation; see `engine.orders.reconcile.Reconciler.run`."""
        books = self.books
        confirmed = books.synced or (books.session.at if books.session else self.clock.now())
        result = self._reconciler.run(books.epoch + 1, confirmed)
        self._resync_at = None if result is not None else self._host.monotonic() + self.settings.resync_every
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
        named = evolve(request, client_order_id=request.client_order_id or self._new_id(), exits=exits)
        stop = evolve(
            named,
            type=OrderType.STOP if stop_limit is None else OrderType.STOP_LIMIT,
            limit_price=stop_limit,
            stop_price=stop_loss,
            exits=None,
            client_order_id=f"{named.id}.sl",
        )
        first, second = self._submit([(named, Role.TAKE_PROFIT, named.id), (stop, Role.STOP_LOSS, named.id)])
        return first, second

    def cancel(self, order: Ticket | str, reason: str = "asked for") -> None:
        """
        Ask for an order's end; it has ended when the venue says so.

        Raises:
            IllegalTransition: It has ended already.
        """
        self._dispatch.cancel(order if isinstance(order, str) else order.id, reason)

    def cancel_all(self, reason: str = "asked for") -> int:
        """Ask for the end of every live order that is ours; how many were asked for."""
        ours = [order.id for order in self.books.tracker.live.values() if not order.foreign]
        for order_id in ours:
            self.cancel(order_id, reason)
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
            Why our gate refused; None: it was asked for.

        Raises:
            IllegalTransition: The order's status does not allow it.
        """
        known = self.books.tracker[order if isinstance(order, str) else order.id]
        number = len(known.links)
        while f"{known.id}.r{number}" in self.books.tracker:
            number += 1
        return self._dispatch.replace(
            known,
            Replacement(
                client_order_id=f"{known.id}.r{number}",
                quantity=quantity,
                limit_price=limit_price,
                stop_price=stop_price,
            ),
        )

    # --- facts --------------------------------------------------------------------------------------------------------

    def step(self) -> list[Event]:
        """Take in all facts that wait, do what is due, and tell what happened since the last step."""
        heard = self._drain()
        if self.busy:
            self._do_what_is_due()
        if not heard:
            self.journal.commit()
        events, self._events = self._events, []
        return events

    def wait(self, ticket: Ticket, timeout: float, *, until: Callable[[Order], bool] | None = None) -> bool:
        """
        Take in facts until the order has ended, or ``until`` holds.

        Args:
            timeout: Seconds, >= 0.

        Returns:
            Whether it came to that within the time; events are kept for `step`.
        """
        holds = until or (lambda order: order.status.terminal)
        deadline, left = self._host.monotonic() + timeout, timeout
        while True:
            self._drain()
            if self.busy:
                self._do_what_is_due()
            if holds(ticket.order):
                return True
            if left <= 0:
                return False
            pause = min(left, 0.1) if self.busy else left
            fact = self.feed.get(pause)
            # A feed on simulated time does not wait: its word counts, or the machine's clock if that is further.
            left = min(left - (pause if fact is None else 0.0), deadline - self._host.monotonic())
            if fact is not None:
                self._record(fact)

    @property
    def busy(self) -> bool:
        """Whether a step has something to do even if no fact arrives."""
        return bool(
            self._dirty or self._dispatch.waiting or self._expiring or self._exposed or self._resync_at is not None
        )

    @property
    def pending(self) -> bool:
        """Whether a step has anything to tell or to do, were no fact to arrive."""
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
        while (fact := get(0.0)) is not None:
            self._record(fact)
            taken += 1
        return taken

    def _record(self, fact: Fact) -> None:
        at = self.clock.now()
        self.journal.append(fact, at)
        events = self.books.apply(fact, at)
        if not events:
            return
        self._events += events
        live = self.books.tracker.live
        for event in events:
            if isinstance(event, OrderChanged | Filled):
                order = self.books.tracker[event.order_id]
                group = brackets.group_of(order)
                if group is not None:
                    self._dirty[group] = None
                if event.order_id not in live:
                    self._dispatch.forget(event.order_id)
                    self._expiring.pop(event.order_id, None)

    # --- sending ------------------------------------------------------------------------------------------------------

    def _submit(self, wanted: Sequence[tuple[OrderRequest, Role, str | None]]) -> list[Ticket]:
        tickets: list[Ticket] = []
        approved: list[str] = []
        for request, role, group in wanted:
            named = request if request.client_order_id is not None else evolve(request, client_order_id=self._new_id())
            known = self.books.tracker.find(client_order_id=named.id)
            if known is None and self._intend(named, role, group):
                approved.append(named.id)
            tickets.append(Ticket(named.id if known is None else known.id, self.books))
        self.journal.commit()
        for order_id in approved:
            self._dispatch.send(order_id)
            self._watch_age(self.books.tracker[order_id])
        return tickets

    def _intend(self, request: OrderRequest, role: Role, group: str | None) -> bool:
        now = self.clock.now()
        verdict = self.gate.check(request, self.books, now, group=group)
        if isinstance(verdict, Refusal):
            self._record(Denied(at=now, request=request, refusal=verdict))
            return False
        if verdict.opening and self.books.synced is None:
            what = "the books have not been compared with the venue yet; only exits may pass"
            self._record(Denied(at=now, request=request, refusal=Refusal(code="NOT_IN_SYNC", message=what)))
            return False
        self._record(
            Intended(
                at=now,
                request=request,
                role=role,
                group=group,
                reserve_price=verdict.reserve_price,
                opening=verdict.opening,
            )
        )
        self._record(Sent(at=now, order_id=request.id))
        return True

    # --- what is due --------------------------------------------------------------------------------------------------

    def _do_what_is_due(self) -> None:
        if self._resync_at is not None and self._host.monotonic() >= self._resync_at:
            self.reconcile()
        if self._expiring:
            now = self.clock.now()
            for order_id in [each for each, deadline in self._expiring.items() if deadline <= now]:
                del self._expiring[order_id]
                self.cancel(order_id, "its time to live is over")
        if self._dispatch.waiting:
            self._dispatch.resume()
            self._dispatch.look_up(self._reconciler.look_up)
        while self._dirty:
            self._protect(next(iter(self._dirty)))
        if self._exposed:
            self._warn_of_the_unprotected()

    def _watch_age(self, order: Order) -> None:
        alive = order.request.time_to_live
        if alive is not None and not order.status.terminal and not order.cancel_requested:
            self._expiring[order.id] = order.placed + alive

    def _protect(self, group: str) -> None:
        """Do what a group of protective orders needs, and note whether its position has a stop."""
        del self._dirty[group]
        tracker = self.books.tracker
        for step in brackets.due(group, tracker):
            if isinstance(step, brackets.Place):
                self._submit([(step.request, step.role, step.group)])
            elif isinstance(step, brackets.Cancel):
                self.cancel(step.order_id, step.reason)
            elif tracker[step.order_id].status in COMMANDS[Command.REPLACE]:
                self.replace(step.order_id, quantity=step.quantity)
        if brackets.unprotected(group, tracker):
            self._exposed.setdefault(group, self.clock.now())
        else:
            self._exposed.pop(group, None)

    def _warn_of_the_unprotected(self) -> None:
        now = self.clock.now()
        for group, since in list(self._exposed.items()):
            if now - since >= self.settings.unprotected_for:
                del self._exposed[group]
                bare = brackets.unprotected(group, self.books.tracker)
                if bare:
                    symbol = self.books.tracker[group].symbol
                    what = f"{bare} of {symbol} have had no working stop since {since.isoformat()}"
                    self._events.append(
                        Alarm(at=now, code=AlarmCode.UNPROTECTED, symbol=symbol, order_id=group, message=what)
                    )

    def _new_id(self) -> str:
        session = self.books.session
        if session is None:
            raise TradingError("the engine has not been started")
        while f"{session.session_id}-{self._next_number}" in self.books.tracker:
            self._next_number += 1
        self._next_number += 1
        return f"{session.session_id}-{self._next_number - 1}"
