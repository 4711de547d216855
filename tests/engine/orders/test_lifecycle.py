"""The life of one order: what our facts and the venue's make of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from attrs import evolve

from engine.decisions import Refusal
from engine.errors import IllegalTransition
from engine.facts import (
    Adopted,
    CancelRefused,
    CancelRequested,
    DeclaredLost,
    Denied,
    ExecutionCorrected,
    ExecutionReported,
    Intended,
    NotFound,
    OrderReported,
    RejectedByVenue,
    Reopened,
    ReplaceRefused,
    ReplaceRequested,
    Sent,
    Unanswered,
    Unsent,
    VenueFact,
    Withdrawn,
)
from engine.model import ZERO, Correction, Execution, OrderRequest, Replacement, Role, Side, Status, VenueStatus
from engine.orders.lifecycle import COMMANDS, Command, command, note, opened, take
from engine.orders.order import MEANING, Order, Outcome

D = Decimal
V = VenueStatus
T0 = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
REQUEST = OrderRequest.limit("X", Side.BUY, D(100), D(11), client_order_id="o1")
REFUSAL = Refusal(code="HALTED", message="no orders now")


def at(second: int) -> datetime:
    return T0 + timedelta(seconds=second)


def address(link: int = 1) -> dict[str, Any]:
    return {"client_order_id": f"o{link}", "broker_order_id": f"b{link}", "symbol": "X", "side": Side.BUY}


def fill(name: str, quantity: str, price: str, cumulative: str, second: int) -> Execution:
    return Execution(id=name, cumulative=D(cumulative), quantity=D(quantity), price=D(price), at=at(second))


def report(
    status: VenueStatus, second: int, cumulative: str = "0", average: str | None = None, *, link: int = 1, **more: Any
) -> OrderReported:
    return OrderReported(
        **{**address(link), **more}, at=at(second), status=status, cumulative=D(cumulative),
        average=None if average is None else D(average),
    )  # fmt: skip


def executed(execution: Execution, *, link: int = 1) -> ExecutionReported:
    return ExecutionReported(**address(link), at=execution.at, execution=execution)


def corrected(
    execution: str, quantity: str, price: str, second: int, name: str = "c1", *, link: int = 1
) -> ExecutionCorrected:
    made = Correction(id=name, execution_id=execution, quantity=D(quantity), price=D(price), at=at(second))
    return ExecutionCorrected(**address(link), at=at(second), correction=made)


E1 = executed(fill("e1", "40", "10.00", "40", 3))
E2 = executed(fill("e2", "60", "10.10", "100", 4))
A1 = executed(fill("a1", "40", "10.00", "40", 3))
NEW = report(V.NEW, 2)


def intended(**more: Any) -> Order:
    given: dict[str, Any] = {
        "at": T0, "request": REQUEST, "role": Role.SINGLE, "group": None, "reserve_price": D(11), "opening": D(100),
    }  # fmt: skip
    return opened(Intended(**{**given, **more}))


def sent() -> Order:
    return note(intended(), Sent(at=at(1), order_id="o1"))


def after(order: Order, *facts: VenueFact) -> Order:
    for fact in facts:
        order, _ = take(order, fact, fact.at)
    return order


def outcomes(order: Order, *facts: VenueFact) -> list[Outcome]:
    found = []
    for fact in facts:
        order, outcome = take(order, fact, fact.at)
        found.append(outcome)
    return found


def state(order: Order) -> tuple[Status, Decimal, Decimal | None]:
    return order.status, order.filled, order.average


def at_status(status: Status) -> Order:
    """An order of 100 in this status, by the shortest honest way."""
    unknown = note(sent(), Unanswered(at=at(1), order_id="o1", reason="timeout"))
    return {
        Status.INTENT: intended,
        Status.SENT: sent,
        Status.UNKNOWN: lambda: unknown,
        Status.LOST: lambda: note(unknown, DeclaredLost(at=at(60), order_id="o1", answers=3, since=at(20))),
        Status.ACKED: lambda: after(sent(), report(V.ACCEPTED, 2)),
        Status.WORKING: lambda: after(sent(), NEW),
        Status.PARTIAL: lambda: after(sent(), NEW, E1),
        Status.FILLED: lambda: after(sent(), NEW, E1, E2),
        Status.CANCELED: lambda: after(sent(), NEW, report(V.CANCELED, 5)),
        Status.EXPIRED: lambda: after(sent(), NEW, report(V.EXPIRED, 5)),
        Status.REJECTED: lambda: after(sent(), report(V.REJECTED, 5)),
        Status.DENIED: lambda: opened(Denied(at=T0, request=REQUEST, refusal=REFUSAL)),
    }[status]()


# --- beginnings -------------------------------------------------------------------------------------------------------


def test_an_intent_begins_as_intent():
    """What we mean to send has its role, group and reservation, and waits."""
    order = intended(role=Role.ENTRY, group="g", opening=D(30))

    assert (Status.INTENT, Role.ENTRY, "g", D(11)) == (order.status, order.role, order.group, order.reserve_price)
    assert (D(70), False, T0, "o1") == (order.closing, order.foreign, order.changed, order.id)


def test_an_intent_that_opens_nothing_closes_all():
    """Without an opening part the whole order closes, whatever its quantity becomes."""
    assert intended(opening=ZERO).closing is None


def test_a_denied_order_begins_and_ends_as_denied():
    """The refusal is its evidence and its note."""
    order = at_status(Status.DENIED)

    assert (Status.DENIED, REFUSAL, "no orders now") == (order.status, order.refusal, order.note)


@pytest.mark.parametrize("foreign", [True, False])
def test_an_adopted_order_begins_as_sent(foreign):
    """An order that was found at the venue reserves at its own price and is only read where it is foreign."""
    order = opened(Adopted(at=T0, request=REQUEST, foreign=foreign))

    assert (Status.SENT, D(11), foreign) == (order.status, order.reserve_price, order.foreign)


def test_an_adopted_order_without_a_limit_reserves_at_its_stop():
    """The stop price, or nothing where there is neither."""
    stop = OrderRequest.stop("X", Side.BUY, D(1), D(12), client_order_id="s")
    market = OrderRequest.market("X", Side.BUY, D(1), client_order_id="m")

    assert D(12) == opened(Adopted(at=T0, request=stop, foreign=True)).reserve_price
    assert ZERO == opened(Adopted(at=T0, request=market, foreign=True)).reserve_price


# --- commands ---------------------------------------------------------------------------------------------------------

LEGAL = {
    Command.SEND: {Status.INTENT},
    Command.WITHDRAW: {Status.INTENT},
    Command.CANCEL: {Status.SENT, Status.UNKNOWN, Status.LOST, Status.ACKED, Status.WORKING, Status.PARTIAL},
    Command.REPLACE: {Status.ACKED, Status.WORKING, Status.PARTIAL},
}


@pytest.mark.parametrize("wanted", Command)
@pytest.mark.parametrize("status", Status)
def test_every_command_in_every_status_is_legal_or_not(status, wanted):
    """A command that the status does not allow is an error that names both; any other passes."""
    order = at_status(status)

    assert status is order.status
    if status in LEGAL[wanted]:
        command(order, wanted)
    else:
        with pytest.raises(IllegalTransition, match=f"order o1: cannot {wanted.value} while {status.value}"):
            command(order, wanted)


def test_the_table_of_commands_is_complete():
    """Every command has its statuses."""
    assert LEGAL == COMMANDS


def test_one_replacement_at_a_time():
    """While a replacement is pending, or a cancel, no other may be asked for; a cancel always may."""
    change = Replacement(client_order_id="o2", limit_price=D(12))
    replaced = note(at_status(Status.WORKING), ReplaceRequested(at=at(3), order_id="o1", change=change))
    cancelled = note(at_status(Status.WORKING), CancelRequested(at=at(3), order_id="o1", reason="r"))

    with pytest.raises(IllegalTransition, match="cannot replace while being replaced"):
        command(replaced, Command.REPLACE)
    with pytest.raises(IllegalTransition, match="cannot replace while being cancelled"):
        command(cancelled, Command.REPLACE)
    command(replaced, Command.CANCEL)
    command(cancelled, Command.CANCEL)


# --- facts of our own -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fact", "status"),
    [
        (Sent(at=at(9), order_id="o1"), Status.SENT),
        (Unsent(at=at(9), order_id="o1", reason="r", earliest=None), Status.INTENT),
        (Withdrawn(at=at(9), order_id="o1", reason="r"), Status.CANCELED),
        (Unanswered(at=at(9), order_id="o1", reason="r"), Status.UNKNOWN),
        (RejectedByVenue(at=at(9), order_id="o1", reason="r"), Status.REJECTED),
        (DeclaredLost(at=at(9), order_id="o1", answers=3, since=T0), Status.LOST),
    ],
    ids=lambda value: type(value).__name__,
)
def test_our_facts_give_the_status_while_the_venue_is_silent(fact, status):
    """Until the venue speaks, an order stands where our own last fact put it."""
    order = note(sent(), fact)

    assert (status, at(9), ZERO) == (order.status, order.changed, order.filled)


@pytest.mark.parametrize(
    "fact",
    [
        Sent(at=at(9), order_id="o1"),
        Unsent(at=at(9), order_id="o1", reason="r", earliest=None),
        Unanswered(at=at(9), order_id="o1", reason="r"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_our_facts_take_back_nothing_that_the_venue_said(fact):
    """An event that overtakes the answer to our send is not undone by what we then conclude (sequence 10)."""
    assert Status.PARTIAL is note(at_status(Status.PARTIAL), fact).status


def test_reasons_are_kept():
    """Why an order was withdrawn or rejected stands in its note."""
    rejected = note(sent(), RejectedByVenue(at=at(9), order_id="o1", reason="no funds"))

    assert "no funds" == rejected.note
    assert "late" == note(intended(), Withdrawn(at=at(9), order_id="o1", reason="late")).note
    assert "no funds" == after(rejected, report(V.REJECTED, 10)).note


def test_a_cancel_is_pending_from_the_wish_to_its_refusal():
    """The wish is an overlay, and a refusal takes it away; the status stays."""
    asked = note(at_status(Status.WORKING), CancelRequested(at=at(5), order_id="o1", reason="r"))
    refused = note(asked, CancelRefused(at=at(6), order_id="o1", reason="r"))

    assert (True, Status.WORKING, at(5)) == (asked.cancel_pending, asked.status, asked.changed)
    assert (False, Status.WORKING, at(6)) == (refused.cancel_pending, refused.status, refused.changed)


def test_a_replacement_is_pending_from_the_wish_to_its_refusal():
    """Refusing this replacement clears it; a late refusal of another one does not."""
    change = Replacement(client_order_id="o2", limit_price=D(12))
    asked = note(at_status(Status.WORKING), ReplaceRequested(at=at(5), order_id="o1", change=change))
    other = note(asked, ReplaceRefused(at=at(6), order_id="o1", client_order_id="o9", reason="r"))
    refused = note(asked, ReplaceRefused(at=at(6), order_id="o1", client_order_id="o2", reason="r"))

    assert (change, at(5)) == (asked.replacing, asked.changed)
    assert change == other.replacing
    assert (None, at(6), D(11)) == (refused.replacing, refused.changed, refused.request.limit_price)


def test_answers_not_found_are_counted_from_the_first():
    """Each adds one and keeps the first moment; neither status nor the moment of change moves."""
    order = at_status(Status.UNKNOWN)
    for second in (12, 24):
        order = note(order, NotFound(at=at(second), order_id="o1"))

    assert (2, at(12), at(1), Status.UNKNOWN) == (order.answers, order.absent_since, order.changed, order.status)


@pytest.mark.parametrize(
    "heard",
    [lambda order: after(order, NEW), lambda order: note(order, Unanswered(at=at(9), order_id="o1", reason="r"))],
    ids=["venue", "our own"],
)
def test_any_word_about_the_order_starts_the_count_again(heard):
    """An answer about the order ends the run of "not found"."""
    order = heard(note(at_status(Status.UNKNOWN), NotFound(at=at(2), order_id="o1")))

    assert (0, None) == (order.answers, order.absent_since)


def test_a_repetition_starts_the_count_again_too():
    """A message that adds nothing still proves that the order exists."""
    order = note(at_status(Status.WORKING), NotFound(at=at(9), order_id="o1"))
    heard, outcome = take(order, NEW, at(10))

    assert (0, Status.WORKING, Outcome.DUPLICATE) == (heard.answers, heard.status, outcome)


# --- facts of the venue -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", VenueStatus)
@pytest.mark.parametrize("status", Status)
def test_no_word_of_the_venue_is_illegal(status, said):
    """In every status every word is taken in; none lowers the rank, and an end changes by the rules only."""
    order = at_status(status)
    heard, outcome = take(order, report(said, 30, str(order.filled)), at(30))
    meaning = MEANING[said]
    if status is Status.FILLED:
        expected = Status.FILLED
    elif meaning.terminal:
        expected = meaning
    elif status in (Status.CANCELED, Status.EXPIRED, Status.REJECTED):
        expected = status
    elif status is Status.PARTIAL or (status is Status.WORKING and meaning is Status.ACKED):
        expected = status
    else:
        expected = meaning

    assert expected is heard.status
    assert outcome in (Outcome.APPLIED, Outcome.STALE)
    assert (heard.evidence is not None) is heard.status.terminal


@pytest.mark.parametrize("status", Status)
def test_a_fill_counts_in_every_status(status):
    """Whatever we believe of an order, an execution of it is booked (rule R1); all of it makes it FILLED (R5)."""
    order = at_status(status)
    some = after(order, executed(fill("e9", "10", "10", str(order.filled + 10), 40)))
    rest = after(order, executed(fill("e9", "100", "10", str(order.filled + 100), 40)))
    ends = {Status.CANCELED, Status.EXPIRED, Status.REJECTED, Status.FILLED}

    assert (order.filled + 10, Status.FILLED) == (some.filled, rest.status)
    assert (status if status in ends else Status.PARTIAL) is some.status


@pytest.mark.parametrize("status", Status)
def test_a_correction_is_taken_in_every_status(status):
    """A bust is never illegal either; without its execution it waits and changes nothing."""
    order = at_status(status)
    heard, outcome = take(order, corrected("e9", "0", "10", 50), at(50))

    assert Outcome.PARKED is outcome
    assert order.filled == heard.filled
    assert heard.status is (
        Status.SENT if status in (Status.INTENT, Status.UNKNOWN, Status.LOST) else status
    )  # a message proves that the order exists


# The worked sequences of docs/explanation/tracking.md that concern one order alone.
SEQUENCES: dict[str, tuple[list[VenueFact], tuple[Status, Decimal, Decimal | None]]] = {
    "1": ([E1, NEW], (Status.PARTIAL, D(40), D(10))),
    "2": ([E1, E1, A1, E2], (Status.FILLED, D(100), D("10.06"))),
    "3a": ([NEW, report(V.FILLED, 4, "100", "10.06", execution=E2.execution)], (Status.FILLED, D(100), D("10.06"))),
    "3b": (
        [NEW, report(V.FILLED, 4, "100", "10.06", execution=E2.execution), E1],
        (Status.FILLED, D(100), D("10.06")),
    ),
    "4": ([report(V.FILLED, 4, "100", "10.06"), E1, E2], (Status.FILLED, D(100), D("10.06"))),
    "5a": ([E1, report(V.CANCELED, 5, "40", "10")], (Status.CANCELED, D(40), D(10))),
    "5b": (
        [report(V.CANCELED, 3, "40", "10"), executed(fill("e2", "60", "10.10", "100", 9))],
        (Status.FILLED, D(100), D("10.06")),
    ),
    "6": ([report(V.PARTIALLY_FILLED, 3, "40", "10"), NEW], (Status.PARTIAL, D(40), D(10))),
    "7": ([E1, corrected("e1", "40", "9.95", 5)], (Status.PARTIAL, D(40), D("9.95"))),
    "8": ([E1, E2, executed(fill("e3", "5", "10", "105", 5))], (Status.FILLED, D(105), D(1056) / D(105))),
    "10": ([report(V.FILLED, 4, "100", "10.06")], (Status.FILLED, D(100), D("10.06"))),
}


@pytest.mark.parametrize("name", SEQUENCES)
def test_worked_sequences_come_out_as_written_in_any_order(name):
    """Each sequence gives its result, and so does every permutation of it (rule R9)."""
    facts, expected = SEQUENCES[name]

    assert {expected} == {state(after(sent(), *order)) for order in permutations(facts)}


def test_an_unknown_order_that_the_venue_knows_is_resolved():
    """A send without an answer, found by its client id, is what the venue says it is (worked sequence 10)."""
    order = after(at_status(Status.UNKNOWN), report(V.FILLED, 4, "100", "10.06"))

    assert ((Status.FILLED, D(100), D("10.06")), "b1") == (state(order), order.broker_order_id)


def test_one_answer_not_found_leaves_an_order_unknown():
    """A single "not found" is no verdict (worked sequence 11)."""
    assert Status.UNKNOWN is note(at_status(Status.UNKNOWN), NotFound(at=at(12), order_id="o1")).status


@pytest.mark.parametrize(
    "fact", [NEW, E1, report(V.CANCELED, 2), corrected("e9", "0", "10", 2)], ids=["new", "fill", "canceled", "bust"]
)
def test_any_word_of_the_venue_reopens_a_lost_order(fact):
    """LOST was only inferred; whatever the venue says of the order counts."""
    assert Status.LOST is not after(at_status(Status.LOST), fact).status


def test_a_repetition_reopens_a_lost_order():
    """Even a message that adds nothing proves that the order exists."""
    lost = note(at_status(Status.WORKING), DeclaredLost(at=at(60), order_id="o1", answers=3, since=at(20)))

    assert (Status.LOST, Status.WORKING) == (lost.status, after(lost, NEW).status)


@pytest.mark.parametrize("status", [Status.FILLED, Status.CANCELED, Status.EXPIRED, Status.REJECTED])
def test_an_end_that_the_venue_proved_cannot_be_inferred_away(status):
    """An order whose end is proven does not become LOST."""
    lost = DeclaredLost(at=at(60), order_id="o1", answers=3, since=at(20))

    assert status is note(at_status(status), lost).status


@pytest.mark.parametrize("live", [V.ACCEPTED, V.NEW, V.PENDING_CANCEL, V.RESTING])
def test_ended_orders_live_again_by_a_reopening_only(live):
    """A live word after the end is ignored; with the journalled re-opening the order works again."""
    ended = after(sent(), NEW, report(V.CANCELED, 5), report(live, 9))
    asked = evolve(ended, cancel_requested=True)
    reopened = note(asked, Reopened(at=at(10), order_id="o1", evidence="listed"))

    assert (Status.CANCELED, Status.WORKING) == (ended.status, reopened.status)
    assert not reopened.cancel_requested
    assert Status.CANCELED is after(reopened, report(V.CANCELED, 11)).status
    assert Status.WORKING is after(reopened, report(V.EXPIRED, 8)).status


def test_a_reopened_order_keeps_its_fills():
    """Re-opening takes back the end, not the executions."""
    order = note(after(sent(), E1, report(V.CANCELED, 5, "40", "10")), Reopened(at=at(10), order_id="o1", evidence="l"))

    assert (Status.PARTIAL, D(40), D(10)) == state(order)


def test_reopening_an_order_of_which_nothing_was_told_makes_it_sent():
    """A withdrawn order that lives at the venue after all has left this machine."""
    withdrawn = note(intended(), Withdrawn(at=at(9), order_id="o1", reason="r"))

    assert Status.SENT is note(withdrawn, Reopened(at=at(10), order_id="o1", evidence="l")).status


def test_a_bust_does_not_send_a_filled_order_again():
    """FILLED stays FILLED when a fill is taken back, and the position is what is left."""
    order = after(sent(), E1, E2, corrected("e2", "0", "10.10", 8))

    assert (Status.FILLED, D(40), D(10)) == state(order)
    assert "filled 100 of 100, of which 40 are left after corrections" == order.evidence


def test_a_filled_order_that_the_venue_works_on_after_a_bust_can_be_reopened():
    """Where the venue's listing shows the order live, it is."""
    busted = after(sent(), E1, E2, corrected("e2", "0", "10.10", 8))

    assert Status.PARTIAL is note(busted, Reopened(at=at(10), order_id="o1", evidence="l")).status


def test_a_bust_of_everything_leaves_a_working_order():
    """Rank does not fall below WORKING: what traded had been accepted."""
    assert (Status.WORKING, ZERO, None) == state(after(sent(), E1, corrected("e1", "0", "10", 8)))


def test_a_picture_of_nothing_filled_follows_a_bust_of_what_was_not_told():
    """After a bust the venue's new picture holds, even of an execution that we never heard of."""
    facts = [report(V.PARTIALLY_FILLED, 3, "40", "10"), corrected("e1", "0", "10", 5), report(V.NEW, 5)]
    for order in permutations(facts):
        assert (Status.WORKING, ZERO, None) == state(after(sent(), *order))


@pytest.mark.parametrize("cumulative", ["0", "40"])
def test_a_later_end_with_a_lower_count_still_ends(cumulative):
    """A cancel that arrives behind a later fill holds: order independence goes before the rule on stale words."""
    late = executed(fill("e2", "20", "10", "60", 9))
    cancel = report(V.CANCELED, 5, cumulative, "10" if cumulative != "0" else None)
    for order in permutations([E1, late, cancel]):
        assert (Status.CANCELED, D(60)) == state(after(sent(), *order))[:2]


def test_a_snapshot_without_any_price_is_booked_at_the_price_reserved():
    """A filled quantity without an average has the worst price until its executions come."""
    assert D(11) == after(sent(), report(V.PARTIALLY_FILLED, 3, "40")).average


def test_our_moment_of_the_change_is_kept():
    """``changed`` is when we took the message in, not when the venue made it."""
    assert at(99) == take(sent(), NEW, at(99))[0].changed


# --- replacing --------------------------------------------------------------------------------------------------------

CHANGE = Replacement(client_order_id="o2", limit_price=D(12))
REPLACED = report(V.REPLACED, 5, "40", "10")


def replacing(change: Replacement = CHANGE) -> Order:
    return note(after(sent(), NEW, E1), ReplaceRequested(at=at(4), order_id="o1", change=change))


@pytest.mark.parametrize("carries", [True, False])
def test_a_replaced_order_goes_on_as_one(carries):
    """One logical order: 40 of the old and 60 of the new, however the venue counts (worked sequence 9)."""
    start, end = ("40", "100") if carries else ("0", "60")
    average = ("10", "10.06") if carries else (None, "10.10")
    begun = report(V.NEW, 5, start, average[0], link=2, quantity=D(100))
    filled = report(V.FILLED, 6, end, average[1], link=2, execution=fill("e2", "60", "10.10", end, 6))
    half = after(replacing(), REPLACED, begun)

    assert (Status.PARTIAL, D(40), D(60), "o1", "b2") == (
        half.status, half.filled, half.remaining, half.id, half.broker_order_id,
    )  # fmt: skip
    assert (None, D(12)) == (half.replacing, half.request.limit_price)
    for order in permutations([REPLACED, begun, filled]):
        whole = after(replacing(), *order)

        assert (Status.FILLED, D(100), D("10.06")) == state(whole)
        assert (2, None, D(12)) == (len(whole.links), whole.replacing, whole.request.limit_price)


def test_a_replacement_changes_the_quantity():
    """The new total is what was asked for, or what the venue says."""
    changed = replacing(Replacement(client_order_id="o2", quantity=D(150)))

    assert D(150) == after(changed, report(V.NEW, 5, link=2)).quantity
    assert D(140) == after(changed, report(V.NEW, 5, link=2, quantity=D(140))).quantity


def test_the_quantity_of_a_replacement_may_be_told_late():
    """The first message of the new order need not tell its quantity."""
    told, silent = (
        report(V.NEW, 5, "40", "10", link=2, quantity=D(150)),
        executed(fill("e2", "60", "10", "100", 6), link=2),
    )
    for order in permutations([told, silent]):
        assert (D(150), Status.PARTIAL) == (after(replacing(), *order).quantity, after(replacing(), *order).status)


def test_a_replacement_may_be_known_by_the_venues_id_first():
    """The change holds as soon as a message joins the venue's id and ours."""
    unnamed = report(V.NEW, 5, "40", "10", link=2, client_order_id=None, quantity=D(100))
    named = report(V.NEW, 6, "40", "10", link=2)
    first = after(replacing(), unnamed)
    both = after(first, named)

    assert (CHANGE, D(11), "b2") == (first.replacing, first.request.limit_price, first.broker_order_id)
    assert (None, D(12), "o2", 2) == (
        both.replacing, both.request.limit_price, both.links[1].client_order_id, len(both.links),
    )  # fmt: skip
    assert D(100) == both.quantity


def test_a_refused_replacement_leaves_the_old_order_as_it_was():
    """Where the venue makes the new order and rejects it, the old one works on with its own prices."""
    order = after(replacing(), report(V.REJECTED, 6, link=2, quantity=D(150)))

    assert (Status.PARTIAL, D(40), D(100), D(11), "b1") == (
        order.status, order.filled, order.quantity, order.request.limit_price, order.broker_order_id,
    )  # fmt: skip


def test_quantities_of_different_moments_do_not_complete_a_chain():
    """What the old order has now and what the new one had before a bust were never filled together."""
    facts = [
        report(V.NEW, 5, link=2, quantity=D(80)),
        executed(fill("f1", "30", "10", "30", 6), link=2),
        corrected("f1", "0", "10", 7, link=2),
        corrected("e1", "60", "10", 8, "c2"),
    ]

    assert (Status.PARTIAL, D(60)) == state(after(replacing(), REPLACED, *facts))[:2]


def test_a_chain_ends_with_its_last_order():
    """A cancel of the new order ends the chain; words about the old one do not."""
    order = after(replacing(), REPLACED, report(V.NEW, 5, "40", "10", link=2))

    assert Status.CANCELED is after(order, report(V.CANCELED, 7, "40", "10", link=2)).status
    assert Status.PARTIAL is after(order, report(V.CANCELED, 7, "40", "10")).status


def test_messages_without_a_venue_id_go_by_ours():
    """A message that tells only the client id is about the link of that id."""
    order = after(replacing(), REPLACED, report(V.NEW, 5, "40", "10", link=2))
    old = after(order, report(V.REPLACED, 9, "40", "10", broker_order_id=None))
    new = after(order, report(V.PENDING_CANCEL, 9, "40", "10", link=2, broker_order_id=None))

    assert (2, False) == (len(old.links), old.cancel_pending)
    assert (2, True) == (len(new.links), new.cancel_pending)


def test_a_message_without_our_id_names_the_order_it_reaches():
    """The venue's id alone is enough where the order has none yet."""
    order = after(sent(), report(V.NEW, 2, client_order_id=None))

    assert ("b1", 1) == (order.broker_order_id, len(order.links))


# --- what became of messages ------------------------------------------------------------------------------------------

FULL = report(V.PARTIALLY_FILLED, 3, "40", "10", execution=E1.execution)
A, X, S, C, P = Outcome.APPLIED, Outcome.DUPLICATE, Outcome.STALE, Outcome.CORRECTION, Outcome.PARKED


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([NEW, NEW], [A, X]),
        ([NEW, report(V.NEW, 3)], [A, A]),
        ([NEW, report(V.NEW, 1)], [A, X]),
        ([NEW, report(V.PENDING_CANCEL, 1)], [A, S]),
        ([NEW, report(V.ACCEPTED, 3)], [A, S]),
        ([E1, NEW], [A, S]),
        ([evolve(E1, broker_order_id=None), NEW], [A, A]),
        ([NEW, FULL, E1, A1], [A, A, X, X]),
        ([NEW, E1, FULL], [A, A, X]),
        ([NEW, E1, evolve(FULL, execution=A1.execution)], [A, A, X]),
        ([report(V.PARTIALLY_FILLED, 3, "40", "10"), NEW], [A, S]),
        ([report(V.PARTIALLY_FILLED, 3, "40", "10"), report(V.NEW, 4)], [A, S]),
        ([report(V.PARTIALLY_FILLED, 3, "40", "10"), E1], [A, A]),
        ([report(V.PARTIALLY_FILLED, 3, "40", "10"), report(V.PENDING_CANCEL, 4, "40", "10")], [A, A]),
        ([NEW, report(V.CANCELED, 5), report(V.NEW, 6)], [A, A, S]),
        ([NEW, report(V.CANCELED, 5), report(V.EXPIRED, 5)], [A, A, S]),
        ([NEW, report(V.CANCELED, 5), report(V.CANCELED, 6)], [A, A, A]),
        ([E1, corrected("e1", "0", "10", 5), corrected("e1", "0", "10", 5)], [A, C, X]),
        ([corrected("e1", "0", "10", 5), E1], [P, A]),
        ([corrected("e1", "0", "10", 5), corrected("e1", "10", "10", 6), E1], [P, C, A]),
        ([E1, executed(fill("e1", "40", "9.95", "40", 5)), E1], [A, C, X]),
        ([E1, evolve(FULL, execution=fill("e1", "40", "9.95", "40", 5))], [A, C]),
        ([E1, executed(fill("e1", "30", "10", "30", 5)), executed(fill("e1", "40", "10", "40", 6))], [A, C, C]),
        ([E1, executed(evolve(E1.execution, position_after=D(40)))], [A, X]),
    ],
    ids=[
        "new again", "later", "earlier, same", "earlier, other", "lower rank", "behind a fill", "names the order",
        "fill in every form", "picture behind the fill", "fill by another name", "lower count", "lower count, later",
        "real fill", "overlay", "live after the end", "lesser end", "end again", "bust twice", "bust first",
        "bust waits once",
        "other numbers", "other numbers in a report", "there and back", "same numbers, more said",
    ],
)  # fmt: skip
def test_every_message_becomes_one_thing(facts, expected):
    """Applied, duplicate, stale, correction or parked, as the rules say (invariant I8)."""
    assert expected == outcomes(sent(), *facts)


def test_a_message_that_adds_nothing_changes_nothing():
    """A duplicate leaves the very same order."""
    order = after(sent(), NEW, FULL)

    assert take(order, FULL, at(9))[0] is order
