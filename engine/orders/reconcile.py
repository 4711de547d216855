"""
Making the books agree with the venue: at the start, after a gap, and for single orders nobody is sure of.

The reconciler asks the venue through the `Broker` port and records what it finds as facts; it changes nothing itself.
Rules: docs/explanation/tracking.md, "Reconciliation" and "Orphan, shadow, lost". Silence and errors are never evidence
that an order does not exist; only the answer "not found" is, several times over a while.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import ParamSpec, Protocol, TypeVar

from attrs import evolve, frozen

from engine.clock import Clock
from engine.errors import BrokerError
from engine.facts import (
    Adopted,
    DeclaredLost,
    ExecutionReported,
    Fact,
    NotFound,
    OrderReported,
    PositionAdjusted,
    PositionMismatched,
    Reopened,
    ReplaceRefused,
    SyncBegan,
    Synced,
)
from engine.model import ZERO, OrderRequest, Status, VenuePosition, VenueStatus
from engine.orders.order import MEANING, Order, Outcome, current, ended
from engine.orders.settings import MismatchPolicy, ReconcileSettings
from engine.orders.tracker import Tracker
from engine.ports import Broker

__all__ = ["Holdings", "Reconciler"]

_P = ParamSpec("_P")
_T = TypeVar("_T")
_LOOKS = 4  # at positions that differ, until two of them a grace apart agree


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

    Attributes:
        trouble: Why the last pass could not be finished; None: it was.
    """

    def __init__(
        self,
        broker: Broker,
        tracker: Tracker,
        clock: Clock,
        settings: ReconcileSettings,
        *,
        holdings: Holdings,
        record: Callable[[Fact], object],
        drain: Callable[[], object],
        cancel: Callable[[str], object],
        ours: Callable[[str], bool],
    ) -> None:
        self.trouble: BrokerError | None = None
        self._broker = broker
        self._tracker = tracker
        self._clock = clock
        self._settings = settings
        self._holdings = holdings
        self._record = record
        self._drain = drain
        self._cancel = cancel
        self._ours = ours
        self._unheard: dict[str, tuple[int, datetime]] = {}  # replacements "not found": how often, since when

    # --- one order ----------------------------------------------------------------------------------------------------

    def look_up(self, order_id: str) -> bool:
        """
        Ask the venue about one order by every id we have, and record what it answers.

        Returns:
            Whether the venue answered; no answer is no evidence of anything.
        """
        try:
            answer = self._ask_about(self._tracker[order_id])
        except BrokerError:
            return False
        self._heard(answer)
        self._missed(answer)
        return True

    def _ask_about(self, order: Order) -> _Answer:
        asked, lookup = self._clock.now(), self._broker.lookup
        found = [
            (None if link.broker_order_id is None else _asked(lookup, broker_order_id=link.broker_order_id))
            or _asked(lookup, client_order_id=link.client_order_id)
            for link in order.links
        ]
        change = order.replacing
        next_link = None if change is None else _asked(lookup, client_order_id=change.client_order_id)
        reports = [report for report in (*found, next_link) if report]
        return _Answer(order, asked, reports, change is not None and next_link is None)

    def _heard(self, answer: _Answer) -> None:
        for report in answer.reports:
            self._record(report)

    def _missed(self, answer: _Answer) -> None:
        """What was not found, and what follows from that by now."""
        order, asked = self._tracker[answer.order.id], answer.asked
        if not answer.reports:
            if order is not answer.order:
                return  # something was heard of it since: the answer is older than that
            self._record(NotFound(at=asked, order_id=order.id))
            order = self._tracker[order.id]
            since = order.absent_since
            lasting = since is not None and self._lasting(order.answers, since, asked)
            if since is not None and lasting and not order.status.terminal and order.status is not Status.LOST:
                self._record(DeclaredLost(at=asked, order_id=order.id, answers=order.answers, since=since))
        change = order.replacing
        if change is None or not answer.lacks_replacement or not answer.reports:
            return
        number, since = self._unheard.pop(change.client_order_id, (0, asked))
        if self._lasting(number + 1, since, asked):
            why = f"it never arrived: not found {number + 1} times since {since.isoformat()}"
            name = change.client_order_id
            self._record(ReplaceRefused(at=asked, order_id=order.id, client_order_id=name, reason=why))
        else:
            self._unheard[change.client_order_id] = (number + 1, since)

    def _lasting(self, answers: int, since: datetime, now: datetime) -> bool:
        """Absence is concluded by evidence only: enough answers "not found", over long enough."""
        return answers >= self._settings.answers and now - since >= self._settings.absence

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
            result = self._pass(epoch, confirmed, began)
        except BrokerError as error:
            self.trouble = error
            return None
        self.trouble = None
        return result

    def _pass(self, epoch: int, confirmed: datetime, began: datetime) -> Synced:
        since = (self._tracker.last_event or confirmed) - self._settings.overlap
        listing = self._listing(since)
        shadows = self._shadows(listing, since, began)
        answers = [self._ask_about(order) for order in shadows if not _listed(order, listing)]
        executions = _asked(self._broker.executions, since)
        positions = _asked(self._broker.positions)

        provisional = self._provisional()
        counted = self._tracker.counts[Outcome.DUPLICATE]
        recovered = sum(self._is_new(execution) for execution in executions)
        repeated = self._tracker.counts[Outcome.DUPLICATE] - counted
        for answer in answers:
            self._heard(answer)
        for report in listing.values():
            if self._known(report):
                self._reopen_if_live(report, began)
                self._record(report)
        orphans = self._adopt(listing, since)
        counted = self._tracker.counts[Outcome.DUPLICATE]
        self._drain()
        repeated += self._tracker.counts[Outcome.DUPLICATE] - counted
        for answer in answers:
            self._missed(answer)
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
        lately = _asked(self._broker.orders, since=since)
        still_open = _asked(self._broker.orders, open_only=True)
        return {report.broker_order_id or report.client_order_id or "": report for report in (*lately, *still_open)}

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
        if order is None or not _open(report) or self._too_fresh(order, began):
            return
        busted = order.status is Status.FILLED and order.filled < order.quantity
        if order.status not in (Status.CANCELED, Status.EXPIRED, Status.REJECTED) and not busted:
            return
        meant_to, end = order.cancel_requested, ended(current(order.links))
        what = f"listed as {report.status.value} at {began.isoformat()}"
        # Takes back the ends up to that one, on the venue's clock; one that comes from now on holds.
        self._record(Reopened(at=began if end is None else end.at, order_id=order.id, evidence=what))
        if meant_to:
            self._record(report)
            self._cancel(order.id)

    def _shadows(self, listing: Mapping[str, OrderReported], since: datetime, began: datetime) -> list[Order]:
        """
        Orders that live in our books and are not open at the venue.

        One whose outcome is unknown is among them if it may be older than what the listing reaches back to; a younger
        one that came to anything would be listed.
        """
        shadows = []
        for order in self._tracker.live.values():
            if order.status is Status.UNKNOWN:
                absent = order.placed < since and not _listed(order, listing)
            else:
                absent = (
                    order.status in (Status.ACKED, Status.WORKING, Status.PARTIAL)
                    and not any(_open(report) for report in _listed(order, listing))
                    and not self._too_fresh(order, began)
                )
            if absent:
                shadows.append(order)
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
            if report is None:
                continue
            if not self._known(report):  # else it continues one that was adopted just now
                request = _request_of(report)
                foreign = not self._ours(request.id)
                self._record(Adopted(at=self._clock.now(), request=request, foreign=foreign))
                adopted += 1
            self._record(report)
        return adopted

    # --- positions ----------------------------------------------------------------------------------------------------

    def _compare_positions(self, epoch: int, positions: Mapping[str, VenuePosition]) -> int:
        """Books against venue, with a second look before anything is concluded; how many still differ."""
        differences = self._differences(positions)
        for _ in range(_LOOKS):
            if not differences:
                return 0
            before = differences
            self._clock.sleep(self._settings.grace.total_seconds())
            self._drain()
            positions = _asked(self._broker.positions)
            self._drain()
            differences = self._differences(positions)
            if differences == {symbol: before.get(symbol) for symbol in differences}:
                break
        else:  # what changes from look to look is on its way, and not missing
            raise BrokerError(f"the positions do not stand still: {', '.join(sorted(differences))}")
        for symbol, difference in sorted(differences.items()):
            self._mismatched(epoch, symbol, difference, positions.get(symbol))
        return len(differences)

    def _mismatched(self, epoch: int, symbol: str, difference: Decimal, held: VenuePosition | None) -> None:
        book, at = self._holdings.position(symbol), self._clock.now()
        venue = book + difference
        trusted = self._settings.mismatch is MismatchPolicy.TRUST_VENUE
        self._record(PositionMismatched(at=at, epoch=epoch, symbol=symbol, book=book, venue=venue, trusted=trusted))
        if trusted:
            price = self._holdings.average(symbol) if held is None else held.average_price
            name = sha256(f"{symbol}|{epoch}|{_plain(book)}->{_plain(venue)}".encode()).hexdigest()[:16]
            self._record(
                PositionAdjusted(
                    at=at,
                    id=f"adjust-{name}",
                    symbol=symbol,
                    quantity=difference,
                    price=ZERO if price is None else price,
                    reason=f"the venue holds {venue}, our books {book}, in epoch {epoch}",
                )
            )

    def _differences(self, positions: Mapping[str, VenuePosition]) -> dict[str, Decimal]:
        """By symbol: what the venue holds more than our books, base units; only what is not zero."""
        differences: dict[str, Decimal] = {}
        for symbol in {*positions, *self._holdings.held()}:
            venue = positions[symbol].quantity if symbol in positions else ZERO
            if venue != (book := self._holdings.position(symbol)):
                differences[symbol] = venue - book
        return differences


@frozen(eq=False)
class _Answer:
    """
    What the venue said of one order, asked by every id.

    Attributes:
        order: As it was when it was asked about.
        reports: Empty: it knows none of the ids.
        lacks_replacement: A replacement is under way, and the venue does not know it.
    """

    order: Order
    asked: datetime
    reports: list[OrderReported]
    lacks_replacement: bool


def _asked(question: Callable[_P, _T], *args: _P.args, **options: _P.kwargs) -> _T:
    """What the venue answers; whatever a broker raises instead, it is no evidence, and a BrokerError from here on."""
    try:
        return question(*args, **options)
    except BrokerError:
        raise
    except Exception as error:
        raise BrokerError(f"{type(error).__name__}: {error}") from error


def _listed(order: Order, listing: Mapping[str, OrderReported]) -> list[OrderReported]:
    """What the listing says of an order, by any of its ids."""
    broker_ids = {link.broker_order_id for link in order.links}
    client_ids = {link.client_order_id for link in order.links}
    found = [listing[key] for key in broker_ids if key is not None and key in listing]
    return found or [report for report in listing.values() if report.client_order_id in client_ids]


def _open(report: OrderReported) -> bool:
    return report.status is not VenueStatus.REPLACED and not MEANING[report.status].terminal


def _matters(report: OrderReported) -> bool:
    """
    An order of somebody else that neither lives nor filled anything changes nothing for us.

    Nor does one that has not filled anything and does not say how much it wants, until it fills.
    """
    return report.cumulative > 0 or (_open(report) and (report.request is not None or bool(report.quantity)))


def _request_of(report: OrderReported) -> OrderRequest:
    """What a stranger asks for, under an id that we can keep it by; what goes with it is its owner's to see to."""
    name = report.client_order_id or report.broker_order_id
    if report.request is not None:
        return evolve(report.request, client_order_id=name, exits=None, time_to_live=None)
    quantity = report.quantity or report.cumulative
    return OrderRequest(symbol=report.symbol, side=report.side, quantity=quantity, client_order_id=name)


def _plain(quantity: Decimal) -> str:
    """The same text for the same number, however many zeros it carries."""
    return f"{quantity.normalize():f}" if quantity else "0"
