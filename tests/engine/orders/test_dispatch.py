"""What leaves this machine, and what came of it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from engine.decisions import Refusal
from engine.errors import AlreadyExists, IllegalTransition, NotSent, OutcomeUnknown, TradingError, VenueRejected
from engine.facts import (
    CancelRefused,
    CancelRequested,
    Intended,
    ReplaceDenied,
    ReplaceRefused,
    ReplaceRequested,
    Sent,
    Unanswered,
    Unsent,
    Withdrawn,
)
from engine.model import OrderRequest, Side, Status, VenueStatus
from engine.risk.gate import RiskGate
from engine.risk.grid import Tick
from engine.risk.symbols import SymbolProperties, SymbolTable
from engine.testing import Desk, Lost

D = Decimal
LOST_ANSWER = OutcomeUnknown("POST /orders", waited=5.0)


@pytest.fixture
def desk():
    return Desk().start()


def buy(quantity="100", price="10", **more):
    return OrderRequest.limit("X", Side.BUY, D(quantity), D(price), **more)


def sell(quantity="100", price="11", **more):
    return OrderRequest.limit("X", Side.SELL, D(quantity), D(price), **more)


def holding(desk, quantity="100", price="10"):
    """A desk that holds a position in X."""
    ticket = desk.engine.submit(buy(quantity, price))
    desk.broker.fill(ticket.id, D(quantity), D(price))
    desk.run()
    return desk


# --- sending ----------------------------------------------------------------------------------------------------------


def test_an_accepted_order_works(desk):
    """The venue's answer is a fact like any other: the order has its status from it."""
    ticket = desk.engine.submit(buy())

    assert (Status.WORKING, "b1") == (ticket.status, ticket.order.broker_order_id)


def test_what_is_sent_is_durable_before(desk):
    """When the broker is called, the intents that say so stand in the journal, committed, for the whole batch."""
    seen = []

    def look(method, about):
        if method == "submit":
            seen.append([(fact.request.id, fact.sending) for fact in desk.facts(Intended)])

    desk.broker.on_call = look
    desk.engine.submit_many([buy(client_order_id="a"), buy(client_order_id="b")])

    assert [[("a", True), ("b", True)]] * 2 == seen


def test_a_refusal_of_the_venue_ends_the_order(desk):
    """VenueRejected proves that the order does not exist there: REJECTED, with the venue's reason, nothing reserved."""
    desk.broker.script("submit", VenueRejected("insufficient buying power"))
    ticket = desk.engine.submit(buy())

    assert (Status.REJECTED, "insufficient buying power") == (ticket.status, ticket.order.note)
    assert 0 == desk.engine.books.reserved(ticket.id)


@pytest.mark.parametrize(
    "error",
    [
        LOST_ANSWER,
        AlreadyExists("client_order_id must be unique"),
        TradingError("an error without a meaning"),
        ConnectionResetError("reset by peer"),
        ValueError("unreadable answer"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_proves_nothing_leaves_the_order_unknown(desk, error):
    """No error of a broker escapes; one that is no proof of anything makes the order UNKNOWN, fully reserved."""
    desk.broker.script("submit", error)
    ticket = desk.engine.submit(buy())

    assert Status.UNKNOWN is ticket.status
    assert D(1000) == desk.engine.books.reserved(ticket.id)


def test_an_interruption_goes_through_and_is_remembered(desk):
    """KeyboardInterrupt inside the broker reaches the caller; by then the journal says that the outcome is unknown."""
    desk.broker.script("submit", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        desk.engine.submit(buy(client_order_id="a"))

    assert ["a"] == [fact.order_id for fact in desk.facts(Unanswered)]
    assert Status.UNKNOWN is desk.engine.books.tracker["a"].status


def test_an_interruption_leaves_the_rest_of_the_batch_unsent(desk):
    """Orders behind the one that was interrupted have not left: they wait, and are sent when the engine goes on."""
    desk.broker.script("submit", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        desk.engine.submit_many([buy(client_order_id="a"), buy(client_order_id="b")])
    assert ["b"] == [fact.order_id for fact in desk.facts(Unsent)]
    desk.run()

    assert ["a", "b"] == desk.calls("submit")
    assert Status.WORKING is desk.engine.books.tracker["b"].status


def test_a_lost_answer_is_looked_up_and_never_sent_again(desk):
    """An order whose answer got lost is found by its client order id, filled meanwhile or not."""
    desk.broker.script("submit", Lost(LOST_ANSWER))
    ticket = desk.engine.submit(buy())
    desk.broker.muted = True
    desk.broker.fill(ticket.id, D(100), D(10))
    desk.run()

    assert (Status.FILLED, D(100)) == (ticket.status, desk.engine.position("X"))
    assert [ticket.id] == desk.calls("submit") == desk.calls("lookup")


def test_what_has_ended_is_not_asked_about(desk):
    """A live event that settles everything makes the look-up needless."""
    desk.broker.script("submit", Lost(LOST_ANSWER))
    ticket = desk.engine.submit(buy())
    desk.broker.fill(ticket.id, D(100), D(10))
    desk.run()

    assert (Status.FILLED, []) == (ticket.status, desk.calls("lookup"))


def test_look_ups_keep_their_distance(desk):
    """An order that stays unknown is asked about once every `lookup_every` seconds."""
    desk.broker.script("submit", LOST_ANSWER)
    desk.engine.submit(buy())
    counts = []
    for _ in range(4):
        desk.run(2.5)
        counts.append(len(desk.calls("lookup")))

    assert [1, 1, 2, 2] == counts


def test_an_unknown_order_is_lost_by_evidence(desk):
    """Three answers "not found" over half a minute make an UNKNOWN order LOST and free what it reserved."""
    desk.broker.script("submit", LOST_ANSWER)
    ticket = desk.engine.submit(buy())
    statuses = []
    for _ in range(8):
        desk.run(5.0)
        statuses.append(ticket.status)

    assert [Status.UNKNOWN] * 6 + [Status.LOST] * 2 == statuses
    assert 0 == desk.engine.books.reserved(ticket.id)
    assert not ticket.done


# --- waiting to be sent -----------------------------------------------------------------------------------------------


def test_what_did_not_leave_waits_for_its_moment(desk):
    """NotSent puts the order back to INTENT; it is sent again, under the same id, not before `earliest`."""
    desk.broker.script("submit", NotSent("rate", earliest=desk.clock.now() + timedelta(seconds=0.8)))
    ticket = desk.engine.submit(buy())
    states = [ticket.status]
    for _ in range(3):
        desk.run(0.4)
        states.append(ticket.status)

    assert [Status.INTENT, Status.INTENT, Status.WORKING, Status.WORKING] == states
    assert [ticket.id] * 2 == desk.calls("submit")


def test_what_did_not_leave_keeps_its_reservation(desk):
    """An order that waits to be sent reserves as if it worked."""
    desk.broker.script("submit", NotSent("rate"))
    ticket = desk.engine.submit(buy())

    assert D(1000) == desk.engine.books.reserved(ticket.id)


def test_a_second_send_is_durable_before_too(desk):
    """Each further attempt has a Sent of its own in the journal before the broker is called."""
    desk.broker.script("submit", NotSent("rate"))
    desk.engine.submit(buy())
    sent = []
    desk.broker.on_call = lambda method, about: sent.append(len(desk.facts(Sent))) if method == "submit" else None
    desk.run()

    assert [1] == sent


def test_exits_overtake(desk):
    """Of orders that wait, those that close a position leave first, each kind in the order in which it was meant."""
    holding(desk)
    later = desk.clock.now() + timedelta(seconds=0.5)
    desk.broker.script("submit", *[NotSent("rate", earliest=later)] * 4)
    desk.engine.submit_many(
        [
            buy(client_order_id="in-1"),
            sell("50", client_order_id="out-1"),
            buy(client_order_id="in-2"),
            sell("50", client_order_id="out-2"),
        ]
    )
    before = len(desk.calls("submit"))
    desk.run(0.5)

    assert ["out-1", "out-2", "in-1", "in-2"] == desk.calls("submit")[before:]


def test_cancels_overtake(desk):
    """A cancel that waited leaves before the orders that did."""
    ticket = desk.engine.submit(buy())
    desk.broker.script("cancel", NotSent("rate"))
    desk.broker.script("submit", NotSent("rate"))
    desk.engine.cancel(ticket)
    desk.engine.submit(buy(client_order_id="in"))
    before = len(desk.broker.calls)
    desk.run()

    assert [("cancel", "b1"), ("submit", "in")] == desk.broker.calls[before:]


def test_what_waited_long_is_judged_again(desk):
    """An order that waited for more than a second is withdrawn if the gate would not let it pass any more."""
    desk.broker.script("submit", NotSent("rate", earliest=desk.clock.now() + timedelta(seconds=2)))
    ticket = desk.engine.submit(OrderRequest.market("X", Side.BUY, D(90_000)))
    desk.engine.books.portfolio.mark("X", D(20))
    desk.run(2)

    assert (Status.CANCELED, 1) == (ticket.status, len(desk.calls("submit")))
    assert ticket.order.note.startswith("INSUFFICIENT_CASH: ")


def test_what_waited_shortly_is_not_judged_again(desk):
    """Within a second the gate's word holds."""
    desk.broker.script("submit", NotSent("rate", earliest=desk.clock.now() + timedelta(seconds=1)))
    ticket = desk.engine.submit(OrderRequest.market("X", Side.BUY, D(90_000)))
    desk.engine.books.portfolio.mark("X", D(20))
    desk.run(1)

    assert Status.WORKING is ticket.status


def test_an_exit_that_has_become_an_entry_is_withdrawn(desk):
    """An order that was to close a position is not sent once there is none: it would open one the other way."""
    holding(desk)
    desk.broker.script("submit", NotSent("rate", earliest=desk.clock.now() + timedelta(seconds=60)))
    ticket = desk.engine.submit(sell())
    desk.broker.place_foreign(sell(client_order_id="by-hand"))
    desk.broker.fill("by-hand", D(100), D(11))
    desk.engine.reconcile()
    desk.run(60)

    assert (D(0), Status.CANCELED) == (desk.engine.position("X"), ticket.status)
    assert "it would open 100 now, and 0 when it was approved" == ticket.order.note


@pytest.mark.parametrize(("held", "status"), [("80", Status.CANCELED), ("100", Status.WORKING)])
def test_an_exit_closes_no_more_than_there_is_by_now(desk, held, status):
    """An order that closes 100 is withdrawn if less is left by the time it can be sent: the rest would flip."""
    holding(desk)
    desk.broker.script("submit", NotSent("rate", earliest=desk.clock.now() + timedelta(seconds=30)))
    ticket = desk.engine.submit(sell("100"))
    desk.broker.hold("X", D(held), D(10))
    desk.engine.reconcile()
    desk.run(30)

    assert status is ticket.status


# --- cancelling -------------------------------------------------------------------------------------------------------


def test_a_working_order_is_cancelled(desk):
    """The cancel is journalled and durable, then asked for; the order has ended when the venue says so."""
    ticket = desk.engine.submit(buy())
    durable = []
    desk.broker.on_call = lambda *call: durable.append(len(desk.facts(CancelRequested)))
    desk.engine.cancel(ticket)
    asked = ticket.status
    desk.run()

    assert ([1], Status.WORKING, Status.CANCELED) == (durable, asked, ticket.status)


def test_cancelling_twice_asks_once(desk):
    """A cancel that is under way is not asked for again."""
    ticket = desk.engine.submit(buy())
    desk.engine.cancel(ticket)
    desk.engine.cancel(ticket)

    assert ["b1"] == desk.calls("cancel")


def test_a_cancel_that_arrived_is_not_sent_again(desk):
    """The venue has it, and may take its time."""
    ticket = desk.engine.submit(buy())
    desk.broker.muted = True
    desk.engine.cancel(ticket)
    for _ in range(5):
        desk.run(5)

    assert (["b1"], Status.WORKING) == (desk.calls("cancel"), ticket.status)


def test_an_order_that_did_not_leave_is_withdrawn(desk):
    """The cancel of an INTENT needs no venue: the order ends at once and is never sent."""
    desk.broker.script("submit", NotSent("rate"))
    ticket = desk.engine.submit(buy())
    desk.engine.cancel(ticket, "changed my mind")
    desk.run(10)

    assert (Status.CANCELED, "changed my mind") == (ticket.status, ticket.order.note)
    assert ([ticket.id], []) == (desk.calls("submit"), desk.calls("cancel"))
    assert [ticket.id] == [fact.order_id for fact in desk.facts(Withdrawn)]


@pytest.mark.parametrize("status", [Status.FILLED, Status.CANCELED, Status.EXPIRED, Status.REJECTED, Status.DENIED])
def test_what_has_ended_cannot_be_cancelled(desk, status):
    """The cancel of an order that has ended is an error of ours, and nothing is sent."""
    if status is Status.DENIED:
        ticket = desk.engine.submit(buy("1000000"))
    else:
        ticket = desk.engine.submit(buy())
        if status is Status.FILLED:
            desk.broker.fill(ticket.id, D(100), D(10))
        else:
            desk.broker.end(ticket.id, VenueStatus(status.value))
        desk.run()
    with pytest.raises(IllegalTransition, match=f"cannot cancel while {status.value}"):
        desk.engine.cancel(ticket)

    assert (status, []) == (ticket.status, desk.calls("cancel"))


def test_a_partly_filled_order_is_cancelled(desk):
    """What was filled stays; the rest ends."""
    ticket = desk.engine.submit(buy())
    desk.broker.fill(ticket.id, D(40), D(10))
    desk.run()
    desk.engine.cancel(ticket)
    desk.run()

    assert (Status.CANCELED, D(40), D(40)) == (ticket.status, ticket.filled, desk.engine.position("X"))


def test_the_cancel_of_an_unknown_order_is_sent_when_it_is_found(desk):
    """While nobody knows the broker's id the cancel waits; the look-up that finds the order lets it go."""
    desk.broker.script("submit", Lost(LOST_ANSWER))
    desk.broker.script("lookup", OutcomeUnknown("GET", waited=5.0))
    ticket = desk.engine.submit(buy())
    desk.engine.cancel(ticket)
    desk.run()
    asked = list(desk.calls("cancel"))
    desk.run(5)

    assert ([], ["b1"], Status.CANCELED) == (asked, desk.calls("cancel"), ticket.status)


def test_the_cancel_of_a_lost_order_waits_for_it(desk):
    """A LOST order may be cancelled: should it turn up after all, the cancel is sent."""
    desk.broker.script("submit", Lost(LOST_ANSWER))
    ticket = desk.engine.submit(buy(client_order_id="a"))
    desk.broker.hide("a")
    for _ in range(8):
        desk.run(5)
    desk.engine.cancel(ticket)
    before = (ticket.status, list(desk.calls("cancel")))
    desk.broker.tell(desk.broker.known("a"))
    desk.broker.show("a")
    desk.run()

    assert ((Status.LOST, []), ["b1"], Status.CANCELED) == (before, desk.calls("cancel"), ticket.status)


def test_a_refused_cancel_leaves_the_order_as_it_is(desk):
    """The venue's no is recorded and the order looked up; it may be cancelled again."""
    ticket = desk.engine.submit(buy())
    desk.broker.script("cancel", VenueRejected("try later"))
    desk.engine.cancel(ticket)
    desk.run()
    before = (ticket.status, ticket.order.cancel_requested, desk.calls("lookup"))
    desk.engine.cancel(ticket)
    desk.run()

    assert (Status.WORKING, False, ["b1"]) == before
    assert (Status.CANCELED, 1) == (ticket.status, len(desk.facts(CancelRefused)))


def test_a_cancel_refused_because_the_order_was_filled(desk):
    """Where the order has ended without our knowing, the refusal leads to the truth."""
    ticket = desk.engine.submit(buy())
    desk.broker.muted = True
    desk.broker.fill(ticket.id, D(100), D(10))
    desk.engine.cancel(ticket)
    desk.run()

    assert (Status.FILLED, D(100)) == (ticket.status, desk.engine.position("X"))


@pytest.mark.parametrize("error", [LOST_ANSWER, ConnectionResetError()], ids=lambda error: type(error).__name__)
def test_a_lost_cancel_is_asked_for_again(desk, error):
    """Nobody knows whether the cancel arrived: it is asked for again after a while, not at every step."""
    ticket = desk.engine.submit(buy())
    desk.broker.script("cancel", error)
    desk.engine.cancel(ticket)
    desk.run(1)
    asked = len(desk.calls("cancel"))
    desk.run(4)

    assert (1, 2, Status.CANCELED) == (asked, len(desk.calls("cancel")), ticket.status)


def test_a_cancel_that_arrived_without_an_answer_is_found_by_look_up(desk):
    """The order ends by what the look-up says, and no second cancel is sent."""
    ticket = desk.engine.submit(buy())
    desk.broker.muted = True
    desk.broker.script("cancel", Lost(LOST_ANSWER))
    desk.engine.cancel(ticket)
    desk.run()

    assert (Status.CANCELED, ["b1"]) == (ticket.status, desk.calls("cancel"))


def test_a_cancel_that_may_not_leave_yet_waits_for_its_moment(desk):
    """NotSent puts a cancel off until `earliest`."""
    ticket = desk.engine.submit(buy())
    desk.broker.script("cancel", NotSent("rate", earliest=desk.clock.now() + timedelta(seconds=2)))
    desk.engine.cancel(ticket)
    desk.run(1)
    asked = len(desk.calls("cancel"))
    desk.run(1)

    assert (1, 2, Status.CANCELED) == (asked, len(desk.calls("cancel")), ticket.status)


def test_a_cancel_that_waits_is_dropped_with_the_order(desk):
    """An order that was filled meanwhile needs no cancel."""
    ticket = desk.engine.submit(buy())
    desk.broker.script("cancel", NotSent("rate", earliest=desk.clock.now() + timedelta(seconds=2)))
    desk.engine.cancel(ticket)
    desk.broker.fill(ticket.id, D(100), D(10))
    desk.run()
    desk.run(5)

    assert ([], ["b1"], Status.FILLED) == (desk.facts(CancelRefused), desk.calls("cancel"), ticket.status)


def test_cancel_all_reaches_every_order(desk):
    """An error at one of the cancels does not keep the others from being asked for; foreign orders are left alone."""
    tickets = desk.engine.submit_many([buy("1"), buy("2"), buy("3")])
    desk.broker.script("cancel", ConnectionResetError(), VenueRejected("no"))
    desk.broker.place_foreign(buy(client_order_id="by-hand"))
    desk.engine.reconcile()
    asked = desk.engine.cancel_all()

    assert (3, ["b1", "b2", "b3"]) == (asked, desk.calls("cancel"))
    assert [True, False, True] == [ticket.order.cancel_requested for ticket in tickets]


def test_an_interrupted_cancel_all_goes_on(desk):
    """What an interruption kept from being sent is durable, and sent at the next step."""
    tickets = desk.engine.submit_many([buy("1"), buy("2"), buy("3")])
    desk.broker.script("cancel", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        desk.engine.cancel_all()
    durable = len(desk.facts(CancelRequested))
    desk.run(5)

    assert (3, [Status.CANCELED] * 3) == (durable, [ticket.status for ticket in tickets])


# --- replacing --------------------------------------------------------------------------------------------------------


def test_a_replacement_continues_the_order(desk):
    """An accepted replacement is the same order for us: same id, new price, one reservation."""
    ticket = desk.engine.submit(buy())
    refusal = desk.engine.replace(ticket, limit_price=D(9))
    desk.run()

    assert (None, Status.WORKING, D(9)) == (refusal, ticket.status, ticket.order.request.limit_price)
    assert ("b2", None) == (ticket.order.broker_order_id, ticket.order.replacing)


def test_a_replacement_is_durable_before_it_is_sent(desk):
    """When the broker is called the journal knows that a replacement is asked for, and under which id."""
    ticket = desk.engine.submit(buy(client_order_id="a"))
    seen = []
    desk.broker.on_call = lambda *call: seen.extend(desk.facts(ReplaceRequested))
    desk.engine.replace(ticket, limit_price=D(9))

    assert ["a.r1"] == [fact.change.client_order_id for fact in seen]


def test_a_fill_of_either_link_counts_once(desk):
    """What was filled before the replacement is part of its quantity (worked sequence 9)."""
    ticket = desk.engine.submit(buy(client_order_id="a"))
    desk.broker.fill("a", D(40), D(10))
    desk.run()
    desk.engine.replace(ticket, limit_price=D(9))
    desk.run()
    desk.broker.fill("a.r1", D(60), D(9))
    desk.run()

    assert (Status.FILLED, D(100), D(940)) == (ticket.status, ticket.filled, ticket.order.cost)


@pytest.mark.parametrize(
    ("error", "code", "looked_up"),
    [(NotSent("rate"), "NOT_SENT", []), (VenueRejected("not open"), "VENUE_REJECTED", ["b1"])],
    ids=["not-sent", "rejected"],
)
def test_a_replacement_that_did_not_happen(desk, error, code, looked_up):
    """The order lives on as it was, the caller is told why, and another replacement has another id."""
    ticket = desk.engine.submit(buy(client_order_id="a"))
    desk.broker.script("replace", error)
    refusal = desk.engine.replace(ticket, limit_price=D(9))
    desk.run()
    before = (refusal.code, ticket.order.request.limit_price, ticket.order.replacing)
    asked = list(desk.calls("lookup"))
    desk.engine.replace(ticket, limit_price=D(8))

    assert ((code, D(10), None), looked_up) == (before, asked)
    assert ("a.r2", D(8)) == (ticket.order.links[-1].client_order_id, ticket.order.request.limit_price)


@pytest.mark.parametrize(
    "error", [LOST_ANSWER, AlreadyExists("id"), ConnectionResetError()], ids=lambda e: type(e).__name__
)
def test_a_replacement_whose_answer_got_lost_is_looked_up(desk, error):
    """It is found by its own id and never sent again."""
    ticket = desk.engine.submit(buy())
    desk.broker.muted = True
    desk.broker.script("replace", Lost(error))
    desk.engine.replace(ticket, limit_price=D(9))
    before = ticket.order.replacing is not None
    desk.run()

    assert (True, 1, D(9)) == (before, len(desk.calls("replace")), ticket.order.request.limit_price)
    assert (Status.WORKING, "b2", None) == (ticket.status, ticket.order.broker_order_id, ticket.order.replacing)


def test_a_replacement_that_never_arrived_is_given_up(desk):
    """Answers "not found" about the replacement, enough of them over long enough, prove that the order is as it was."""
    ticket = desk.engine.submit(buy(client_order_id="a"))
    desk.broker.script("replace", LOST_ANSWER)
    desk.engine.replace(ticket, limit_price=D(9))
    pending = []
    for _ in range(8):
        desk.run(5)
        pending.append(ticket.order.replacing is not None)

    assert [True] * 6 + [False] * 2 == pending
    assert (Status.WORKING, D(10)) == (ticket.status, ticket.order.request.limit_price)
    assert ["a.r1"] == [fact.client_order_id for fact in desk.facts(ReplaceRefused)]


def test_a_replacement_given_up_too_early_still_counts(desk):
    """Should it turn up after all, it continues the order."""
    ticket = desk.engine.submit(buy(client_order_id="a"))
    desk.broker.script("replace", Lost(LOST_ANSWER))
    desk.broker.muted = True
    desk.engine.replace(ticket, quantity=D(120))
    desk.broker.hide("a.r1")
    for _ in range(8):
        desk.run(5)
    given_up = ticket.order.replacing
    desk.broker.muted = False
    desk.broker.fill("a.r1", D(120), D(10))
    desk.run()

    assert (None, D(120), D(120)) == (given_up, ticket.filled, desk.engine.position("X"))


def test_few_answers_about_a_replacement_are_not_enough(desk):
    """However long it takes, two answers "not found" prove nothing."""
    ticket = desk.engine.submit(buy())
    desk.broker.script("replace", LOST_ANSWER)
    desk.engine.replace(ticket, limit_price=D(9))
    desk.run()
    desk.run(100)
    before = ticket.order.replacing
    desk.run(5)

    assert before is not None
    assert ticket.order.replacing is None


def test_errors_about_a_replacement_are_no_evidence(desk):
    """As long as the venue does not answer, the replacement stays open."""
    ticket = desk.engine.submit(buy())
    desk.broker.script("replace", LOST_ANSWER)
    desk.engine.replace(ticket, limit_price=D(9))
    desk.broker.script("lookup", *[ConnectionRefusedError()] * 20)
    for _ in range(20):
        desk.run(5)

    assert ticket.order.replacing is not None


def test_the_gate_judges_a_replacement_that_grows(desk):
    """A replacement that costs more than what is free, the order's own reservation included, is refused unsent."""
    ticket = desk.engine.submit(buy("90000"))
    refused = desk.engine.replace(ticket, quantity=D(100_001))
    passed = desk.engine.replace(ticket, quantity=D(100_000))

    assert isinstance(refused, Refusal)
    assert ("INSUFFICIENT_CASH", None) == (refused.code, passed)
    assert (1, D(100_000)) == (len(desk.calls("replace")), ticket.order.quantity)


def test_one_replacement_at_a_time(desk):
    """While a replacement is under way another one is an error, and so is one of an order that is being cancelled."""
    first, second = desk.engine.submit_many([buy(), buy()])
    desk.broker.script("replace", LOST_ANSWER)
    desk.engine.replace(first, limit_price=D(9))
    desk.engine.cancel(second)

    with pytest.raises(IllegalTransition, match="while being replaced"):
        desk.engine.replace(first, limit_price=D(8))
    with pytest.raises(IllegalTransition, match="while being cancelled"):
        desk.engine.replace(second, limit_price=D(8))


@pytest.mark.parametrize("status", [Status.INTENT, Status.UNKNOWN, Status.FILLED])
def test_what_does_not_work_cannot_be_replaced(desk, status):
    """Only an order that the venue holds can be changed there."""
    if status is Status.INTENT:
        desk.broker.script("submit", NotSent("rate"))
    elif status is Status.UNKNOWN:
        desk.broker.script("submit", LOST_ANSWER)
    ticket = desk.engine.submit(buy())
    if status is Status.FILLED:
        desk.broker.fill(ticket.id, D(100), D(10))
        desk.run()

    with pytest.raises(IllegalTransition, match=f"cannot replace while {status.value}"):
        desk.engine.replace(ticket, limit_price=D(9))


def test_a_cancel_during_a_replacement_holds_for_what_comes_of_it(desk):
    """The venue refuses the cancel of a link that was replaced: the cancel is kept for the next one."""
    ticket = desk.engine.submit(buy())
    desk.broker.muted = True
    desk.broker.script("replace", Lost(LOST_ANSWER))
    desk.engine.replace(ticket, limit_price=D(9))
    desk.engine.cancel(ticket)
    desk.broker.muted = False
    desk.run()
    desk.run(5)

    assert (["b1", "b2"], Status.CANCELED) == (desk.calls("cancel"), ticket.status)


def test_an_interrupted_replacement_is_looked_up(desk):
    """KeyboardInterrupt inside the broker reaches the caller, and the outcome is found afterwards."""
    ticket = desk.engine.submit(buy())
    desk.broker.script("replace", Lost(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        desk.engine.replace(ticket, limit_price=D(9))
    desk.run()

    assert (D(9), None) == (ticket.order.request.limit_price, ticket.order.replacing)


# --- time to live -----------------------------------------------------------------------------------------------------


def test_an_order_is_cancelled_when_its_time_is_over(desk):
    """Time to live is market time from when the order was meant."""
    ticket = desk.engine.submit(buy(time_to_live=timedelta(seconds=60)))
    desk.run(59.9)
    before = ticket.status
    desk.run(0.1)

    assert (Status.WORKING, Status.CANCELED) == (before, ticket.status)


def test_an_end_that_is_refused_is_asked_for_again(desk):
    """A refused cancel does not make an order immortal."""
    ticket = desk.engine.submit(buy(time_to_live=timedelta(seconds=60)))
    desk.broker.script("cancel", VenueRejected("not now"))
    desk.run(60)
    before = ticket.status
    desk.run(5)

    assert (Status.WORKING, Status.CANCELED) == (before, ticket.status)


def test_an_order_that_has_ended_is_not_ended_again(desk):
    """Time to live is over with the order."""
    ticket = desk.engine.submit(buy(time_to_live=timedelta(seconds=60)))
    desk.broker.fill(ticket.id, D(100), D(10))
    desk.run()
    desk.run(60)

    assert ([], False) == (desk.calls("cancel"), desk.engine.busy)


def test_time_to_live_survives_a_restart(desk):
    """It counts from when the order was meant, whatever happened to the program."""
    ticket = desk.engine.submit(buy(client_order_id="a", time_to_live=timedelta(seconds=60)))
    desk.run(30)
    desk.restart()
    desk.run(30)

    assert Status.CANCELED is desk.engine.books.tracker[ticket.id].status


def test_orders_of_others_live_as_long_as_they_like(desk):
    """Time to live is a promise of ours to our strategy; what we adopt is not cancelled by it."""
    desk.broker.place_foreign(buy(client_order_id="by-hand", time_to_live=timedelta(seconds=1)))
    desk.engine.reconcile()
    desk.run(60)

    assert ["by-hand"] == list(desk.engine.books.tracker.live)
    assert [] == desk.calls("cancel")


def test_a_change_that_our_gate_refuses_is_journalled_once(desk):
    """The first refusal is a fact with what it was made on; the same again is not, another code is."""
    holding(desk)
    exit_ = desk.engine.submit(sell())
    codes = [desk.engine.replace(exit_, quantity=D(quantity)).code for quantity in ("101", "102")]
    desk.journal.commit()
    (denied,) = desk.facts(ReplaceDenied)

    assert ["WOULD_FLIP", "WOULD_FLIP"] == codes
    assert (D(101), D(100)) == (denied.change.quantity, denied.refusal.seen.held)
    assert (D(100), Status.WORKING) == (exit_.order.quantity, exit_.status)


# --- symbols ----------------------------------------------------------------------------------------------------------


def test_a_change_is_made_to_fit_the_symbol():
    """Of what a replacement changes the venue gets what the symbol's rules allow, with what is filled counted in."""
    cents = SymbolProperties(symbol="X", ticks=(Tick(size=D("0.01")),), lot=D(1))
    desk = Desk(gate=RiskGate(symbols=SymbolTable([cents]))).start()
    ticket = desk.engine.submit(buy())
    desk.broker.fill(ticket.id, D(40), D(10))
    desk.run()
    refused = desk.engine.replace(ticket, quantity=D("90.5"), limit_price=D("9.998"))
    (asked,) = desk.facts(ReplaceRequested)

    assert (None, D(90), D("9.99"), None) == (
        refused,
        asked.change.quantity,
        asked.change.limit_price,
        asked.change.stop_price,
    )
