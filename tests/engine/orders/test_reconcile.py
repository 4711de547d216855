"""Making the books agree with the venue: after a gap, at the start, and for single orders nobody is sure of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256

import pytest
from attrs import evolve

from engine.errors import BrokerError, NotSent, OutcomeUnknown
from engine.events import Alarm, AlarmCode
from engine.execution import EngineSettings
from engine.facts import (
    Adopted,
    DeclaredLost,
    ExecutionReported,
    NotFound,
    OrderReported,
    PositionAdjusted,
    PositionMismatched,
    Reopened,
    SyncBegan,
    Synced,
)
from engine.model import Execution, Exits, OrderRequest, Side, Status, SymbolFlag, VenueStatus
from engine.orders.settings import MismatchPolicy
from engine.orders.settings import ReconcileSettings as Settings
from engine.testing import Desk, Lost

D = Decimal
NO_ANSWER = OutcomeUnknown("GET", waited=5.0)


@pytest.fixture
def desk():
    return Desk().start()


def moment(hour, minute=0, second=0):
    return datetime(2024, 1, 2, hour, minute, second, tzinfo=UTC)


def buy(quantity="100", price="10", **more):
    return OrderRequest.limit("X", Side.BUY, D(quantity), D(price), **more)


def sell(quantity="100", price="11", **more):
    return OrderRequest.limit("X", Side.SELL, D(quantity), D(price), **more)


def tracked(desk, order_id):
    return desk.engine.books.tracker[order_id]


def lost_on_the_way(desk, order_id="a", **more):
    """An order that never arrived, and of which nobody knows that."""
    desk.broker.script("submit", NO_ANSWER)
    return desk.engine.submit(buy(client_order_id=order_id, **more))


def bought(desk, quantity="100", order_id="held"):
    desk.engine.submit(buy(quantity, client_order_id=order_id))
    desk.broker.fill(order_id, D(quantity), D(10))
    desk.run()


def alarms(events):
    return [event.code for event in events if isinstance(event, Alarm)]


# --- the timeline -----------------------------------------------------------------------------------------------------


def test_the_timeline_of_an_order_that_seems_lost(desk):
    """Section 6 to the second: verdict at 44 s, by the fourth "not found", and the fill at 300 s counts."""
    began = desk.clock.now()

    def wait_until(second):
        desk.clock.advance_to(began + timedelta(seconds=second))

    def ask():
        desk.engine._reconciler.look_up("a")
        order = tracked(desk, "a")
        return order.status, order.answers

    def times_out(method, about):
        if method == "submit":
            wait_until(5)

    desk.broker.on_call = times_out
    ticket = lost_on_the_way(desk)
    desk.broker.on_call = None
    assert (Status.UNKNOWN, D(1000)) == (ticket.status, desk.engine.books.reserved("a"))

    wait_until(6)
    desk.broker.script("lookup", NotSent("connection refused"))
    assert (Status.UNKNOWN, 0) == ask()
    wait_until(12)
    assert (Status.UNKNOWN, 1) == ask()
    wait_until(20)
    assert desk.engine.reconcile() is not None  # a complete listing that lacks it supports, and is no answer
    assert (Status.UNKNOWN, 1) == (ticket.status, ticket.order.answers)
    wait_until(24)
    assert (Status.UNKNOWN, 2) == ask()
    wait_until(40)
    assert (Status.UNKNOWN, 3) == ask()
    assert D(1000) == desk.engine.books.reserved("a")
    wait_until(44)
    assert (Status.LOST, D(0)) == (ask()[0], desk.engine.books.reserved("a"))

    desk.run()
    assert [4] == [fact.answers for fact in desk.facts(DeclaredLost)]
    wait_until(300)
    desk.broker.submit(buy(client_order_id="a"))
    desk.broker.fill("a", D(100), D(10))
    told = desk.engine.step()
    assert (Status.FILLED, D(100)) == (ticket.status, desk.engine.position("X"))
    assert [AlarmCode.LATE_FILL] == alarms(told)


# --- what is no evidence ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        NotSent("429: too many requests"),
        NotSent("401: not authorised"),
        OutcomeUnknown("GET", waited=5.0),
        BrokerError("503: unavailable"),
        ConnectionRefusedError("refused"),
        TimeoutError("read timed out"),
    ],
    ids=str,
)
def test_an_error_is_no_evidence(desk, error):
    """However often the venue does not answer, an UNKNOWN order stays what it is, and reserved."""
    lost_on_the_way(desk)
    desk.broker.script("lookup", *[error] * 100)
    for _ in range(100):
        desk.run(5)

    order = tracked(desk, "a")
    assert (Status.UNKNOWN, 0, D(1000)) == (order.status, order.answers, desk.engine.books.reserved("a"))


def test_an_error_between_answers_counts_for_nothing(desk):
    """Errors neither add to the answers "not found" nor take from them."""
    lost_on_the_way(desk)
    desk.broker.script("lookup", NO_ANSWER, NO_ANSWER)
    for _ in range(4):
        desk.run(5)

    assert 2 == tracked(desk, "a").answers


@pytest.mark.parametrize("method", ["orders", "executions", "positions", "lookup"])
def test_a_page_that_fails_fails_the_pass(desk, method):
    """A pass that cannot ask everything decides nothing: no epoch, nobody adopted, nothing adjusted, nothing missed."""
    bought(desk)
    desk.engine.submit(buy(client_order_id="gone"))
    desk.broker.hide("gone")
    desk.broker.place_foreign(buy(client_order_id="by-hand"))
    desk.broker.hold("X", D(60), D(10))
    desk.run(6)
    before = len(desk.journal), desk.engine.books.epoch
    desk.broker.script(method, NO_ANSWER)

    assert desk.engine.reconcile() is None
    decided = [
        fact for fact in desk.facts()[before[0] :] if isinstance(fact, Adopted | NotFound | PositionAdjusted | Synced)
    ]
    assert ([], before[1], False) == (decided, desk.engine.books.epoch, desk.engine.in_sync)
    assert desk.engine._reconciler.trouble is NO_ANSWER


def test_the_second_listing_may_fail_too(desk):
    """An orphan is not adopted by a listing that was not confirmed."""
    desk.broker.place_foreign(buy(client_order_id="by-hand"))
    desk.broker.script("orders", Lost(NO_ANSWER))
    first = desk.engine.reconcile()
    calls = []
    desk.broker.on_call = lambda method, about: calls.append(method)

    def fail_the_third(method, about):
        calls.append(method)
        if calls.count("orders") == 3:
            raise NO_ANSWER

    desk.broker.on_call = fail_the_third
    second = desk.engine.reconcile()

    assert (None, None, []) == (first, second, desk.facts(Adopted))


def test_a_listing_older_than_the_last_change_is_no_evidence(desk):
    """An order that changed within the grace is not missed by a listing that does not show it yet."""
    desk.engine.submit(buy(client_order_id="a"))
    desk.broker.hide("a")
    desk.clock.sleep(4)
    desk.engine.reconcile()

    assert ([], Status.WORKING) == (desk.calls("lookup"), tracked(desk, "a").status)


def test_an_answer_older_than_what_was_heard_since_is_no_evidence(desk):
    """A live event that waited during the pass outweighs the "not found" of the same pass."""
    desk.engine.submit(buy(client_order_id="a"))
    desk.clock.sleep(10)
    desk.broker.hide("a")

    def arrive(method, about):
        if method == "executions":
            desk.broker.show("a")
            desk.broker.fill("a", D(40), D(10))

    desk.broker.on_call = arrive
    result = desk.engine.reconcile()

    assert (1, ["b1", "a"]) == (result.shadows, desk.calls("lookup"))
    assert ([], 0, Status.PARTIAL) == (desk.facts(NotFound), tracked(desk, "a").answers, tracked(desk, "a").status)


def test_few_answers_are_not_enough(desk):
    """However long it takes, two answers "not found" prove nothing; the third does."""
    ticket = lost_on_the_way(desk)
    desk.run()
    desk.run(100)
    before = ticket.status
    desk.run(5)

    assert (Status.UNKNOWN, Status.LOST) == (before, ticket.status)


def test_any_answer_about_the_order_starts_the_count_anew(desk):
    """The venue finds the order once: what it did not find before says nothing any more."""
    desk.engine.submit(buy(client_order_id="a"))
    desk.clock.sleep(10)
    desk.broker.hide("a")
    desk.engine.reconcile()
    desk.run(5)
    before = tracked(desk, "a").answers
    desk.broker.show("a")
    desk.run(5)

    assert (2, 0, None) == (before, tracked(desk, "a").answers, tracked(desk, "a").absent_since)
    assert not desk.engine.busy


# --- shadow and lost --------------------------------------------------------------------------------------------------


def test_a_shadow_that_was_filled(desk):
    """Live here, gone there: the venue's listing of closed orders and its executions explain it."""
    desk.engine.submit(buy(client_order_id="a"))
    desk.broker.muted = True
    desk.broker.fill("a", D(100), D(10))
    desk.clock.sleep(10)
    result = desk.engine.reconcile()

    assert (1, 1, Status.FILLED, D(100)) == (
        result.shadows,
        result.recovered,
        tracked(desk, "a").status,
        desk.engine.position("X"),
    )


def test_a_shadow_that_ended_before_the_listing_reaches_is_asked_about(desk):
    """What the listing's filter cannot reach is asked by id; executions come before the end."""
    desk.engine.submit(buy(client_order_id="a"))
    desk.broker.muted = True
    desk.broker.fill("a", D(40), D(10))
    desk.broker.end("a", VenueStatus.CANCELED)
    desk.broker.muted = False
    desk.clock.sleep(1000)
    desk.engine.submit(buy(client_order_id="b"))
    desk.broker.fill("b", D(1), D(10))  # the last execution told is of now
    desk.run()
    result = desk.engine.reconcile()

    order = tracked(desk, "a")
    assert (["b1"], 1, 0) == (desk.calls("lookup"), result.shadows, result.mismatches)
    assert (Status.CANCELED, D(40), D(40)) == (order.status, order.filled, order.provisional)


def test_a_shadow_that_is_absent_is_suspect_and_lost_in_time(desk):
    """A working order that the venue denies by every id is asked about again until the evidence is complete."""
    desk.engine.submit(buy(client_order_id="a"))
    desk.run(10)
    desk.broker.hide("a")
    desk.engine.reconcile()
    first = (tracked(desk, "a").status, desk.calls("lookup"))
    statuses = []
    for _ in range(7):
        desk.run(5)
        statuses.append(tracked(desk, "a").status)

    assert (Status.WORKING, ["b1", "a"]) == first
    assert [Status.WORKING] * 5 + [Status.LOST] * 2 == statuses
    assert D(0) == desk.engine.books.reserved("a")


def test_every_id_is_asked(desk):
    """An order that was replaced is asked about by the ids of all its links before it counts as absent."""
    ticket = desk.engine.submit(buy(client_order_id="a"))
    desk.engine.replace(ticket, limit_price=D(9))
    desk.run()
    desk.clock.sleep(10)
    for order_id in ("a", "a.r1"):
        desk.broker.hide(order_id)
    desk.engine.reconcile()

    assert ["b1", "a", "b2", "a.r1"] == desk.calls("lookup")


def test_a_restart_does_not_forget_the_evidence(desk):
    """Answers "not found" are facts: after a restart the count goes on where it was."""
    lost_on_the_way(desk)
    for _ in range(4):
        desk.run(5)
    desk.restart()
    for _ in range(3):
        desk.run(5)

    assert Status.LOST is tracked(desk, "a").status


def test_an_old_unknown_order_is_asked_about_in_a_pass(desk):
    """A listing that does not reach back to when the order was sent cannot speak of it: it is asked for by id."""
    lost_on_the_way(desk)
    desk.engine.submit(buy(client_order_id="b"))
    desk.clock.sleep(1000)
    desk.broker.fill("b", D(1), D(10))
    desk.engine._drain()
    asked = len(desk.calls("lookup"))
    result = desk.engine.reconcile()

    assert (1, ["a"]) == (result.shadows, desk.calls("lookup")[asked:])


def test_an_unknown_order_that_a_pass_finds(desk):
    """The listing shows an order whose answer got lost: it is known again without being asked for."""
    desk.broker.script("submit", Lost(NO_ANSWER))
    ticket = desk.engine.submit(buy())
    desk.engine.reconcile()

    assert (Status.WORKING, []) == (ticket.status, desk.calls("lookup"))


def test_an_old_unknown_order_that_is_listed_needs_no_question(desk):
    """The listing of open orders shows it by its client id, however old it is."""
    desk.broker.script("submit", Lost(NO_ANSWER))
    desk.engine.submit(buy(client_order_id="a"))
    desk.engine.submit(buy(client_order_id="b"))
    desk.clock.sleep(1000)
    desk.broker.fill("b", D(1), D(10))
    desk.engine._drain()
    result = desk.engine.reconcile()

    assert (0, [], Status.WORKING) == (result.shadows, desk.calls("lookup"), tracked(desk, "a").status)


def test_a_lost_order_that_is_listed_lives(desk):
    """LOST is no end: the venue's listing re-opens it, reservation included."""
    lost_on_the_way(desk)
    for _ in range(8):
        desk.run(5)
    assert Status.LOST is tracked(desk, "a").status
    desk.broker.muted = True
    desk.broker.submit(buy(client_order_id="a"))
    desk.engine.reconcile()

    assert (Status.WORKING, D(1000)) == (tracked(desk, "a").status, desk.engine.books.reserved("a"))


# --- zombies ----------------------------------------------------------------------------------------------------------


def zombie(desk, status=VenueStatus.CANCELED):
    """An order of ours that we were told had ended, and that works at the venue."""
    ticket = desk.engine.submit(buy(client_order_id="a"))
    picture = desk.broker.known("a")
    desk.broker.tell(
        OrderReported(
            at=desk.clock.now(),
            client_order_id="a",
            broker_order_id=picture.broker_order_id,
            symbol="X",
            side=Side.BUY,
            status=status,
            quantity=picture.quantity,
        )
    )
    desk.run()
    return ticket


@pytest.mark.parametrize("status", [VenueStatus.CANCELED, VenueStatus.EXPIRED, VenueStatus.REJECTED])
def test_a_zombie_is_reopened(desk, status):
    """Ended here, live in a later listing: the order works again, by the venue's own evidence, with an alarm."""
    ticket = zombie(desk, status)
    ended = ticket.status
    desk.clock.sleep(6)
    desk.engine.reconcile()

    assert (Status(status.value), Status.WORKING) == (ended, ticket.status)
    assert [AlarmCode.ORDER_REOPENED] == alarms(desk.run())
    assert (1, []) == (len(desk.facts(Reopened)), desk.calls("cancel"))
    assert D(1000) == desk.engine.books.reserved("a")


def test_a_busted_order_that_works_on_is_reopened(desk):
    """Filled once, busted since: still FILLED for us, until a listing shows that the venue works it again."""
    ticket = desk.engine.submit(buy(client_order_id="a"))
    working = desk.broker.known("a")
    told = desk.broker.fill("a", D(100), D(10))
    desk.run()
    desk.broker.correct(told.execution.id, quantity=D(0), price=D(10))
    desk.run()
    busted = (ticket.status, ticket.filled)
    desk.broker.revive(evolve(working, at=desk.clock.now()))
    for _ in range(2):  # the first pass learns the fill's second name, and that is a change of its own
        desk.clock.sleep(6)
        desk.engine.reconcile()

    assert ((Status.FILLED, D(0)), Status.WORKING) == (busted, ticket.status)


def test_a_zombie_that_we_meant_to_cancel_is_cancelled_again(desk):
    """What we asked for before, we ask for again."""
    ticket = desk.engine.submit(buy(client_order_id="a"))
    picture = desk.broker.known("a")
    desk.engine.cancel(ticket)
    desk.run()
    desk.clock.sleep(6)
    desk.broker.revive(picture)
    desk.engine.reconcile()
    desk.run()

    assert (["b1", "b1"], Status.CANCELED) == (desk.calls("cancel"), ticket.status)


def test_a_listing_right_behind_the_end_reopens_nothing(desk):
    """Within the grace a listing may lag behind the stream."""
    ticket = zombie(desk)
    desk.clock.sleep(4)
    desk.engine.reconcile()

    assert (Status.CANCELED, []) == (ticket.status, desk.facts(Reopened))


# --- orphans and foreign orders ---------------------------------------------------------------------------------------


def test_a_foreign_order_is_watched(desk):
    """An order without our prefix, seen in two listings a grace apart, counts in the position and reserves nothing."""
    desk.broker.place_foreign(buy(client_order_id="by-hand"))
    desk.broker.fill("by-hand", D(40), D(10))
    began = desk.clock.now()
    result = desk.engine.reconcile()
    order = tracked(desk, "by-hand")

    assert (1, 0, True, Status.PARTIAL) == (result.orphans, result.mismatches, order.foreign, order.status)
    assert (D(40), D(0)) == (desk.engine.position("X"), desk.engine.books.reserved("by-hand"))
    assert timedelta(seconds=5) <= desk.clock.now() - began
    assert 4 == len(desk.calls("orders")) - 2  # two listings of two pages, besides those of the start
    assert (frozenset(), 0) == (desk.engine.books.flags("X"), desk.engine.cancel_all())


def test_a_foreign_order_that_is_over_counts_too(desk):
    """What it filled is in the position, though it does not live any more."""
    desk.broker.place_foreign(buy(client_order_id="by-hand"))
    desk.broker.fill("by-hand", D(100), D(10))
    result = desk.engine.reconcile()

    assert (1, 0, D(100)) == (result.orphans, result.mismatches, desk.engine.position("X"))


def test_an_orphan_with_our_prefix_blocks_its_symbol(desk):
    """An order that looks like ours and that the journal does not know: adopted, with an alarm, entries blocked."""
    desk.broker.place_foreign(buy(client_order_id="tb-99"))
    desk.broker.fill("tb-99", D(40), D(10))
    desk.engine.reconcile()

    assert (False, D(40)) == (tracked(desk, "tb-99").foreign, desk.engine.position("X"))
    assert AlarmCode.ORPHAN in alarms(desk.run())
    assert frozenset({SymbolFlag.QUARANTINED}) == desk.engine.books.flags("X")
    assert Status.DENIED is desk.engine.submit(buy()).status
    assert Status.WORKING is desk.engine.submit(sell("40")).status


def test_a_prefix_that_only_begins_like_ours_is_foreign(desk):
    """The session "tb" has not sent what "tb2" has."""
    desk.broker.muted = True
    desk.broker.place_foreign(buy(client_order_id="tb2-1"))
    desk.engine.reconcile()

    assert (True, Status.WORKING) == (tracked(desk, "tb2-1").foreign, tracked(desk, "tb2-1").status)


def test_an_order_seen_once_is_not_adopted(desk):
    """What is gone from the second listing was never ours to watch."""
    desk.broker.place_foreign(buy(client_order_id="by-hand"))

    def forget(method, about):
        if method == "positions":
            desk.broker.hide("by-hand")

    desk.broker.on_call = forget
    result = desk.engine.reconcile()

    assert (0, []) == (result.orphans, desk.facts(Adopted))


def test_an_order_of_others_that_did_nothing_is_left_alone(desk):
    """Neither alive nor filled: it changes nothing for us, and nobody sleeps for it."""
    desk.broker.place_foreign(buy(client_order_id="by-hand"))
    desk.broker.end("by-hand", VenueStatus.CANCELED)
    began = desk.clock.now()
    result = desk.engine.reconcile()

    assert (0, began) == (result.orphans, desk.clock.now())


def test_what_goes_with_a_foreign_order_is_its_owners_matter(desk):
    """Protective orders and time to live that a stranger asked for are not carried out by us."""
    desk.broker.place_foreign(buy(client_order_id="by-hand", exits=Exits(stop_loss=D(9)), time_to_live=timedelta(1)))
    desk.engine.reconcile()
    desk.broker.fill("by-hand", D(100), D(10))
    desk.run(200_000)

    assert ([], []) == (desk.calls("submit"), desk.calls("cancel"))
    assert (None, None) == (tracked(desk, "by-hand").request.exits, tracked(desk, "by-hand").request.time_to_live)


def test_a_foreign_order_that_was_replaced_is_one_order(desk):
    """Both links of a stranger's chain come with one adoption, and nothing of it is counted twice."""
    first = desk.broker.place_foreign(buy(client_order_id="by-hand"))
    desk.broker.fill("by-hand", D(40), D(10))
    desk.broker.replace_foreign(first.broker_order_id, buy("120", client_order_id="by-hand-2"))
    desk.broker.fill("by-hand-2", D(80), D(10))
    result = desk.engine.reconcile()

    assert (1, D(120), 0) == (result.orphans, desk.engine.position("X"), result.mismatches)


def test_a_foreign_order_that_does_not_say_how_much(desk):
    """An order by amount of money has no quantity: it is adopted once it has filled something."""
    report = desk.broker.place_foreign(buy(client_order_id="by-hand"))
    desk.broker.revive(
        OrderReported(
            at=report.at,
            client_order_id="by-hand",
            broker_order_id=report.broker_order_id,
            symbol="X",
            side=Side.BUY,
            status=VenueStatus.NEW,
        )
    )
    first = desk.engine.reconcile()
    desk.broker.fill("by-hand", D(7), D(10))
    second = desk.engine.reconcile()

    assert (0, 1, D(7)) == (first.orphans, second.orphans, desk.engine.position("X"))


def test_parked_messages_are_settled_by_a_pass(desk):
    """What was said of orders that a complete listing does not know either is counted as orphaned."""
    at = desk.clock.now()
    execution = Execution(id="x", cumulative=D(1), quantity=D(1), price=D(1), at=at)
    desk.broker.tell(
        ExecutionReported(
            at=at, client_order_id="nobody", broker_order_id="b0", symbol="X", side=Side.BUY, execution=execution
        )
    )
    desk.engine.step()
    before = len(desk.engine.books.tracker.parked)
    desk.engine.reconcile()

    assert (1, 0) == (before, len(desk.engine.books.tracker.parked))


# --- a pass -----------------------------------------------------------------------------------------------------------


def test_the_reconnect_example():
    """Section 7 to the second: gap 28 s, recovered 2 (e8, e9), duplicates 2 (e7, e9)."""
    desk = Desk(start=moment(13, 50)).start()
    desk.engine.submit(buy(client_order_id="a"))
    desk.clock.advance_to(moment(14, 0, 10))
    desk.broker.fill("a", D(10), D(10))  # e7
    desk.run()
    desk.broker.muted = True
    desk.clock.advance_to(moment(14, 0, 20))
    desk.broker.fill("a", D(20), D(10))  # e8
    desk.broker.muted = False
    desk.clock.advance_to(moment(14, 0, 40))
    asked = []

    def look(method, about):
        asked.append(method)
        if method == "orders" and asked.count("orders") == 1:
            desk.clock.advance_to(moment(14, 0, 41))
            desk.broker.fill("a", D(30), D(10))  # e9, told by the feed as well

    desk.broker.on_call = look
    result = desk.engine.reconcile(lost=moment(14, 0, 12))

    assert (2, 28.0, 2, 2) == (result.epoch, result.gap, result.recovered, result.duplicates)
    assert (0, 0, 0) == (result.orphans, result.shadows, result.mismatches)
    assert (D(60), True) == (desk.engine.position("X"), desk.engine.in_sync)


def test_executions_are_asked_for_with_an_overlap():
    """A pass reaches back five minutes behind the last execution told, not behind the last pass."""
    desk = Desk(start=moment(13)).start()
    desk.engine.submit(buy(client_order_id="a"))
    desk.clock.advance_to(moment(14, 0, 10))
    desk.broker.fill("a", D(10), D(10))
    desk.run()
    since = []
    desk.engine._reconciler._broker = Noting(desk.broker, since)
    desk.engine.reconcile()

    assert [moment(13, 55, 10)] * 2 == since


class Noting:
    """A broker that notes how far back it is asked."""

    def __init__(self, broker, since):
        self.broker, self.since = broker, since

    def executions(self, since=None):
        self.since.append(since)
        return self.broker.executions(since)

    def orders(self, *, since=None, open_only=False):
        if not open_only:
            self.since.append(since)
        return self.broker.orders(since=since, open_only=open_only)

    def __getattr__(self, name):
        return getattr(self.broker, name)


def test_live_events_wait_during_a_pass(desk):
    """Nobody reads the feed while the venue is asked; what waited is applied behind what was fetched."""
    ticket = desk.engine.submit(buy(client_order_id="a"))
    desk.run()
    seen = []

    def look(method, about):
        if method == "orders" and not about:
            desk.broker.fill("a", D(40), D(10))
        seen.append((method, ticket.filled))

    desk.broker.on_call = look
    result = desk.engine.reconcile()

    assert [("orders", D(0)), ("orders", D(0)), ("executions", D(0)), ("positions", D(0))] == seen
    assert (D(40), 1, 1) == (ticket.filled, result.recovered, result.duplicates)


def test_a_provisional_fill_is_replaced_by_a_pass(desk):
    """A status told more than the executions did; the pass brings the execution, and the position moves once."""
    ticket = desk.engine.submit(buy(client_order_id="a"))
    desk.broker.muted = True
    desk.broker.fill("a", D(40), D(10))
    desk.broker.muted = False
    desk.broker.tell(desk.broker.known("a"))
    desk.run()
    before = ticket.order.provisional
    result = desk.engine.reconcile()

    assert (D(40), D(0), 1) == (before, ticket.order.provisional, result.provisional_replaced)
    assert D(40) == desk.engine.position("X")


def test_a_pass_in_sync_clears_the_doubts(desk):
    """Equal books clear the flags that doubt raised."""
    tracker = desk.engine.books.tracker
    for flag in (SymbolFlag.SUSPECT, SymbolFlag.OVERFILLED):
        tracker.flag("X", flag)
    desk.engine.reconcile()

    assert frozenset() == desk.engine.books.flags("X")


def test_the_gap_reaches_back_to_the_last_pass(desk):
    """Without a word on when the feed broke off, all since the last pass is in doubt."""
    desk.clock.sleep(7)
    first = desk.engine.reconcile()
    desk.clock.sleep(3)

    assert (7.0, 3.0) == (first.gap, desk.engine.reconcile().gap)


def test_epochs_count_the_passes_that_came_to_an_end(desk):
    """A pass that failed leaves its number to the next one."""
    desk.broker.script("positions", NO_ANSWER)
    desk.engine.reconcile()
    desk.engine.reconcile()

    assert [1, 2, 2] == [fact.epoch for fact in desk.facts(SyncBegan)]
    assert 2 == desk.engine.books.epoch


# --- positions --------------------------------------------------------------------------------------------------------


def name(epoch, change):
    return "adjust-" + sha256(f"X|{epoch}|{change}".encode()).hexdigest()[:16]


def test_the_position_example(desk):
    """Section 7: books 100, venue 60, also after a second look: a synthetic sell of 40 at the venue's average."""
    bought(desk)
    desk.broker.hold("X", D(60), D("10.50"))
    began = desk.clock.now()
    result = desk.engine.reconcile()
    (adjusted,) = desk.facts(PositionAdjusted)

    assert (D(-40), D("10.50"), name(2, "100->60")) == (adjusted.quantity, adjusted.price, adjusted.id)
    assert (1, D(60), 2) == (result.mismatches, desk.engine.position("X"), desk.engine.books.epoch)
    assert timedelta(seconds=5) <= desk.clock.now() - began
    assert [AlarmCode.POSITION_MISMATCH] == alarms(desk.run())


@pytest.mark.parametrize("last", [PositionMismatched, PositionAdjusted])
def test_a_restart_in_the_middle_of_an_adjustment(desk, last):
    """Killed behind the mismatch or behind the adjustment: the next start makes the same id, and it counts once."""
    bought(desk)
    desk.broker.hold("X", D(60), D(10))
    desk.engine.reconcile()
    until = next(index for index, entry in enumerate(desk.journal.entries()) if isinstance(entry.fact, last))
    desk.restart(list(desk.journal.entries())[: until + 1])

    assert [name(2, "100->60")] == [fact.id for fact in desk.facts(PositionAdjusted)]
    assert (D(60), True) == (desk.engine.position("X"), desk.engine.in_sync)


def test_an_adjustment_that_is_found_again_counts_once(desk):
    """The same id a second time changes nothing."""
    bought(desk)
    desk.broker.hold("X", D(60), D(10))
    desk.engine.reconcile()
    desk.engine._record(desk.facts(PositionAdjusted)[0])

    assert D(60) == desk.engine.position("X")


def test_zeros_do_not_change_the_id_of_an_adjustment(desk):
    """100 and 100.00 are the same quantity."""
    bought(desk, "100.00")
    desk.broker.hold("X", D("60.0"), D(10))
    desk.engine.reconcile()

    assert [name(2, "100->60")] == [fact.id for fact in desk.facts(PositionAdjusted)]


def test_a_position_that_the_venue_does_not_hold(desk):
    """A position that the venue knows nothing of is adjusted away at what it cost."""
    bought(desk)
    desk.broker.hold("X", D(0), D(10))
    desk.engine.reconcile()

    assert [(D(-100), D(10))] == [(fact.quantity, fact.price) for fact in desk.facts(PositionAdjusted)]
    assert D(0) == desk.engine.position("X")


def test_a_position_that_we_do_not_know(desk):
    """What the account held before the session becomes known by its first pass."""
    desk.broker.hold("Y", D(-7), D(20))
    desk.engine.reconcile()

    assert D(-7) == desk.engine.position("Y")


def test_reduce_only_until_a_person_decides():
    """By the other policy nothing is booked: the symbol takes no entries, exits pass, and the pass earns no epoch."""
    settings = EngineSettings(reconcile=Settings(mismatch=MismatchPolicy.REDUCE_ONLY))
    desk = Desk(settings=settings).start()
    bought(desk)
    desk.broker.hold("X", D(60), D(10))
    result = desk.engine.reconcile()

    assert (1, [], D(100), 1) == (
        result.mismatches,
        desk.facts(PositionAdjusted),
        desk.engine.position("X"),
        desk.engine.books.epoch,
    )
    assert [False] == [fact.trusted for fact in desk.facts(PositionMismatched)]
    assert frozenset({SymbolFlag.REDUCE_ONLY}) == desk.engine.books.flags("X")
    assert (Status.DENIED, Status.WORKING) == (
        desk.engine.submit(buy()).status,
        desk.engine.submit(sell("60")).status,
    )


def test_a_difference_that_goes_away_is_none(desk):
    """Positions that lag are read again after the grace; then all is well."""
    bought(desk)
    desk.broker.hold("X", D(60), D(10))
    calls = []

    def look(method, about):
        calls.append(method)
        if calls.count("positions") == 2:
            desk.broker.hold("X", D(100), D(10))

    desk.broker.on_call = look
    result = desk.engine.reconcile()

    assert (0, []) == (result.mismatches, desk.facts(PositionMismatched))


def test_a_fill_during_the_second_look_is_no_mismatch(desk):
    """A difference that is another one at the second look is on its way, and not missing."""
    desk.engine.submit(buy(client_order_id="a"))
    calls = []

    def look(method, about):
        calls.append(method)
        if method == "positions" and calls.count("positions") <= 2:
            desk.broker.on_call = None
            desk.broker.fill("a", D(20), D(10))
            desk.broker.on_call = look
            desk.broker.hold("X", D(0), D(10))  # positions lag behind fills
        elif method == "positions":
            desk.broker.hold("X", D(40), D(10))

    desk.broker.on_call = look
    result = desk.engine.reconcile()

    assert (0, D(40), []) == (result.mismatches, desk.engine.position("X"), desk.facts(PositionAdjusted))


def test_positions_that_never_stand_still_are_not_judged(desk):
    """Where every look shows another difference the pass ends undecided and is tried again."""
    quantity = 0

    def look(method, about):
        nonlocal quantity
        if method == "positions":
            quantity += 1
            desk.broker.hold("X", D(quantity), D(10))

    desk.broker.on_call = look

    assert desk.engine.reconcile() is None
    assert ([], False) == (desk.facts(PositionAdjusted), desk.engine.in_sync)


def test_protection_follows_an_adjusted_position(desk):
    """A stop that would sell more than what is left after an adjustment is made smaller."""
    desk.engine.submit(buy(client_order_id="a", exits=Exits(stop_loss=D(9))))
    desk.broker.fill("a", D(100), D(10))
    desk.run()
    desk.broker.hold("X", D(60), D(10))
    desk.engine.reconcile()
    desk.run()

    assert (Status.WORKING, D(60)) == (tracked(desk, "a.sl").status, tracked(desk, "a.sl").quantity)
