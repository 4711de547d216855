"""
Making the books agree with the venue: at the start, after a gap, and for single orders nobody is sure of.

The reconciler asks the venue through the `Broker` port and records what it finds as facts; it changes nothing itself.
Rules: docs/explanation/tracking.md, "Reconciliation" and "Orphan, shadow, lost". Silence and errors are never evidence
that an order does not exist; only the answer "not found" is, several times over a while.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from hashlib import sha256
from typing import Protocol

from attrs import evolve, field, frozen, validators

from engine.clock import Clock
from engine.errors import BrokerError
from engine.events import (
    Adopted,
    DeclaredLost,
    ExecutionReported,
    Fact,
    NotFound,
    OrderReported,
    PositionAdjusted,
    PositionMismatched,
    Reopened,
    SyncBegan,
    Synced,
)
from engine.model import ZERO, OrderRequest, Status, VenuePosition, VenueStatus
from engine.orders.order import MEANING, Order, Outcome
from engine.orders.tracker import Tracker
from engine.ports import Broker

__all__ = ["Holdings", "MismatchPolicy", "Reconciler", "Settings"]


class MismatchPolicy(Enum):
    """What to do about a position that still differs after a second look."""

    TRUST_VENUE = "trust_venue"
    REDUCE_ONLY = "reduce_only"


@frozen(kw_only=True)
class Settings:
    """
    How patient to be.

    Attributes:
        grace: How long the venue's listings may lag behind what happened.
        answers: "Not found" answers needed before an order is LOST.
        absence: How long at least from the first of them to the last.
        overlap: How far a pass reaches back behind the last execution told.
        mismatch: What to do about positions that differ.
    """

    grace: timedelta = timedelta(seconds=5)
    answers: int = field(default=3, validator=validators.ge(1))
    absence: timedelta = timedelta(seconds=30)
    overlap: timedelta = timedelta(minutes=5)
    mismatch: MismatchPolicy = MismatchPolicy.TRUST_VENUE


class Holdings(Protocol):
    """What the reconciler has to know of the books."""

    def position(self, symbol: str) -> Decimal:
        """Signed, base units."""

    def average(self, symbol: str) -> Decimal | None:
        """Average entry price, quote units; None: flat."""

    def held(self) -> Mapping[str, Decimal]:
        """Signed quantities by symbol; only what is not zero."""


class Reconciler:
    """
    Args:
        tracker: Read only; facts reach it through ``record``.
        record: Journals a fact and applies it.
        drain: Takes in the live facts that arrived meanwhile, which nobody reads during a pass.
        cancel: Asks for the cancel of an order, by our id.
        ours: Whether a client order id is one that we would have made.
    """

    def __init__(
        self,
        broker: Broker,
        tracker: Tracker,
        clock: Clock,
        settings: Settings,
        *,
        holdings: Holdings,
        record: Callable[[Fact], object],
        drain: Callable[[], object],
        cancel: Callable[[str], object],
        ours: Callable[[str], bool],
    ) -> None:
        self._broker = broker
        self._tracker = tracker
        self._clock = clock
        self._settings = settings
        self._holdings = holdings
        self._record = record
        self._drain = drain
        self._cancel = cancel
        self._ours = ours

    # --- one order ----------------------------------------------------------------------------------------------------

    def look_up(self, order_id: str) -> bool:
        """
        Ask the venue about one order by every id we have, and record what it answers.

        Returns:
            Whether the venue answered; no answer is no evidence of anything.
        """
        order = self._tracker[order_id]
        asked = self._clock.now()
        try:
            found = [report for report in self._asked_by_every_id(order) if report is not None]
        except BrokerError:
            return False
        for report in found:
            self._record(report)
        if not found:
            self._record(NotFound(at=asked, order_id=order_id))
            self._judge(self._tracker[order_id], asked)
        return True

    def _asked_by_every_id(self, order: Order) -> list[OrderReported | None]:
        answers: list[OrderReported | None] = []
        for link in order.links:
            if link.broker_order_id is not None:
                answers.append(self._broker.lookup(broker_order_id=link.broker_order_id))
            else:
                answers.append(self._broker.lookup(client_order_id=link.client_order_id))
        if order.replacing is not None:
            answers.append(self._broker.lookup(client_order_id=order.replacing.client_order_id))
        return answers

    def _judge(self, order: Order, now: datetime) -> None:
        """An order is LOST by evidence only: enough answers "not found", over long enough."""
        since = order.absent_since
        if order.status.terminal or order.status is Status.LOST or since is None:
            return
        if order.answers >= self._settings.answers and now - since >= self._settings.absence:
            self._record(DeclaredLost(at=now, order_id=order.id, answers=order.answers, since=since))

    # --- a whole pass -------------------------------------------------------------------------------------------------

    def run(self, epoch: int, confirmed: datetime) -> Synced | None:
        """
        One pass: executions, then the states of orders, then what is missing or too many, then positions.

        Args:
            epoch: The number that this pass earns if the books end up equal to the venue.
            confirmed: When the books were last known to be right.

        Returns:
            What it found; None: the venue could not be asked in full, so nothing is decided.
        """
        began = self._clock.now()
        self._record(SyncBegan(at=began, epoch=epoch))
        try:
            return self._pass(epoch, confirmed, began)
        except BrokerError:
            return None

    def _pass(self, epoch: int, confirmed: datetime, began: datetime) -> Synced:
        since = (self._tracker.last_event or confirmed) - self._settings.overlap
        listing = self._listing(since)
        executions = self._broker.executions(since)
        positions = self._broker.positions()

        provisional = self._provisional()
        counted = self._tracker.counts[Outcome.DUPLICATE]
        recovered = sum(self._is_new(execution) for execution in executions)
        repeated = self._tracker.counts[Outcome.DUPLICATE] - counted
        for report in listing.values():
            if self._known(report):
                self._reopen_if_live(report, began)
                self._record(report)
        orphans = self._adopt(listing, since)
        shadows = self._shadows(listing, began)
        for order_id in shadows:
            self.look_up(order_id)
        counted = self._tracker.counts[Outcome.DUPLICATE]
        self._drain()
        repeated += self._tracker.counts[Outcome.DUPLICATE] - counted
        mismatches = self._compare_positions(epoch, positions)
        result = Synced(
            at=self._clock.now(),
            epoch=epoch,
            gap=max((began - confirmed).total_seconds(), 0.0),
            recovered=recovered,
            duplicates=repeated,
            provisional_replaced=max(provisional - self._provisional(), 0),
            orphans=orphans,
            shadows=len(shadows),
            mismatches=mismatches,
        )
        if not mismatches or self._settings.mismatch is MismatchPolicy.TRUST_VENUE:
            self._record(result)
        return result

    def _listing(self, since: datetime) -> dict[str, OrderReported]:
        """What changed lately, closed orders included, and all that is open, by broker id."""
        reports = (*self._broker.orders(since=since), *self._broker.orders(open_only=True))
        return {report.broker_order_id or report.client_order_id or "": report for report in reports}

    def _known(self, report: OrderReported) -> bool:
        ids = (report.client_order_id, report.broker_order_id, report.replaces)
        return any(given is not None and given in self._tracker for given in ids)

    def _is_new(self, execution: ExecutionReported) -> bool:
        applied = self._tracker.counts[Outcome.APPLIED]
        self._record(execution)
        return self._tracker.counts[Outcome.APPLIED] > applied

    def _provisional(self) -> int:
        return sum(len(link.settled.provisional) for order in self._tracker for link in order.links)

    def _reopen_if_live(self, report: OrderReported, began: datetime) -> None:
        """A zombie: ended here, live in a listing that is younger than the end."""
        order = self._tracker.find(client_order_id=report.client_order_id, broker_order_id=report.broker_order_id)
        if order is None or MEANING[report.status].terminal or report.status is VenueStatus.REPLACED:
            return
        if order.status not in (Status.CANCELED, Status.EXPIRED, Status.REJECTED) or self._too_fresh(order, began):
            return
        meant_to = order.cancel_requested
        what = f"listed as {report.status.value} at {began.isoformat()}"
        self._record(Reopened(at=began, order_id=order.id, evidence=what))
        if meant_to:
            self._record(report)
            self._cancel(order.id)

    def _shadows(self, listing: Mapping[str, OrderReported], began: datetime) -> list[str]:
        """Orders that live in our books and are not open at the venue; those we never had an answer about, too."""
        still_open = {key for key, report in listing.items() if not MEANING[report.status].terminal}
        shadows = []
        for order in self._tracker.live.values():
            if order.status is Status.UNKNOWN:
                shadows.append(order.id)
            elif order.status in (Status.ACKED, Status.WORKING, Status.PARTIAL):
                ids = {link.broker_order_id for link in order.links}
                if not ids & still_open and not self._too_fresh(order, began):
                    shadows.append(order.id)
        return shadows

    def _too_fresh(self, order: Order, listed: datetime) -> bool:
        """A listing proves nothing about an order that changed after it was taken, or just before."""
        return order.changed is not None and order.changed + self._settings.grace > listed

    def _adopt(self, listing: Mapping[str, OrderReported], since: datetime) -> int:
        """Orders that nobody here knows, seen in two listings a grace apart, become ours to watch."""
        strangers = [key for key, report in listing.items() if not self._known(report) and _matters(report)]
        if not strangers:
            return 0
        self._clock.sleep(self._settings.grace.total_seconds())
        again = self._listing(since)
        adopted = 0
        for key in strangers:
            report = again.get(key)
            if report is None or self._known(report):
                continue
            request = _request_of(report)
            foreign = not self._ours(request.id)
            self._record(Adopted(at=self._clock.now(), request=request, foreign=foreign))
            self._record(report)
            adopted += 1
        return adopted

    def _compare_positions(self, epoch: int, positions: Mapping[str, VenuePosition]) -> int:
        """Books against venue, with a second look before anything is concluded; how many still differ."""
        if not self._differing(positions):
            return 0
        self._clock.sleep(self._settings.grace.total_seconds())
        positions = self._broker.positions()
        self._drain()
        differing = self._differing(positions)
        trusted = self._settings.mismatch is MismatchPolicy.TRUST_VENUE
        for symbol in differing:
            book, at = self._holdings.position(symbol), self._clock.now()
            held = positions.get(symbol)
            venue = ZERO if held is None else held.quantity
            self._record(PositionMismatched(at=at, epoch=epoch, symbol=symbol, book=book, venue=venue, trusted=trusted))
            if trusted:
                price = self._holdings.average(symbol) if held is None else held.average_price
                name = sha256(f"{symbol}|{epoch}|{book}->{venue}".encode()).hexdigest()[:16]
                self._record(
                    PositionAdjusted(
                        at=at,
                        id=f"adjust-{name}",
                        symbol=symbol,
                        quantity=venue - book,
                        price=ZERO if price is None else price,
                        reason=f"the venue holds {venue}, our books {book}, in epoch {epoch}",
                    )
                )
        return len(differing)

    def _differing(self, positions: Mapping[str, VenuePosition]) -> list[str]:
        symbols = sorted({*positions, *self._holdings.held()})
        return [
            symbol
            for symbol in symbols
            if self._holdings.position(symbol) != (positions[symbol].quantity if symbol in positions else ZERO)
        ]


def _matters(report: OrderReported) -> bool:
    """An order of somebody else that neither lives nor filled anything changes nothing for us."""
    return report.cumulative > 0 or not MEANING[report.status].terminal


def _request_of(report: OrderReported) -> OrderRequest:
    """What a stranger asks for, under an id that we can keep it by."""
    name = report.client_order_id or report.broker_order_id
    if report.request is not None:
        return evolve(report.request, client_order_id=name)
    quantity = report.quantity or report.cumulative
    return OrderRequest(symbol=report.symbol, side=report.side, quantity=quantity, client_order_id=name)
