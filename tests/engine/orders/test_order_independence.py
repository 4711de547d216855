"""Whatever order the venue's messages come in, and however often: the books end up the same, and right (rule R9)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import pytest

from engine.books.journal import Journal
from engine.books.recovery import Books, recovered
from engine.decisions import Refusal
from engine.events import Alarm, AlarmCode
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
    RejectedByVenue,
    Reopened,
    ReplaceRefused,
    ReplaceRequested,
    Sent,
    SessionStarted,
    Synced,
    Unanswered,
    Unsent,
    VenueFact,
    Withdrawn,
)
from engine.model import ZERO, Correction, Execution, OrderRequest, Replacement, Role, Side, Status, VenueStatus
from engine.orders.fills import Snapshot, extended, settle
from engine.orders.lifecycle import COMMANDS, Command, take
from engine.orders.order import Order, Outcome

pytest.importorskip("hypothesis")
from hypothesis import assume, event, find, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

T = TypeVar("T")
D = Decimal
V = VenueStatus
T0 = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
CENT = D("0.01")
MORE = settings(max_examples=3 * settings().max_examples)  # as the profile has it
ENDS = {V.CANCELED: Status.CANCELED, V.EXPIRED: Status.EXPIRED, V.FILLED: Status.FILLED}


class Deal:
    """One execution at the venue, with the numbers that hold now."""

    def __init__(self, number: int, link: int, quantity: Decimal, price: Decimal, *, told: bool) -> None:
        self.number, self.link, self.quantity, self.price, self.told = number, link, quantity, price, told
        self.taken = quantity / 400 if told else ZERO  # in the coin; a fill that nobody tells tells no fee


class Venue:
    """
    What really happened to one order of 100, and every message about it.

    Attributes:
        carries: Whether the order that replaces another counts on from what that one had filled.
        messages: In the order in which they were made.
        refills: Fills whose cumulative quantity is that of a fill which was busted before.
    """

    def __init__(self, side: Side = Side.BUY, *, carries: bool = True, name: str = "o") -> None:
        self.side, self.carries, self.name = side, carries, name
        self.total = D(100)
        self.link = 0
        self.status = V.NEW
        self.deals: list[Deal] = []
        self.messages: list[VenueFact] = []
        self.refills = 0
        self._counts: set[tuple[int, Decimal]] = set()
        self._tick = 0
        self._report()

    # --- truth --------------------------------------------------------------------------------------------------------

    @property
    def filled(self) -> Decimal:
        return sum((deal.quantity for deal in self.deals), ZERO)

    @property
    def cost(self) -> Decimal:
        return sum((deal.quantity * deal.price for deal in self.deals), ZERO)

    @property
    def taken(self) -> Decimal:
        """In the coin, of what was bought."""
        return sum((deal.taken for deal in self.deals if deal.quantity), ZERO) if self.side is Side.BUY else ZERO

    @property
    def outcome(self) -> Status:
        if self.filled >= self.total:
            return Status.FILLED
        if self.status in ENDS:
            return ENDS[self.status]
        return Status.PARTIAL if self.filled else Status.WORKING

    def last_told(self, number: int) -> tuple[Decimal, Decimal]:
        """The numbers of a deal as its activity last told them."""
        name = f"{self.name}-activity-{number}"
        told = [fact.execution for fact in self.messages if isinstance(fact, ExecutionReported)]
        return [(each.quantity, each.price) for each in told if each.id == name][-1]

    # --- what happens -------------------------------------------------------------------------------------------------

    def fill(self, quantity: Decimal, price: Decimal, *, told: bool = True) -> None:
        self._tick += 1
        deal = Deal(len(self.deals), self.link, quantity, price, told=told)
        self.deals.append(deal)
        count, _ = self._count(self.link)
        key = (self.link if not self.carries else 0, count)
        self.refills += key in self._counts
        self._counts.add(key)
        self._advance()
        execution = self._execution(f"stream-{deal.number}", deal, count)
        self._report(execution=execution if told else None)
        if told:
            self._activity(self._execution(f"activity-{deal.number}", deal, count))

    def correct(self, number: int, quantity: Decimal, price: Decimal, *, named: str) -> None:
        """Other numbers for a deal (none at all: a bust) by a message of its own."""
        deal = self.deals[number]
        deal.quantity, deal.price = quantity, price
        self._tick += 1
        self.messages.append(
            ExecutionCorrected(
                **self._address(deal.link),
                at=self.now,
                correction=Correction(
                    id=f"{self.name}-correction-{self._tick}",
                    execution_id=f"{self.name}-{named}-{number}",
                    quantity=quantity,
                    price=price,
                    at=self.now,
                ),
            )
        )
        self._report_after_correction(deal)

    def retell(self, number: int, quantity: Decimal, price: Decimal) -> None:
        """Other numbers for a deal by telling it again under the same id."""
        deal = self.deals[number]
        deal.quantity, deal.price = quantity, price
        self._tick += 1
        self._activity(self._execution(f"activity-{number}", deal, max(self._count(deal.link)[0], CENT)))
        self._report_after_correction(deal)

    def end(self, status: VenueStatus) -> None:
        self.status = status
        self._tick += 1
        self._report()

    def revive(self) -> None:
        """A cancel that did not hold."""
        self.status = V.NEW
        self._tick += 1
        self._report()

    def replace(self, total: Decimal) -> None:
        self._tick += 1
        self._report(status=V.REPLACED)
        self.link += 1
        self.total = total
        self.status = V.NEW
        self._report()

    # --- messages -----------------------------------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        return T0 + timedelta(seconds=self._tick)

    def _count(self, link: int) -> tuple[Decimal, Decimal]:
        """How much the venue counts as filled of a link, and what that cost."""
        counted = [deal for deal in self.deals if self.carries or deal.link == link]
        quantity = sum((deal.quantity for deal in counted), ZERO)
        return quantity, sum((deal.quantity * deal.price for deal in counted), ZERO)

    def _address(self, link: int) -> dict[str, Any]:
        client_id, broker_id = f"{self.name}{link}", f"venue-{self.name}{link}"
        return {"client_order_id": client_id, "broker_order_id": broker_id, "symbol": "X", "side": self.side}

    def _execution(self, name: str, deal: Deal, count: Decimal) -> Execution:
        coin = deal.taken if self.side is Side.BUY else ZERO
        return Execution(
            id=f"{self.name}-{name}",
            cumulative=count,
            quantity=deal.quantity,
            price=deal.price,
            at=self.now,
            fee_quantity=coin,
        )

    def _activity(self, execution: Execution) -> None:
        number = int(execution.id.rpartition("-")[2])
        self.messages.append(
            ExecutionReported(**self._address(self.deals[number].link), at=self.now, execution=execution)
        )

    def _advance(self) -> None:
        if self.status not in ENDS:
            self.status = V.FILLED if self.filled >= self.total else V.PARTIALLY_FILLED

    def _report_after_correction(self, deal: Deal) -> None:
        self._advance()
        if not self.carries and deal.link != self.link:
            self._report(link=deal.link)
        self._report()

    def _report(
        self,
        *,
        status: VenueStatus | None = None,
        execution: Execution | None = None,
        link: int | None = None,
    ) -> None:
        link = self.link if link is None else link
        quantity, cost = self._count(link)
        self.messages.append(
            OrderReported(
                **self._address(link),
                at=self.now,
                status=status or (self.status if link == self.link else V.REPLACED),
                quantity=self.total if link == self.link else None,
                cumulative=quantity,
                average=cost / quantity if quantity else None,
                execution=execution,
                replaces=f"venue-{self.name}{link - 1}" if link else None,
            )
        )


ACTIONS = ("fill", "fill", "quiet", "bust", "swap", "correct", "retell", "cancel", "expire", "replace", "replace")


@st.composite
def histories(draw: st.DrawFn) -> Venue:
    """What a venue may do to an order: fills, corrections and busts, ends that race with fills, replacements."""
    venue = Venue(draw(st.sampled_from(Side)), carries=draw(st.booleans()))
    lots = st.sampled_from([D(10), D(30), D(40), D(60)])
    prices = st.sampled_from([D("10.00"), D("10.10"), D("9.95"), D("10.003")])
    for action in draw(st.lists(st.sampled_from(ACTIONS), min_size=3, max_size=8)):
        alive = [deal for deal in venue.deals if deal.quantity and deal.told]
        source = draw(st.sampled_from(["stream", "activity"]))
        if action in ("fill", "quiet"):
            venue.fill(draw(lots), draw(prices), told=action == "fill")
        elif action == "swap":  # busted, and filled again up to the same cumulative quantity
            lot = draw(lots)
            venue.fill(lot, draw(prices))
            venue.correct(len(venue.deals) - 1, ZERO, D(10), named=source)
            venue.fill(lot, draw(prices))
        elif action == "bust" and alive:
            venue.correct(draw(st.sampled_from(alive)).number, ZERO, D(10), named=source)
        elif action == "correct" and alive:
            venue.correct(draw(st.sampled_from(alive)).number, draw(lots), draw(prices), named=source)
        elif action == "retell" and alive:
            number, lot, price = draw(st.sampled_from(alive)).number, draw(lots), draw(prices)
            if venue.last_told(number) != (lot, price):  # the numbers it told last would be no news (R2)
                venue.retell(number, lot, price)
        elif action in ("cancel", "expire") and venue.status not in ENDS:
            venue.end(V.CANCELED if action == "cancel" else V.EXPIRED)
        elif action == "replace" and venue.status not in ENDS:
            total = draw(st.sampled_from([D(80), D(100), D(150)]))
            if total > venue.filled:
                venue.replace(total)
    return venue


def books_of(venue: Venue, messages: list[VenueFact], *, asked: bool = True) -> Books:
    """Books that know of the order and then hear these messages; ``asked``: the first replacement was our own wish."""
    books = Books()
    request = OrderRequest.limit("X", venue.side, D(100), D(11), client_order_id="o0")
    facts: list[Fact] = [
        SessionStarted(at=T0, session_id="s", cash=D(10000), config="", data_digest=""),
        Intended(at=T0, request=request, role=Role.SINGLE, group=None, reserve_price=D(11), opening=D(100)),
        Sent(at=T0, order_id="o0"),
    ]
    if asked and venue.link:
        change = Replacement(client_order_id="o1", limit_price=D(12))
        facts.append(ReplaceRequested(at=T0, order_id="o0", change=change))
    for fact in [*facts, *messages]:
        books.apply(fact, T0)
    return books


def ending(books: Books) -> tuple[object, ...]:
    order = books.tracker["o0"]
    fees = order.fees, order.fee_quantity, order.fee_worth
    return order.filled, order.cost, order.average, order.status, order.quantity, books.position("X"), fees


def check_against_truth(venue: Venue, books: Books) -> None:
    order = books.tracker["o0"]

    assert venue.filled == order.filled
    assert venue.outcome is order.status
    assert abs(venue.cost - order.cost) < D("1e-15")
    assert venue.taken == order.fee_quantity
    assert venue.side.signed(venue.filled) - venue.taken == books.position("X") == books.tracker.position("X")
    portfolio = books.portfolio
    assert abs(portfolio.profit() - (portfolio.realised() + portfolio.unrealised() - portfolio.fees)) < D("1e-12")
    assert abs(10_000 - venue.side.signed(venue.cost) - portfolio.cash) < D("1e-12")
    assert order.average is None if not venue.filled else abs(order.average - venue.cost / venue.filled) < D("1e-15")
    assert not books.tracker.parked


@given(histories(), st.data())
@MORE
def test_any_order_and_repetition_comes_out_the_same_and_right(venue, data):
    """Every permutation of all messages, some of them repeated, ends where the venue itself stands."""
    event(f"refills: {min(venue.refills, 2)}")
    event(f"links: {venue.link + 1}, carries: {venue.carries}")
    asked = data.draw(st.booleans())
    again = data.draw(st.lists(st.sampled_from(venue.messages), max_size=4))
    shuffled = data.draw(st.permutations([*venue.messages, *again]))

    in_order = books_of(venue, venue.messages, asked=asked)
    books = books_of(venue, shuffled, asked=asked)

    assert ending(in_order) == ending(books)
    check_against_truth(venue, books)
    assert len(shuffled) == sum(books.tracker.counts.values())


@given(histories(), st.data())
@MORE
def test_a_part_of_the_messages_comes_out_the_same_in_any_order(venue, data):
    """Where some messages were lost, the rest still gives one answer, whatever order it comes in."""
    heard = data.draw(st.lists(st.sampled_from(venue.messages), unique_by=id, max_size=len(venue.messages)))
    shuffled = data.draw(st.permutations(heard))

    assert ending(books_of(venue, heard)) == ending(books_of(venue, shuffled))


@given(histories(), st.data())
@MORE
def test_what_was_missed_is_made_up_for_by_telling_everything_again(venue, data):
    """After losses in any order, a complete listing brings the books to the truth."""
    heard = data.draw(st.lists(st.sampled_from(venue.messages), max_size=len(venue.messages)))

    check_against_truth(venue, books_of(venue, [*heard, *reversed(venue.messages)]))


@pytest.mark.parametrize(
    "wanted",
    [
        lambda venue: venue.refills > 0,
        lambda venue: venue.refills > 0 and venue.outcome is Status.FILLED,
        lambda venue: venue.link > 1 and venue.carries and venue.filled > 0,
        lambda venue: venue.link > 0 and any(deal.link == 0 and not deal.quantity for deal in venue.deals),
        lambda venue: venue.status is V.CANCELED and venue.filled >= venue.total,
        lambda venue: venue.filled > venue.total,
    ],
    ids=[
        "refill",
        "refilled in full",
        "chain of three",
        "bust behind a replacement",
        "cancel lost a race",
        "over-fill",
    ],
)
def test_histories_hold_what_they_are_for(wanted):
    """The generator makes the cases that order independence is about."""
    found = find(histories(), wanted, settings=settings(max_examples=5000, derandomize=True, database=None))

    assert wanted(found)


@pytest.mark.parametrize("carries", [True, False])
def test_a_refill_is_not_taken_for_the_fill_that_was_busted(carries):
    """A fill after a bust with the same cumulative quantity counts, even if the bust is heard of last."""
    venue = Venue(carries=carries)
    venue.fill(D(40), D(10))
    venue.fill(D(60), D("10.10"))
    venue.correct(1, ZERO, D("10.10"), named="activity")
    venue.fill(D(60), D("10.20"))
    counted = [fact.execution.cumulative for fact in venue.messages if isinstance(fact, ExecutionReported)]
    busts = [fact for fact in venue.messages if isinstance(fact, ExecutionCorrected)]
    others = [fact for fact in venue.messages if not isinstance(fact, ExecutionCorrected)]

    assert [D(40), D(100), D(100)] == counted
    assert 1 == venue.refills
    check_against_truth(venue, books_of(venue, [*others, *busts]))
    check_against_truth(venue, books_of(venue, [*reversed(others), *busts]))
    check_against_truth(venue, books_of(venue, [*busts, *reversed(others)]))


# --- evidence that no sane venue would give ---------------------------------------------------------------------------

lots = st.sampled_from([D(10), D(20), D(30), D(60)])
moments = st.integers(1, 6).map(lambda second: T0 + timedelta(seconds=second))
names = st.sampled_from(["e1", "e2", "e3", "e4"])
prices = st.sampled_from([D(10), D("10.1"), D("0.003")])
executions = st.builds(
    Execution, id=names, cumulative=st.sampled_from([D(10), D(30), D(60), D(90)]), quantity=lots, price=prices,
    at=moments, fee=st.sampled_from([ZERO, D(1)]), fee_quantity=st.sampled_from([ZERO, D("0.025"), D(1)]),
)  # fmt: skip
corrections = st.builds(
    Correction, id=st.sampled_from(["c1", "c2"]), execution_id=st.one_of(names, st.just("c1")),
    quantity=st.sampled_from([ZERO, D(5), D(30)]), price=prices, at=moments,
)  # fmt: skip
snapshots = st.builds(
    Snapshot, status=st.sampled_from(VenueStatus), cumulative=st.sampled_from([ZERO, D(10), D(40), D(90)]),
    average=st.none() | prices, at=moments,
)  # fmt: skip


@given(st.lists(executions, max_size=6), st.lists(corrections, max_size=3), st.lists(snapshots, max_size=4), st.data())
@MORE
def test_settling_depends_on_the_evidence_as_a_set(told, corrected, pictures, data):
    """Any evidence at all settles without an error, in any order and repetition to the same, never below zero."""
    settled = settle(told, corrected, pictures, fallback_price=D(10))
    other = settle(
        data.draw(st.permutations(told + told[:2])),
        data.draw(st.permutations(corrected + corrected[:1])),
        data.draw(st.permutations(pictures + pictures[:1])),
        fallback_price=D(10),
    )

    assert settled == other
    assert settled.quantity >= 0
    assert settled.cost >= 0
    assert settled.peak >= settled.quantity
    assert settled.fees >= settled.fee_worth >= 0
    assert bool(settled.fee_worth) is bool(settled.fee_quantity)
    assert all(gap.before < gap.after and gap.cost > 0 for gap in settled.provisional)


@given(st.lists(executions, max_size=4, unique=True), st.lists(snapshots, max_size=3), executions)
@MORE
def test_the_short_way_gives_what_settling_gives(told, pictures, execution):
    """`extended` gives what `settle` gives, or nothing."""
    assume(execution not in told)
    short = extended(settle(told, [], pictures, fallback_price=D(10)), told, execution)
    event("short" if short is not None else "long")

    assert short is None or short == settle([*told, execution], [], pictures, fallback_price=D(10))


@given(st.data())
@MORE
def test_the_short_way_is_taken_by_orderly_fills(data):
    """Fills told once each and in order never need the long way, and both ways agree."""
    told: list[Execution] = []
    settled = settle([], [], [], fallback_price=D(10))
    for number, (lot, price) in enumerate(data.draw(st.lists(st.tuples(lots, prices), max_size=5)), start=1):
        at = T0 + timedelta(seconds=number)
        coin = data.draw(st.sampled_from([ZERO, lot / 400]))
        execution = Execution(
            id=f"e{number}", cumulative=settled.quantity + lot, quantity=lot, price=price, at=at, fee_quantity=coin
        )
        extension = extended(settled, told, execution)
        assert extension is not None
        told, settled = [*told, execution], extension

        assert settle(told, [], [], fallback_price=D(10)) == settled


def facts(draw_ids: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[VenueFact]:
    """Any message about one order, sane or not."""
    return st.one_of(
        st.builds(
            lambda ids, said, execution, quantity: OrderReported(
                **ids, at=said.at, symbol="X", side=Side.BUY, status=said.status, cumulative=said.cumulative,
                average=said.average, execution=execution, quantity=quantity,
            ),
            draw_ids, snapshots, st.none() | executions, st.sampled_from([None, D(60), D(90)]),
        ),
        st.builds(
            lambda ids, execution: ExecutionReported(
                **ids, at=execution.at, symbol="X", side=Side.BUY, execution=execution
            ),
            draw_ids, executions,
        ),
        st.builds(
            lambda ids, correction: ExecutionCorrected(
                **ids, at=correction.at, symbol="X", side=Side.BUY, correction=correction
            ),
            draw_ids, corrections,
        ),
    )  # fmt: skip


ONE = st.just({"client_order_id": "o0", "broker_order_id": "b0"})
TWO = st.sampled_from([("o0", "b0"), ("o1", "b1")]).map(
    lambda pair: {"client_order_id": pair[0], "broker_order_id": pair[1]}
)


@pytest.mark.parametrize("ids", [ONE, TWO], ids=["one", "replaced"])
@given(data=st.data())
@MORE
def test_no_message_is_illegal_and_none_depends_on_the_order(ids, data):
    """Messages that contradict each other raise nothing, and end the same in any order, alone and in a chain."""
    messages = data.draw(st.lists(facts(ids), max_size=6))
    shuffled = data.draw(st.permutations(messages))
    venue = Venue()
    venue.link = 1
    order = books_of(venue, messages).tracker["o0"]

    assert ending(books_of(venue, messages)) == ending(books_of(venue, shuffled))
    assert all(take(order, message, T0)[0].filled == order.filled for message in messages)


# --- everything at once -----------------------------------------------------------------------------------------------


class Trading(RuleBasedStateMachine):
    """
    Orders of ours and of strangers at a venue whose messages come late, twice, mixed up, or not at all.

    The invariants are those of docs/explanation/tracking.md; the ninth is the engine's.
    """

    def __init__(self) -> None:
        super().__init__()
        self.books = Books()
        self.facts: list[Fact] = []
        self.venues: dict[str, Venue] = {}
        self.heard = 0
        self.delivered: dict[str, int] = {}
        self.doubtful: set[str] = set()  # orders of which the venue itself said two things
        self.overfilled: set[str] = set()
        self.reopened: set[str] = set()
        self.adjusted = ZERO
        self.paid = ZERO
        self._apply(SessionStarted(at=T0, session_id="s", cash=D(100000), config="", data_digest=""))

    def _apply(self, fact: Fact) -> None:
        before = {order.id: order.status for order in self.books.tracker}
        self.facts.append(fact)
        self.heard += isinstance(fact, VenueFact)
        for told in self.books.apply(fact, T0):
            if isinstance(told, Alarm) and told.order_id is not None:
                if told.code is AlarmCode.OVER_FILL:
                    self.overfilled.add(told.order_id)
                if told.code is AlarmCode.ORDER_REOPENED:
                    self.reopened.add(told.order_id)
        for order in self.books.tracker:
            was = before.get(order.id)
            if was is not None and was.terminal and not order.status.terminal:
                assert order.id in self.reopened
        self.reopened.clear()

    def _orders(self, *wanted: Status) -> list[Order]:
        return [order for order in self.books.tracker if order.status in wanted and not order.foreign]

    def _pick(self, data: st.DataObject, choices: Sequence[T]) -> T | None:
        return data.draw(st.sampled_from(choices)) if choices else None

    def _venue(self, data: st.DataObject) -> Venue | None:
        return self._pick(data, list(self.venues.values()))

    @initialize(side=st.sampled_from(Side), carries=st.booleans())
    def begin(self, side: Side, carries: bool) -> None:
        self.intend(side)
        self._apply(Sent(at=T0, order_id="n0-0"))
        self.venues["n0-0"] = Venue(side, carries=carries, name="n0-")
        self.delivered["n0-0"] = 0

    # --- what we do ---------------------------------------------------------------------------------------------------

    @rule(side=st.sampled_from(Side))
    def intend(self, side: Side) -> None:
        if len(list(self.books.tracker)) == 4:
            return
        name = f"n{len(list(self.books.tracker))}-0"
        request = OrderRequest.limit("X", side, D(100), D(11), client_order_id=name)
        opening = D(100) if side is Side.BUY else ZERO
        self._apply(
            Intended(at=T0, request=request, role=Role.SINGLE, group=None, reserve_price=D(11), opening=opening)
        )

    @rule()
    def deny(self) -> None:
        if "denied" in self.books.tracker:
            return
        request = OrderRequest.limit("X", Side.BUY, D(100), D(11), client_order_id="denied")
        self._apply(Denied(at=T0, request=request, refusal=Refusal(code="HALTED", message="no")))

    @rule(data=st.data(), carries=st.booleans(), arrives=st.booleans())
    def send(self, data: st.DataObject, carries: bool, arrives: bool) -> None:
        order = self._pick(data, self._orders(Status.INTENT))
        if order is None:
            return
        self._apply(Sent(at=T0, order_id=order.id))
        if arrives:
            self.venues[order.id] = Venue(order.side, carries=carries, name=order.id[:-1])
            self.delivered[order.id] = 0

    @rule(data=st.data(), verdict=st.sampled_from([Unsent, Unanswered, Unanswered, RejectedByVenue]))
    def answer(self, data: st.DataObject, verdict: type) -> None:
        order = self._pick(data, self._orders(Status.SENT))
        if order is None:
            return
        if order.id in self.venues or verdict is Unanswered:
            self._apply(Unanswered(at=T0, order_id=order.id, reason="timeout"))
        elif verdict is Unsent:
            self._apply(Unsent(at=T0, order_id=order.id, reason="limit", earliest=None))
        else:
            self._apply(RejectedByVenue(at=T0, order_id=order.id, reason="no"))

    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        order = self._pick(data, self._orders(Status.INTENT))
        if order is None:
            return
        self._apply(Withdrawn(at=T0, order_id=order.id, reason="late"))

    @rule(data=st.data(), lost=st.booleans())
    def not_found(self, data: st.DataObject, lost: bool) -> None:
        order = self._pick(data, self._orders(Status.UNKNOWN, Status.WORKING, Status.PARTIAL))
        if order is None:
            return
        self._apply(NotFound(at=T0, order_id=order.id))
        if lost:
            self._apply(DeclaredLost(at=T0, order_id=order.id, answers=3, since=T0))

    @rule(data=st.data(), refused=st.booleans())
    def cancel(self, data: st.DataObject, refused: bool) -> None:
        order = self._pick(data, self._orders(*COMMANDS[Command.CANCEL]))
        if order is None:
            return
        self._apply(CancelRequested(at=T0, order_id=order.id, reason="asked"))
        if refused:
            self._apply(CancelRefused(at=T0, order_id=order.id, reason="too late"))

    @rule(data=st.data(), total=st.sampled_from([None, D(60), D(150)]), price=st.sampled_from([None, D(9), D(12)]))
    def wish_to_replace(self, data: st.DataObject, total: Decimal | None, price: Decimal | None) -> None:
        order = self._pick(data, self._orders(*COMMANDS[Command.REPLACE]))
        if order is None:
            return
        if order.replacing is not None or order.cancel_requested:
            return
        venue = self.venues.get(order.id)
        if venue is None or len(order.links) != venue.link + 1:
            return
        name = f"{order.id[:-1]}{len(order.links)}"
        change = Replacement(client_order_id=name, quantity=total, limit_price=price)
        self._apply(ReplaceRequested(at=T0, order_id=order.id, change=change))

    @rule(data=st.data(), refused=st.booleans())
    def replace(self, data: st.DataObject, refused: bool) -> None:
        order = self._pick(data, [order for order in self.books.tracker if order.replacing is not None])
        if order is None:
            return
        change, venue = order.replacing, self.venues[order.id]
        if change.client_order_id != f"{venue.name}{venue.link + 1}":
            return
        total = change.quantity or venue.total
        if refused or venue.status in ENDS or total <= venue.filled:
            name = change.client_order_id
            self._apply(ReplaceRefused(at=T0, order_id=order.id, client_order_id=name, reason="no"))
        else:
            venue.replace(total)

    @rule(data=st.data())
    def reopen(self, data: st.DataObject) -> None:
        order = self._pick(data, self._orders(Status.CANCELED, Status.EXPIRED, Status.REJECTED))
        if order is None:
            return
        venue = self.venues.get(order.id)
        if venue is None or venue.status in ENDS:
            return
        self._apply(Reopened(at=venue.now, order_id=order.id, evidence="listed"))

    @rule(quantity=st.sampled_from([D(-40), D(10)]), again=st.booleans())
    def adjust(self, quantity: Decimal, again: bool) -> None:
        name = f"adjust-{len(self.facts)}"
        for _ in range(1 + again):
            self._apply(PositionAdjusted(at=T0, id=name, symbol="X", quantity=quantity, price=D(10), reason="r"))
        self.adjusted += quantity
        self.paid += quantity * 10

    @rule(foreign=st.booleans(), side=st.sampled_from(Side), carries=st.booleans())
    def adopt(self, foreign: bool, side: Side, carries: bool) -> None:
        if "stranger-0" in self.books.tracker:
            return
        if "stranger-0" not in self.venues:
            self.venues["stranger-0"] = Venue(side, carries=carries, name="stranger-")
            self.delivered["stranger-0"] = 0
            return  # it trades before anybody here knows of it
        venue = self.venues["stranger-0"]
        request = OrderRequest.limit("X", venue.side, D(100), D(11), client_order_id="stranger-0")
        self._apply(Adopted(at=T0, request=request, foreign=foreign))

    @rule()
    def give_up_the_parked(self) -> None:
        if "stranger-0" in self.venues and "stranger-0" not in self.books.tracker:
            return
        for order_id, venue in self.venues.items():
            if any(parked.fact in venue.messages for parked in self.books.tracker.parked):
                self.doubtful.add(order_id)
        self._apply(
            Synced(
                at=T0, epoch=self.books.epoch + 1, gap=0.0, recovered=0, duplicates=0, provisional_replaced=0,
                orphans=0, shadows=0, mismatches=0,
            )
        )  # fmt: skip

    # --- what the venue does ------------------------------------------------------------------------------------------

    @rule(data=st.data(), lot=lots, price=st.sampled_from([D(10), D("10.1")]), told=st.booleans())
    def fill(self, data: st.DataObject, lot: Decimal, price: Decimal, told: bool) -> None:
        venue = self._venue(data)
        if venue is not None:
            venue.fill(lot, price, told=told)

    @rule(data=st.data(), quantity=st.sampled_from([ZERO, D(20)]), named=st.sampled_from(["stream", "activity"]))
    def correct(self, data: st.DataObject, quantity: Decimal, named: str) -> None:
        venue = self._venue(data)
        if venue is None:
            return
        deal = self._pick(data, [deal for deal in venue.deals if deal.told and deal.quantity])
        if deal is None:
            return
        venue.correct(deal.number, quantity, D(10), named=named)

    @rule(data=st.data(), status=st.sampled_from([V.CANCELED, V.EXPIRED]))
    def end(self, data: st.DataObject, status: VenueStatus) -> None:
        venue = self._venue(data)
        if venue is None or venue.status in ENDS:
            return
        venue.end(status)

    @rule(data=st.data())
    def revive(self, data: st.DataObject) -> None:
        venue = self._venue(data)
        if venue is None or venue.status not in (V.CANCELED, V.EXPIRED):
            return
        venue.revive()
        self.doubtful.add(f"{venue.name}0")

    # --- what reaches us ----------------------------------------------------------------------------------------------

    @rule(data=st.data())
    def deliver_the_next(self, data: st.DataObject) -> None:
        venue = self._venue(data)
        if venue is None:
            return
        reached = self.delivered[f"{venue.name}0"]
        if reached == len(venue.messages):
            return
        self._apply(venue.messages[reached])
        self.delivered[f"{venue.name}0"] += 1

    @rule(data=st.data())
    def deliver_any(self, data: st.DataObject) -> None:
        venue = self._venue(data)
        if venue is not None:
            self._apply(data.draw(st.sampled_from(venue.messages)))

    @rule(data=st.data())
    def deliver_everything(self, data: st.DataObject) -> None:
        venue = self._venue(data)
        if venue is None:
            return
        for message in data.draw(st.permutations(venue.messages)):
            self._apply(message)
        order = self.books.tracker.find(client_order_id=f"{venue.name}0")
        if order is not None:
            event("compared with the truth")
            assert venue.filled == order.filled
            if order.id not in self.doubtful:
                assert venue.outcome is order.status
            assert abs(venue.cost - order.cost) < D("1e-15")

    # --- what always holds --------------------------------------------------------------------------------------------

    @invariant()
    def filled_is_executions_and_provisional(self) -> None:
        """I1."""
        for order in self.books.tracker:
            assert order.filled == sum((link.settled.quantity for link in order.links), ZERO)
            assert order.filled >= order.provisional
            if not any(link.corrections for link in order.links):
                marks = {
                    (link.client_order_id, told.at): told.quantity for link in order.links for told in link.executions
                }
                assert order.filled - order.provisional == sum(marks.values(), ZERO)

    @invariant()
    def no_over_fill_without_an_alarm(self) -> None:
        """I2."""
        for order in self.books.tracker:
            assert order.filled >= 0
            assert order.filled <= order.quantity or order.id in self.overfilled

    @invariant()
    def position_and_cash_are_fills_and_adjustments(self) -> None:
        """I3."""
        orders = list(self.books.tracker)
        assert self.books.position("X") == self.adjusted + self.books.tracker.position("X")
        spent = self.paid + sum((order.side.signed(order.cost) for order in orders), ZERO)
        assert abs(self.books.portfolio.cash - (D(100000) - spent)) < D("1e-15")

    @invariant()
    def what_lives_is_reserved_for(self) -> None:
        """I4."""
        for order in self.books.tracker:
            change = order.replacing
            quantity = max(order.quantity, (change and change.quantity) or ZERO)
            price = max(order.reserve_price, order.request.limit_price, (change and change.limit_price) or ZERO)
            left = max(quantity - order.filled, ZERO)
            if order.status.terminal or order.status is Status.LOST or order.foreign:
                assert (ZERO, ZERO) == (self.books.reserved(order.id), self.books.exit_reserved_by(order.id))
            elif order.closing is None:
                assert left <= self.books.exit_reserved_by(order.id)
            else:
                assert left * price <= self.books.reserved(order.id)

    @invariant()
    def every_end_has_its_evidence(self) -> None:
        """I5."""
        for order in self.books.tracker:
            assert order.status.terminal is (order.evidence is not None)

    @invariant()
    def a_replay_gives_the_same_books(self) -> None:
        """I7."""
        again = Books()
        for fact in self.facts:
            again.apply(fact, T0)
        assert self.books.fingerprint(venue=True) == again.fingerprint(venue=True)

    @invariant()
    def every_message_is_counted_once(self) -> None:
        """I8."""
        counts, tracker = self.books.tracker.counts, self.books.tracker
        waiting = sum(len(link.settled.unmatched) for order in tracker for link in order.links)
        assert self.heard == sum(counts.values())
        assert all(count >= 0 for count in counts.values())
        assert counts[Outcome.PARKED] == len(tracker.parked) + waiting

    def teardown(self) -> None:
        """I7, through a journal."""
        with Journal(None) as journal:
            for fact in self.facts:
                journal.append(fact, T0)
            journal.commit()
            assert self.books.fingerprint(venue=True) == recovered(journal).fingerprint(venue=True)


TestTrading = Trading.TestCase
TestTrading.settings = settings(stateful_step_count=40)
