"""All orders: addresses, what waits for an order, events, flags, and the count of messages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from engine.books.recovery import Books
from engine.decisions import Refusal
from engine.errors import InvalidRequest
from engine.events import Alarm, AlarmCode, Event, Filled, OrderChanged
from engine.facts import (
    Adopted,
    CancelRequested,
    DeclaredLost,
    Denied,
    ExecutionCorrected,
    ExecutionReported,
    Fact,
    Intended,
    OrderReported,
    Reopened,
    ReplaceRequested,
    Sent,
    SessionStarted,
    Unanswered,
    VenueFact,
    Withdrawn,
)
from engine.model import (
    ZERO,
    Correction,
    Execution,
    OrderRequest,
    Replacement,
    Role,
    Side,
    Status,
    SymbolFlag,
    VenueStatus,
)
from engine.orders.tracker import Parked, Tracker

D = Decimal
V = VenueStatus
T0 = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)


def at(second: int) -> datetime:
    return T0 + timedelta(seconds=second)


def intent(order: str = "o1", side: Side = Side.BUY, **more: Any) -> Intended:
    request = OrderRequest.limit("X", side, D(100), D(11), client_order_id=order)
    given: dict[str, Any] = {"role": Role.SINGLE, "group": None, "reserve_price": D(11), "opening": D(100), **more}
    return Intended(at=T0, request=request, **given)


def address(**more: Any) -> dict[str, Any]:
    return {"client_order_id": "o1", "broker_order_id": "b1", "symbol": "X", "side": Side.BUY, **more}


def fill(name: str, quantity: str, price: str, cumulative: str, second: int, **more: Any) -> Execution:
    return Execution(id=name, cumulative=D(cumulative), quantity=D(quantity), price=D(price), at=at(second), **more)


def report(
    status: VenueStatus, second: int, cumulative: str = "0", average: str | None = None, **more: Any
) -> OrderReported:
    return OrderReported(
        **address(**more), at=at(second), status=status, cumulative=D(cumulative),
        average=None if average is None else D(average),
    )  # fmt: skip


def executed(execution: Execution, **more: Any) -> ExecutionReported:
    return ExecutionReported(**address(**more), at=execution.at, execution=execution)


def corrected(execution: str, quantity: str, price: str, second: int, **more: Any) -> ExecutionCorrected:
    made = Correction(id="c1", execution_id=execution, quantity=D(quantity), price=D(price), at=at(second))
    return ExecutionCorrected(**address(**more), at=at(second), correction=made)


E1 = executed(fill("e1", "40", "10.00", "40", 3))
E2 = executed(fill("e2", "60", "10.10", "100", 4))
NEW = report(V.NEW, 2)


def tracking(*facts: VenueFact, side: Side = Side.BUY) -> Tracker:
    """A tracker with one order that was sent, and what the venue said."""
    tracker = Tracker()
    tracker.open(intent(side=side))
    tracker.note(Sent(at=at(1), order_id="o1"))
    for fact in facts:
        tracker.take(fact, fact.at)
    return tracker


def counted(tracker: Tracker) -> dict[str, int]:
    return {outcome.value: count for outcome, count in tracker.counts.items() if count}


def fills(events: list[Event]) -> list[tuple[str, str, bool]]:
    return [
        (str(event.quantity), str(event.cost.normalize()), event.provisional)
        for event in events
        if isinstance(event, Filled)
    ]


def alarms(events: list[Event]) -> list[AlarmCode]:
    return [event.code for event in events if isinstance(event, Alarm)]


# --- looking ----------------------------------------------------------------------------------------------------------


def test_an_order_is_found_by_every_id_it_ever_had():
    """Our id, the venue's, and those of every link of the chain; what is not known is None."""
    tracker = tracking(NEW, report(V.NEW, 5, client_order_id="o2", broker_order_id="b2", replaces="b1"))
    order = tracker["o1"]

    assert [order] * 4 == [
        tracker.find(client_order_id="o1"),
        tracker.find(client_order_id="o2"),
        tracker.find(broker_order_id="b1"),
        tracker.find(client_order_id="unknown", broker_order_id="b2"),
    ]
    assert [None] * 3 == [
        tracker.find(),
        tracker.find(client_order_id="o9"),
        tracker.find(client_order_id="o9", broker_order_id="b9"),
    ]
    assert [True] * 4 + [False] == [given in tracker for given in ("o1", "o2", "b1", "b2", "o9")]


def test_ids_of_the_venue_are_not_taken_for_ours():
    """A venue may number its orders as a strategy numbers its own."""
    tracker = tracking(report(V.NEW, 2, broker_order_id="1"))

    assert tracker.find(client_order_id="1") is None
    tracker.open(intent("1"))
    assert tracker["o1"] is tracker.find(broker_order_id="1")
    assert tracker["1"] is tracker.find(client_order_id="1")


def test_a_message_of_a_strangers_order_is_not_about_ours_of_that_number():
    """An id of the venue that equals one of our client ids names nothing while the message has another client id."""
    tracker = tracking()
    tracker.take(report(V.NEW, 2, client_order_id="theirs", broker_order_id="o1"), at(2))

    assert (Status.SENT, 1) == (tracker["o1"].status, len(tracker.parked))


def test_an_adopted_order_may_be_known_by_the_venues_id_alone():
    """Where the venue shows no client id, its own id is the order's name."""
    tracker = Tracker()
    request = OrderRequest.limit("X", Side.BUY, D(100), D(11), client_order_id="b7")
    tracker.open(Adopted(at=T0, request=request, foreign=True))
    tracker.take(report(V.NEW, 2, client_order_id=None, broker_order_id="b7"), at(2))

    assert (Status.WORKING, "b7") == (tracker["b7"].status, tracker["b7"].broker_order_id)


def test_orders_stand_in_the_order_in_which_they_became_known():
    """Iterating gives all orders, ended ones too, `total` their number; `live` those that have not ended."""
    tracker = tracking(NEW, E1, E2)
    tracker.open(intent("o0"))
    tracker.open(Denied(at=T0, request=intent("o2").request, refusal=Refusal(code="HALTED", message="no")))

    assert (["o1", "o0", "o2"], 3) == ([order.id for order in tracker], tracker.total)
    assert {"o0": tracker["o0"]} == tracker.live


def test_a_lost_order_is_watched_for_ever():
    """LOST orders stay among the live ones."""
    tracker = tracking()
    tracker.note(DeclaredLost(at=at(60), order_id="o1", answers=3, since=T0))

    assert ["o1"] == list(tracker.live)


def test_members_of_a_group_are_remembered():
    """Protective orders are found by their group, in the order in which they were made."""
    tracker = tracking()
    for name in ("o1.sl", "o1.tp"):
        tracker.open(intent(name, group="o1"))

    assert (["o1.sl", "o1.tp"], []) == (list(tracker.members("o1")), list(tracker.members("o9")))


def test_flags_go_up_and_down():
    """A symbol may have several flags; lowering one that is not up does nothing."""
    tracker = Tracker()
    tracker.flag("B", SymbolFlag.SUSPECT)
    tracker.flag("B", SymbolFlag.OVERFILLED)
    tracker.flag("A", SymbolFlag.SUSPECT)
    tracker.flag("B", SymbolFlag.SUSPECT, up=False)
    tracker.flag("C", SymbolFlag.SUSPECT, up=False)

    assert (["A", "B"], frozenset({SymbolFlag.OVERFILLED}), frozenset()) == (
        tracker.flagged(), tracker.flags("B"), tracker.flags("C"),
    )  # fmt: skip


# --- facts of our own -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("used", ["o1", "o2"])
def test_a_client_id_is_used_once(used):
    """The id of an order, or of a replacement, cannot begin another order."""
    tracker = tracking(NEW)
    change = Replacement(client_order_id="o2", limit_price=D(12))
    tracker.note(ReplaceRequested(at=at(3), order_id="o1", change=change))

    with pytest.raises(InvalidRequest, match=f"client_order_id = '{used}': expected an id that was never used before"):
        tracker.open(intent(used))


def test_a_new_order_is_told_if_nobody_asked_for_it():
    """That an order is meant is no news to those who meant it; one that was denied or found is told."""
    denied = Denied(at=T0, request=intent().request, refusal=Refusal(code="NO", message="no"))

    assert [] == Tracker().open(intent())
    assert [OrderChanged(at=T0, order_id="o1", symbol="X", before=None, after=Status.DENIED)] == Tracker().open(denied)


@pytest.mark.parametrize(("foreign", "told"), [(False, [AlarmCode.ORPHAN]), (True, [])])
def test_an_orphan_of_ours_is_an_alarm_and_a_flag(foreign, told):
    """An order with our prefix that the journal does not know quarantines its symbol; a foreign one does not."""
    tracker = Tracker()
    events = tracker.open(Adopted(at=T0, request=intent().request, foreign=foreign))

    assert told == alarms(events)
    assert (SymbolFlag.QUARANTINED in tracker.flags("X")) is not foreign


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        (Unanswered(at=at(9), order_id="o1", reason="r"), [AlarmCode.ORDER_UNKNOWN]),
        (DeclaredLost(at=at(9), order_id="o1", answers=3, since=T0), [AlarmCode.ORDER_LOST]),
        (Withdrawn(at=at(9), order_id="o1", reason="r"), []),
    ],
    ids=["unknown", "lost", "withdrawn"],
)
def test_changes_of_our_own_are_told_and_some_are_alarms(fact, told):
    """UNKNOWN and LOST are alarms; every change of status is an event."""
    events = tracking().note(fact)

    assert told == alarms(events)
    assert [Status.SENT] == [event.before for event in events if isinstance(event, OrderChanged)]


def test_what_changes_no_status_is_not_told():
    """A wish to cancel is kept and tells nothing."""
    tracker = tracking(NEW)

    assert [] == tracker.note(CancelRequested(at=at(9), order_id="o1", reason="r"))
    assert tracker["o1"].cancel_pending


def test_a_reopening_is_an_alarm():
    """An order that had ended and lives is told aloud."""
    tracker = tracking(NEW, report(V.CANCELED, 5))
    events = tracker.note(Reopened(at=at(9), order_id="o1", evidence="listed"))

    assert [AlarmCode.ORDER_REOPENED] == alarms(events)
    assert ["o1"] == list(tracker.live)


def test_a_withdrawn_order_that_lives_at_the_venue_is_an_alarm():
    """The venue's word on an order that was never to be sent is believed, aloud."""
    tracker = Tracker()
    tracker.open(intent())
    tracker.note(Withdrawn(at=at(1), order_id="o1", reason="r"))

    assert [AlarmCode.ORDER_REOPENED] == alarms(tracker.take(NEW, at(2)))
    assert (Status.WORKING, ["o1"]) == (tracker["o1"].status, list(tracker.live))


# --- fills ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("side", "sign"), [(Side.BUY, ""), (Side.SELL, "-")])
def test_a_fill_is_told_with_its_sign(side, sign):
    """Quantity and cost change the position by the order's side; the fee is always a cost."""
    tracker = tracking(side=side)
    events = tracker.take(executed(fill("e1", "40", "10", "40", 3, fee=D(1)), side=side), at(3))

    assert [(f"{sign}40", f"{sign}4E+2", False)] == fills(events)
    assert [D(1)] == [event.fee for event in events if isinstance(event, Filled)]
    assert side.signed(D(40)) == tracker.position("X")
    assert ZERO == tracker.position("Y")


def test_a_provisional_fill_and_its_replacement_change_the_position_once():
    """The status books the quantity, the executions only what its price was wrong by (worked sequence 4)."""
    tracker = tracking(NEW)
    told = [fills(tracker.take(fact, at(5))) for fact in (report(V.FILLED, 4, "100", "10.05"), E1, E2)]

    assert [[("1E+2", "1005", True)], [], [("0", "1", False)]] == [
        [(str(D(quantity).normalize()), cost, provisional) for quantity, cost, provisional in each] for each in told
    ]
    assert D(100) == tracker.position("X")


def test_a_bust_is_told_as_a_change_back():
    """A correction changes quantity and cost by what it takes away."""
    assert [("-40", "-4E+2", False)] == fills(tracking(NEW, E1).take(corrected("e1", "0", "10", 5), at(5)))


def test_a_duplicate_tells_nothing():
    """What is known already is no event."""
    assert [] == tracking(NEW, E1).take(executed(fill("a1", "40", "10.00", "40", 3)), at(9))


def test_a_late_fill_is_an_alarm():
    """A fill after the end is booked, makes the order FILLED where it completes it, and is told aloud (sequence 5)."""
    tracker = tracking(NEW, E1, report(V.CANCELED, 5, "40", "10"))
    events = tracker.take(E2, at(9))

    assert [AlarmCode.LATE_FILL] == alarms(events)
    assert [(Status.CANCELED, Status.FILLED)] == [
        (event.before, event.after) for event in events if isinstance(event, OrderChanged)
    ]


def test_a_fill_of_a_lost_order_is_a_late_fill():
    """An order that was given up for lost and trades is told aloud."""
    tracker = tracking()
    tracker.note(DeclaredLost(at=at(60), order_id="o1", answers=3, since=T0))

    assert [AlarmCode.LATE_FILL] == alarms(tracker.take(E1, at(300)))


def test_an_over_fill_is_booked_and_flags_the_symbol():
    """More than was asked for exists all the same: applied, alarmed, and the symbol blocked (worked sequence 8)."""
    tracker = tracking(NEW, E1, E2)
    assert frozenset() == tracker.flags("X")
    events = tracker.take(executed(fill("e3", "5", "10", "105", 5)), at(5))

    assert [AlarmCode.LATE_FILL, AlarmCode.OVER_FILL] == alarms(events)
    assert (D(105), frozenset({SymbolFlag.OVERFILLED})) == (tracker.position("X"), tracker.flags("X"))


def test_an_order_that_is_replaced_below_its_fills_is_over_filled():
    """Where the venue confirms a quantity that is less than what was filled, the alarm is the same."""
    tracker = tracking(NEW, E1)
    smaller = report(V.FILLED, 6, "40", "10", client_order_id="o2", broker_order_id="b2", replaces="b1", quantity=D(30))

    assert [AlarmCode.OVER_FILL] == alarms(tracker.take(smaller, at(6)))


def test_the_latest_execution_is_remembered():
    """The venue's latest moment counts, known order or not."""
    tracker = tracking(E2, E1)
    tracker.take(executed(fill("x", "1", "1", "1", 9), client_order_id="o9", broker_order_id="b9"), at(9))
    tracker.take(E2, at(10))
    tracker.take(corrected("e1", "0", "10", 50), at(50))

    assert at(9) == tracker.last_event


# --- messages about unknown orders ------------------------------------------------------------------------------------


def test_a_message_may_come_before_its_order():
    """A message by client id waits for the order (worked sequence 1)."""
    tracker = Tracker()
    assert [] == tracker.take(E1, at(3))
    assert ([Parked(E1, at(3))], {"parked": 1}) == (tracker.parked, counted(tracker))
    events = tracker.open(intent())

    assert [("40", "4E+2", False)] == fills(events)
    assert ([], {"applied": 1}, Status.PARTIAL) == (tracker.parked, counted(tracker), tracker["o1"].status)


def test_a_message_by_the_venues_id_waits_until_the_id_is_known():
    """The acknowledgement that joins the ids frees what waited."""
    tracker = tracking(executed(E1.execution, client_order_id=None))
    assert {"parked": 1} == counted(tracker)
    events = tracker.take(NEW, at(5))

    assert [("40", "4E+2", False)] == fills(events)
    assert ([], {"parked": 0, "applied": 2}) == (tracker.parked, {"parked": 0, **counted(tracker)})


def test_messages_of_a_chain_wait_for_each_other():
    """The third order of a chain is known when the second is."""
    second = report(V.REPLACED, 5, client_order_id="o2", broker_order_id="b2", replaces="b1")
    third = report(V.NEW, 6, client_order_id="o3", broker_order_id="b3", replaces="b2")
    trade = executed(fill("e", "40", "10", "40", 7), client_order_id="o3", broker_order_id="b3")
    for order in permutations([NEW, second, third, trade]):
        tracker = tracking(*order)

        assert ([], "b3", D(40)) == (tracker.parked, tracker["o1"].broker_order_id, tracker["o1"].filled)
        assert 4 == sum(tracker.counts.values())


def test_a_wish_to_replace_frees_what_came_for_the_new_id():
    """Messages about the replacement wait until its id is one of ours."""
    tracker = tracking(NEW, report(V.NEW, 5, client_order_id="o2", broker_order_id="b2"))
    assert 1 == len(tracker.parked)
    tracker.note(ReplaceRequested(at=at(3), order_id="o1", change=Replacement(client_order_id="o2", limit_price=D(12))))

    assert ([], "b2") == (tracker.parked, tracker["o1"].broker_order_id)


def test_two_equal_messages_wait_and_are_counted_twice():
    """A repetition of a parked message is a duplicate once both are free."""
    tracker = Tracker()
    for _ in range(2):
        tracker.take(E1, at(3))
    tracker.open(intent())

    assert ({"applied": 1, "duplicate": 1}, D(40)) == (counted(tracker), tracker["o1"].filled)


def test_what_will_never_be_ours_is_an_orphan():
    """A parked message that is given up is counted as an orphan and waits no more."""
    tracker = Tracker()
    tracker.take(E1, at(3))
    tracker.orphaned(tracker.parked[0])

    assert ([], {"orphan": 1}) == (tracker.parked, counted(tracker))


def test_a_correction_waits_for_its_execution():
    """A bust that comes first is parked with its order, and is a correction when the fill has come (rule R6)."""
    tracker = tracking(NEW, corrected("e1", "0", "10", 5))
    assert {"applied": 1, "parked": 1} == counted(tracker)
    tracker.take(E1, at(6))

    assert {"applied": 2, "correction": 1} == counted(tracker)
    assert (ZERO, Status.WORKING) == (tracker["o1"].filled, tracker["o1"].status)


def test_a_correction_by_another_name_waits_for_that_name():
    """The source that calls the execution so has to tell it."""
    tracker = tracking(NEW, E1, corrected("a1", "0", "10", 5))
    assert (D(40), {"applied": 2, "parked": 1}) == (tracker["o1"].filled, counted(tracker))
    tracker.take(executed(fill("a1", "40", "10.00", "40", 3)), at(6))

    assert (ZERO, {"applied": 2, "duplicate": 1, "correction": 1}) == (tracker["o1"].filled, counted(tracker))


def test_a_correction_waits_in_a_chain_too():
    """In a chain of replacements a correction waits for its execution just so."""
    second = report(V.NEW, 5, client_order_id="o2", broker_order_id="b2", replaces="b1")
    bust = corrected("e1", "0", "10", 6)
    tracker = tracking(NEW, second, bust)
    assert {"applied": 2, "parked": 1} == counted(tracker)
    tracker.take(E1, at(7))

    assert (ZERO, {"applied": 3, "correction": 1}) == (tracker["o1"].filled, counted(tracker))


# --- with the books ---------------------------------------------------------------------------------------------------


def test_a_position_that_the_venue_tells_shows_a_missing_fill():
    """The venue's position after a fill gives a missed one away; found, all is well again (worked sequence 12)."""
    books = Books()
    facts: list[Fact] = [
        SessionStarted(at=T0, session_id="s", cash=D(10000), config="", data_digest=""),
        intent("o1"),
        Sent(at=at(1), order_id="o1"),
        intent("o2"),
        Sent(at=at(1), order_id="o2"),
        executed(fill("e1", "100", "10", "100", 2, position_after=D(100))),
    ]
    for fact in facts:
        books.apply(fact, fact.at)
    other = {"client_order_id": "o2", "broker_order_id": "b2"}
    missed = executed(fill("f1", "10", "10", "10", 3), **other)
    told = executed(fill("f2", "30", "10", "40", 4, position_after=D(140)), **other)
    later = executed(fill("g1", "30", "10", "30", 5, position_after=D(180)), client_order_id="o3", broker_order_id="b3")

    assert [] == alarms(books.apply(told, at(5)))  # the count of the order itself showed the gap
    assert [AlarmCode.POSITION_SUSPECT] == alarms(books.apply(later, at(6)))
    assert frozenset({SymbolFlag.SUSPECT}) == books.flags("X")
    books.apply(missed, at(7))
    assert frozenset({SymbolFlag.SUSPECT}) == books.flags("X")
    books.apply(executed(fill("f3", "10", "10", "50", 5), **other), at(8))
    events = books.apply(intent("o3"), at(9))

    assert [("30", "3E+2", False)] == fills(events)
    assert (D(180), frozenset()) == (books.position("X"), books.flags("X"))
