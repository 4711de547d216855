"""From a request to the books, with the journal written ahead of every send."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from engine.books.journal import Journal
from engine.decisions import Approval, Refusal
from engine.errors import FeedClosed, NotSent, OutcomeUnknown, TradingError
from engine.events import Alarm, AlarmCode, Filled, OrderChanged
from engine.execution import EngineSettings, ExecutionEngine, Ticket
from engine.facts import Denied, OrderReported, SessionStarted, StrategyFailed
from engine.model import Exits, OrderRequest, Role, Side, Status, SymbolFlag
from engine.orders.settings import MismatchPolicy, ReconcileSettings
from engine.risk.gate import RiskGate
from engine.testing import Desk, FakeBroker, Lost

D = Decimal
LOST_ANSWER = OutcomeUnknown("POST /orders", waited=5.0)


@pytest.fixture
def desk():
    return Desk().start()


def buy(quantity="100", price="10", **more):
    return OrderRequest.limit("X", Side.BUY, D(quantity), D(price), **more)


def sell(quantity="100", price="11", **more):
    return OrderRequest.limit("X", Side.SELL, D(quantity), D(price), **more)


def bought(desk, quantity="100"):
    ticket = desk.engine.submit(buy(quantity))
    desk.broker.fill(ticket.id, D(quantity), D(10))
    desk.run()
    return ticket


def silent(desk, calls=1):
    """The venue answers no listing for a while."""
    desk.broker.script("orders", *[OutcomeUnknown("GET /orders", waited=5.0)] * calls)


# --- submitting -------------------------------------------------------------------------------------------------------


def test_the_same_id_gives_the_same_order(desk):
    """A client order id that was used before sends nothing, whatever the request says, and gives its order back."""
    first = desk.engine.submit(buy(client_order_id="a"))
    second = desk.engine.submit(sell("7", client_order_id="a"))

    assert (first.id, first.order) == (second.id, second.order)
    assert ["a"] == desk.calls("submit")


def test_the_same_id_twice_in_one_batch(desk):
    """Within a batch, too, an id is one order."""
    tickets = desk.engine.submit_many([buy(client_order_id="a"), buy(client_order_id="a")])

    assert (["a", "a"], ["a"]) == ([ticket.id for ticket in tickets], desk.calls("submit"))


def test_the_id_of_a_replacement_gives_the_order_it_belongs_to(desk):
    """The chain of an order is one order, by whichever of its ids it is asked for."""
    ticket = desk.engine.submit(buy(client_order_id="a"))
    desk.engine.replace(ticket, limit_price=D(9))

    assert "a" == desk.engine.submit(buy(client_order_id="a.r1")).id


def test_ids_are_made_with_the_sessions_prefix(desk):
    """An order without an id gets the next free one of the session, after a restart as well."""
    ids = [
        desk.engine.submit(buy()).id,
        desk.engine.submit(buy(client_order_id="tb-3")).id,
        desk.engine.submit(buy()).id,
    ]
    desk.engine.journal.commit()
    desk.restart()
    ids.append(desk.engine.submit(buy()).id)

    assert ["tb-1", "tb-3", "tb-2", "tb-4"] == ids


def test_a_batch_shares_one_commit():
    """However many orders are submitted together, the journal is committed once before the first leaves."""

    class Counting(Journal):
        commits = 0

        def commit(self):
            self.commits += 1
            super().commit()

    desk = Desk()
    journal = desk.engine.journal = desk.journal = Counting(None)
    desk.start()
    at_send = []
    desk.broker.on_call = lambda method, about: at_send.append(journal.commits)
    before = journal.commits
    desk.engine.submit_many([buy(), buy(), buy()])

    assert [before + 1] * 3 == at_send


def test_a_refusal_of_the_gate_is_a_denied_ticket(desk):
    """The gate's no is a value on the ticket, journalled, and nothing is sent."""
    ticket = desk.engine.submit(buy("100001"))

    assert (Status.DENIED, "INSUFFICIENT_CASH", True) == (ticket.status, ticket.refusal.code, ticket.done)
    assert ([], 1) == (desk.calls("submit"), len(desk.facts(Denied)))


def test_orders_of_a_batch_are_judged_with_those_before(desk):
    """What the first reserves is not free for the second."""
    tickets = desk.engine.submit_many([buy("60000"), buy("60000")])

    assert [Status.WORKING, Status.DENIED] == [ticket.status for ticket in tickets]


def test_nothing_is_submitted_before_the_start():
    """An engine that was not started says so."""
    desk = Desk()
    for act in (
        lambda: desk.engine.submit(buy()),
        lambda: desk.engine.submit(buy(client_order_id="a")),
        desk.engine.reconcile,
    ):
        with pytest.raises(TradingError, match="has not been started"):
            act()

    assert (0, []) == (len(desk.journal), desk.broker.calls)


def test_a_round_trip(desk):
    """Bought and sold: the money is there, nothing is held, nothing reserved."""
    bought(desk)
    ticket = desk.engine.submit(sell())
    desk.broker.fill(ticket.id, D(100), D(11))
    desk.run()

    portfolio = desk.engine.books.portfolio
    assert (D(0), D(1_000_100), D(1_000_100)) == (desk.engine.position("X"), portfolio.cash, portfolio.available())
    assert (Status.FILLED, D(100), D(11), True) == (ticket.status, ticket.filled, ticket.average, ticket.done)


def test_a_ticket_is_a_view(desk):
    """What is handed out at once shows later what became of the order."""
    ticket = desk.engine.submit(buy(client_order_id="a"))
    before = repr(ticket)
    desk.broker.fill("a", D(40), D(10))
    desk.run()

    assert ("<Ticket a buy 0/100 X working>", "<Ticket a buy 40/100 X partial>") == (before, repr(ticket))
    assert isinstance(ticket, Ticket)


# --- OCO --------------------------------------------------------------------------------------------------------------


def test_an_oco_pair_closes_a_position_once(desk):
    """Both orders of the pair pass the gate for the same position, in one group."""
    bought(desk)
    profit, stop = desk.engine.submit_oco(sell("100", "12"), stop_loss=D(9))

    assert [Role.TAKE_PROFIT, Role.STOP_LOSS] == [profit.order.role, stop.order.role]
    assert [Status.WORKING] * 2 == [profit.status, stop.status]
    assert D(100) == desk.engine.books.exit_reserved("X")
    assert (D(9), None) == (stop.order.request.stop_price, stop.order.request.limit_price)


def test_the_same_oco_twice_is_the_same_pair(desk):
    """The pair is named by its take-profit's id."""
    bought(desk)
    before = len(desk.calls("submit"))
    first = desk.engine.submit_oco(sell("100", "12", client_order_id="o"), stop_loss=D(9), stop_limit=D("8.9"))
    second = desk.engine.submit_oco(sell("100", "12", client_order_id="o"), stop_loss=D(9))

    assert (["o", "o.sl"], ["o", "o.sl"]) == ([t.id for t in first], [t.id for t in second])
    assert (["o", "o.sl"], D("8.9")) == (desk.calls("submit")[before:], first[1].order.request.limit_price)


# --- step and wait ----------------------------------------------------------------------------------------------------


def test_each_event_is_told_once(desk):
    """What a step has told no later step tells again."""
    ticket = desk.engine.submit(buy())
    desk.broker.fill(ticket.id, D(100), D(10))
    first = desk.engine.step()

    assert [Status.WORKING, Status.FILLED] == [event.after for event in first if isinstance(event, OrderChanged)]
    assert [D(100)] == [event.quantity for event in first if isinstance(event, Filled)]
    assert [] == desk.engine.step()


def test_a_strategy_may_submit_while_it_is_told(desk):
    """An order sent in reaction to an event makes events of its own, for the next step; nothing is told twice."""
    desk.engine.submit(buy(client_order_id="a"))
    told = []
    while events := desk.engine.step():
        for event in events:
            told.append(event)
            if isinstance(event, OrderChanged) and event.after is Status.WORKING and len(told) < 20:
                desk.engine.submit(sell(client_order_id="b"))
                told += desk.engine.step()

    changes = [(event.order_id, event.after) for event in told if isinstance(event, OrderChanged)]
    lives = [Status.WORKING]
    assert [("a", status) for status in lives] + [("b", status) for status in lives] == changes


def test_a_step_takes_in_what_it_caused(desk):
    """What the venue says to a cancel that was sent in a step is told by the same step."""
    desk.engine.submit(buy(time_to_live=timedelta(seconds=1)))
    desk.run()
    desk.clock.sleep(1)

    assert [Status.CANCELED] == [event.after for event in desk.engine.step()]


def test_pending_and_busy(desk):
    """Pending says that a step would tell something, busy that it has something to do; at rest there is neither."""
    states = [(desk.engine.pending, desk.engine.busy)]
    desk.engine.submit(buy())
    states.append((desk.engine.pending, desk.engine.busy))
    desk.run()
    states.append((desk.engine.pending, desk.engine.busy))
    desk.broker.script("submit", NotSent("rate", earliest=desk.clock.now() + timedelta(seconds=9)))
    desk.engine.submit(buy())
    desk.run()
    states.append((desk.engine.pending, desk.engine.busy))

    assert [(False, False), (True, False), (False, False), (True, True)] == states


def test_what_a_quiet_step_leaves_is_durable(desk):
    """When nothing is left to take in, all that happened is committed."""
    ticket = desk.engine.submit(buy())
    desk.broker.fill(ticket.id, D(100), D(10))
    desk.run()

    assert len(desk.journal) == len(desk.facts())


class Waiting:
    """A feed that really waits, on the test's clock; facts arrive at their moment."""

    def __init__(self, host):
        self.host = host
        self.facts = []
        self.asked = []

    def get(self, timeout):
        self.asked.append(timeout)
        moment = self.facts[0][0] if self.facts else float("inf")
        until = self.host.monotonic() + timeout
        if moment <= until:
            self.host.advance(max(moment - self.host.monotonic(), 0.0))
            return self.facts.pop(0)[1]
        self.host.advance(timeout)
        return None


def waiting_desk():
    desk = Desk()
    desk.engine.feed = desk.feed = Waiting(desk.host)
    return desk.start()


def test_wait_returns_the_moment_the_fact_arrives():
    """A fact that arrives 0.7 s from now ends a wait of 10 s after 0.7 s."""
    desk = waiting_desk()
    ticket = desk.engine.submit(buy())
    desk.feed.facts.append((0.7, desk.broker.fill(ticket.id, D(100), D(10))))
    ended = desk.engine.wait(ticket, 10.0)

    assert (True, 0.7) == (ended, desk.host.monotonic())


def test_wait_gives_up_in_time():
    """Without the fact it is over after the timeout, and not before."""
    desk = waiting_desk()
    ticket = desk.engine.submit(buy())
    ended = desk.engine.wait(ticket, 10.0)

    assert (False, 10.0) == (ended, desk.host.monotonic())


def test_other_facts_do_not_make_a_wait_longer():
    """Facts about other things are taken in and use up the time that they took."""
    desk = waiting_desk()
    ticket, other = desk.engine.submit_many([buy(), buy()])
    for second in range(1, 9):
        desk.feed.facts.append((float(second), desk.broker.fill(other.id, D(10), D(10))))
    ended = desk.engine.wait(ticket, 5.0)

    assert (False, 5.0, D(50)) == (ended, desk.host.monotonic(), other.filled)


def test_wait_gives_up_on_a_feed_that_does_not_wait(desk):
    """A feed on simulated time answers at once: what it was asked to wait for counts as waited."""
    ticket = desk.engine.submit(buy())

    assert not desk.engine.wait(ticket, 10.0)
    assert 0.0 == desk.host.monotonic()


def test_wait_without_patience_takes_in_what_is_there(desk):
    """A timeout of 0 is a look."""
    ticket = desk.engine.submit(buy())
    before = desk.engine.wait(ticket, 0.0)
    desk.broker.fill(ticket.id, D(100), D(10))

    assert (False, True) == (before, desk.engine.wait(ticket, 0.0))


def test_wait_for_something_else_than_the_end(desk):
    """`until` says what is waited for; events are kept for the next step."""
    ticket = desk.engine.submit(buy())
    desk.run()
    desk.broker.fill(ticket.id, D(40), D(10))
    came = desk.engine.wait(ticket, 10.0, until=lambda order: order.filled >= 40)

    assert (True, Status.PARTIAL) == (came, ticket.status)
    assert [Filled, OrderChanged] == [type(event) for event in desk.engine.step()]


def test_wait_looks_up_what_is_unknown():
    """While it waits the engine does what is due: an order whose answer got lost is found."""
    desk = waiting_desk()
    desk.broker.script("submit", Lost(LOST_ANSWER))
    desk.broker.script("lookup", OutcomeUnknown("GET", waited=1.0))
    ticket = desk.engine.submit(buy())
    desk.broker.fill(ticket.id, D(100), D(10))
    ended = desk.engine.wait(ticket, 60.0)

    assert ended
    assert 5.0 == pytest.approx(desk.host.monotonic(), abs=0.2)


def test_a_lost_order_has_not_ended(desk):
    """LOST is inferred, so nobody who waits is told that it is over."""
    desk.broker.script("submit", LOST_ANSWER)
    ticket = desk.engine.submit(buy())
    for _ in range(8):
        desk.run(5)

    assert (Status.LOST, False) == (ticket.status, desk.engine.wait(ticket, 1.0))


# --- the feed ends ----------------------------------------------------------------------------------------------------


def test_a_feed_that_has_ended_is_told_last(desk):
    """A step first tells what the feed still gave, then raises; what is due is done all the same."""
    ticket = desk.engine.submit(buy())
    desk.run()
    desk.broker.fill(ticket.id, D(100), D(10))
    desk.broker.close()
    told = desk.engine.step()

    assert [Filled, OrderChanged] == [type(event) for event in told]
    with pytest.raises(FeedClosed):
        desk.engine.step()
    assert len(desk.journal) == len(desk.facts())


def test_waiting_on_a_feed_that_has_ended(desk):
    """What can still be known is answered; for the rest the wait ends with the error, not with the timeout."""
    filled, open_ = desk.engine.submit_many([buy(), buy()])
    desk.broker.fill(filled.id, D(100), D(10))
    desk.broker.close()

    assert desk.engine.wait(filled, 10.0)
    with pytest.raises(FeedClosed):
        desk.engine.wait(open_, 10.0)


def test_a_feed_that_ends_while_it_is_waited_on():
    """The end wakes its reader."""
    desk = Desk()

    class Ending(FakeBroker):
        def get(self, timeout):
            if timeout:
                self.close()
            return super().get(timeout)

    desk.engine.feed = Ending(desk.clock)
    desk.start()
    ticket = desk.engine.submit(buy())

    with pytest.raises(FeedClosed):
        desk.engine.wait(ticket, 10.0)


def test_reconciling_without_a_feed(desk):
    """A feed that has ended does not keep the books from being compared with the venue."""
    ticket = desk.engine.submit(buy())
    desk.broker.muted = True
    desk.broker.fill(ticket.id, D(100), D(10))
    desk.broker.close()

    assert 1 == desk.engine.reconcile().recovered
    assert Status.FILLED is ticket.status


# --- starting and restarting ------------------------------------------------------------------------------------------


def test_a_new_session_begins_in_sync(desk):
    """A start on an empty journal records the session and one reconciliation."""
    assert (1, True) == (desk.synced.epoch, desk.engine.in_sync)
    assert ["SessionStarted", "SyncBegan", "Synced"] == [type(fact).__name__ for fact in desk.facts()]


def test_a_restart_gives_the_same_books(desk):
    """The fold over the journal is what the engine had: orders, money, ids."""
    bought(desk)
    desk.engine.submit(buy("7"))
    desk.run()
    before = [(order.id, order.status, order.filled) for order in desk.engine.books.tracker]
    cash = desk.engine.books.portfolio.cash
    desk.restart()

    assert before == [(order.id, order.status, order.filled) for order in desk.engine.books.tracker]
    assert (cash, D(100)) == (desk.engine.books.portfolio.cash, desk.engine.position("X"))


def test_what_was_sent_without_an_answer_is_looked_up(desk):
    """An order that the journal left at SENT is UNKNOWN after a start, found at the venue, and not sent again."""

    class Killed(BaseException):
        pass

    durable = []

    def die(method, about):
        durable.extend(desk.journal.entries())
        raise Killed

    desk.broker.on_call = die
    with pytest.raises(Killed):
        desk.engine.submit(buy(client_order_id="a"))
    desk.broker.on_call = None
    desk.broker.submit(buy(client_order_id="a"))  # it had arrived after all
    desk.broker.fill("a", D(100), D(10))
    desk.restart(durable)
    desk.run()

    assert (Status.FILLED, D(100)) == (desk.engine.books.tracker["a"].status, desk.engine.position("X"))
    assert ["a", "a"] == desk.calls("submit")  # ours, and the test's


def test_what_was_sent_and_never_arrived_is_lost_by_evidence(desk):
    """After a start, too, only answers "not found" end the doubt, and nothing is sent again."""
    desk.broker.script("submit", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        desk.engine.submit(buy(client_order_id="a"))
    desk.restart()
    for _ in range(8):
        desk.run(5)

    assert (Status.LOST, ["a"]) == (desk.engine.books.tracker["a"].status, desk.calls("submit"))


def test_what_was_meant_and_not_sent_is_sent(desk):
    """An order that the journal left at INTENT leaves after the start."""
    desk.broker.script("submit", NotSent("rate"))
    desk.engine.submit(buy(client_order_id="a"))
    desk.engine.journal.commit()
    desk.restart()
    desk.run()

    assert Status.WORKING is desk.engine.books.tracker["a"].status


def test_an_intent_waits_until_the_books_are_in_sync(desk):
    """After a start without the venue's answers only intents that close a position leave; the others wait."""
    bought(desk)
    desk.broker.script("submit", NotSent("rate"), NotSent("rate"))
    desk.engine.submit_many([buy(client_order_id="in"), sell(client_order_id="out")])
    desk.engine.journal.commit()
    silent(desk)
    desk.restart()
    before = len(desk.calls("submit"))
    desk.run()
    first = desk.calls("submit")[before:]
    desk.run(5)

    assert (["out"], ["out", "in"]) == (first, desk.calls("submit")[before:])


def test_a_cancel_that_was_asked_for_is_asked_for_again(desk):
    """A cancel whose outcome the journal does not know is sent after the start."""
    desk.engine.submit(buy(client_order_id="a"))
    desk.broker.script("cancel", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        desk.engine.cancel("a")
    desk.restart()
    desk.run()

    assert Status.CANCELED is desk.engine.books.tracker["a"].status


def test_a_replacement_that_was_asked_for_is_looked_up(desk):
    """A replacement whose answer the journal does not know is found by its id after the start."""
    desk.engine.submit(buy(client_order_id="a"))
    desk.broker.script("replace", Lost(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        desk.engine.replace("a", limit_price=D(9))
    desk.restart()
    desk.run()

    order = desk.engine.books.tracker["a"]
    assert (D(9), None, 1) == (order.request.limit_price, order.replacing, len(desk.calls("replace")))


def test_a_fill_while_we_were_away_is_found(desk):
    """What happened between kill and start comes with the start's reconciliation."""
    desk.engine.submit(buy(client_order_id="a"))
    desk.run()
    desk.broker.muted = True
    desk.broker.fill("a", D(40), D(10))
    desk.restart()

    assert (1, D(40)) == (desk.synced.recovered, desk.engine.position("X"))


# --- not in sync ------------------------------------------------------------------------------------------------------


def test_without_the_venues_answers_only_exits_pass(desk):
    """Until the books have been compared an entry is DENIED; a position can be closed."""
    bought(desk)
    silent(desk)
    desk.restart()
    entry, exit_ = desk.engine.submit_many([buy(), sell()])

    assert (None, False) == (desk.synced, desk.engine.in_sync)
    assert ("NOT_IN_SYNC", Status.WORKING) == (entry.refusal.code, exit_.status)


def test_being_in_sync_yesterday_is_not_enough(desk):
    """That an earlier run was in sync does not count in this one."""
    silent(desk)
    desk.restart()

    assert Status.DENIED is desk.engine.submit(buy()).status
    assert desk.engine.books.synced is not None


def test_a_replacement_that_opens_needs_the_books_in_sync(desk):
    """A replacement of an entry is an entry."""
    ticket = desk.engine.submit(buy())
    silent(desk)
    desk.engine.reconcile()

    assert "NOT_IN_SYNC" == desk.engine.replace(ticket, quantity=D(200)).code


def test_reconciliation_is_tried_again_until_the_venue_answers():
    """Attempts go on every `resync_every` seconds, from step as well as from wait."""
    desk = Desk()
    silent(desk, 3)
    desk.start()
    states = []
    for _ in range(4):
        desk.run(2.5)
        states.append(desk.engine.in_sync)
    desk.run(5)

    assert [False] * 4 == states
    assert (True, Status.WORKING) == (desk.engine.in_sync, desk.engine.submit(buy()).status)
    assert not desk.engine.busy


def test_a_broken_broker_does_not_end_the_start():
    """An error that is no BrokerError counts as no answer."""
    desk = Desk()
    desk.broker.script("positions", ValueError("unreadable"))
    desk.start()

    assert (None, False, True) == (desk.synced, desk.engine.in_sync, desk.engine.busy)


def test_a_fill_too_many_asks_for_a_reconciliation(desk):
    """An over-fill blocks entries in its symbol until the books were found equal to the venue."""
    ticket = bought(desk)
    desk.broker.fill(ticket.id, D(5), D(10))
    desk.run()
    flags = desk.engine.books.flags("X")
    blocked = desk.engine.submit(buy())
    desk.run(5)

    assert (frozenset({SymbolFlag.OVERFILLED}), "SYMBOL_FLAGGED") == (flags, blocked.refusal.code)
    assert (frozenset(), D(105)) == (desk.engine.books.flags("X"), desk.engine.position("X"))
    assert Status.WORKING is desk.engine.submit(buy()).status


def test_not_every_alarm_asks_for_a_reconciliation(desk):
    """An order whose answer got lost is looked up alone."""
    desk.broker.script("submit", LOST_ANSWER)
    desk.engine.submit(buy())
    desk.run(5)
    desk.run(5)

    assert 2 == len(desk.calls("orders"))  # those of the start


def test_a_missed_fill_asks_for_a_reconciliation(desk):
    """A position that the venue states and our books lack blocks entries until it is explained (worked sequence 12)."""
    first, second = desk.engine.submit_many([buy(), buy()])
    desk.run()
    desk.broker.muted = True
    desk.broker.fill(first.id, D(40), D(10))
    desk.broker.muted = False
    desk.broker.fill(second.id, D(100), D(10))
    suspected = [event.code for event in desk.run() if isinstance(event, Alarm)]
    desk.run(5)

    assert [AlarmCode.POSITION_SUSPECT] == suspected
    assert (D(140), frozenset()) == (desk.engine.position("X"), desk.engine.books.flags("X"))


def test_messages_about_unknown_orders_ask_for_a_reconciliation(desk):
    """Somebody else trades on the account: before long the order is adopted and its fills count."""
    desk.broker.place_foreign(buy(client_order_id="by-hand"))
    desk.broker.fill("by-hand", D(40), D(10))
    desk.run()
    before = desk.engine.position("X")
    desk.run(5)

    assert (D(0), D(40)) == (before, desk.engine.position("X"))
    assert desk.engine.books.tracker["by-hand"].foreign
    assert not desk.engine.busy


def test_an_unknown_order_without_a_fill_asks_for_a_reconciliation(desk):
    """One message that nobody can place is enough."""
    desk.broker.place_foreign(buy(client_order_id="by-hand"))
    desk.run()
    desk.run(5)

    assert "by-hand" in desk.engine.books.tracker


def test_a_mismatch_may_leave_the_symbol_reduce_only():
    """By that policy the books stay as they are and the symbol takes no entries; other symbols do."""
    settings = EngineSettings(reconcile=ReconcileSettings(mismatch=MismatchPolicy.REDUCE_ONLY))
    desk = Desk(settings=settings).start()
    bought(desk)
    desk.broker.hold("X", D(60), D(10))
    found = desk.engine.reconcile()
    entry = desk.engine.submit(buy())
    desk.engine.books.portfolio.mark("Y", D(1))
    elsewhere = desk.engine.submit(OrderRequest.limit("Y", Side.BUY, D(1), D(1)))

    assert (1, "SYMBOL_FLAGGED", Status.WORKING) == (found.mismatches, entry.refusal.code, elsewhere.status)
    assert D(100) == desk.engine.position("X")


# --- the rest ---------------------------------------------------------------------------------------------------------


def test_a_failure_of_the_strategy_is_durable(desk):
    """What the strategy raised is a fact."""
    desk.engine.fail("ValueError: no", "cancel")

    assert ["ValueError: no"] == [fact.error for fact in desk.facts(StrategyFailed)]
    assert "ValueError: no" == desk.engine.books.failure


def test_a_gate_of_ones_own(desk):
    """Any gate decides; it is asked once for each order and told the group and what is replaced."""

    class Noting(RiskGate):
        def check(self, request, view, now, *, group=None, replaces=None):
            asked.append((request.id, group, replaces))
            return Approval(reserve_price=D(10), opening=request.quantity) if request.id != "no" else NO

    asked, NO = [], Refusal(code="NO", message="no")
    desk = Desk(gate=Noting()).start()
    ticket = desk.engine.submit(buy(client_order_id="a"))
    desk.engine.replace(ticket, quantity=D(120))
    denied = desk.engine.submit(buy(client_order_id="no"))

    assert [("a", None, None), ("a.r1", None, "a"), ("no", None, None)] == asked
    assert NO == denied.refusal


def test_the_system_clocks_are_the_default():
    """An engine that is given no clocks lives in real time."""
    desk = Desk()
    engine = ExecutionEngine(FakeBroker(desk.clock), feed=desk.broker, journal=Journal(None), gate=RiskGate())
    engine.start(SessionStarted(at=engine.clock.now(), session_id="x", cash=D(1), config="", data_digest=""))

    assert engine.in_sync
    assert isinstance(engine.clock.now(), datetime)
    assert engine.clock.now().tzinfo is UTC


# --- killed at any point ----------------------------------------------------------------------------------------------


class Killed(BaseException):
    """Nothing in the engine knows this."""


class Fate:
    """Decides at each call of the broker whether the program dies there, before the venue acts or after."""

    def __init__(self, desk, dice):
        self.desk, self.dice, self.survived, self.deaths = desk, dice, [], 0
        desk.broker.on_call = self

    def __call__(self, method, about):
        lot = self.dice.random()
        if lot < 0.15:
            # A kill leaves what was durable at this moment; an exception lets the engine write its last words.
            self.survived = list(self.desk.journal.entries()) if self.dice.random() < 0.7 else None
            self.deaths += 1
            if lot < 0.07:
                raise Killed
            self.desk.broker.script(method, Lost(Killed()))


def survive(desk, fate, act):
    """Do it; as often as the program dies, start again."""
    todo = act
    while True:
        try:
            todo()
            return
        except Killed:
            desk.broker.unscript()
            todo = lambda: (desk.restart(fate.survived), act())  # noqa: E731


@pytest.mark.parametrize("seed", range(30))
def test_killed_at_any_point(seed):
    """However often it dies, no order exists twice at the venue, no fill is lost, and the books end equal to it."""
    dice = random.Random(seed)
    desk = Desk(cash=D(100_000_000)).start()
    venue = desk.broker
    fate = Fate(desk, dice)
    for number in range(15):
        exits = Exits(take_profit=D(12), stop_loss=D(9)) if dice.random() < 0.4 else None
        side = Side.BUY if exits is not None or dice.random() < 0.7 else Side.SELL
        request = OrderRequest.limit("X", side, D(100), D(10), client_order_id=f"c{number}", exits=exits)
        survive(desk, fate, lambda request=request: desk.engine.submit(request))
        for order in venue.orders_open():
            if dice.random() < 0.4:
                venue.muted = dice.random() < 0.2
                rest = order.quantity - order.cumulative
                venue.fill(order.client_order_id, min(rest, D(dice.choice([10, 40, 100]))), D(10))
                venue.muted = False
        survive(desk, fate, lambda: desk.run(dice.choice([0, 1, 6])))
        ours = [order for order in desk.engine.books.tracker.live.values() if order.broker_order_id]
        if ours and dice.random() < 0.5:
            order = dice.choice(ours)
            survive(desk, fate, lambda order=order: change(desk, order.id, dice))
    venue.on_call = None
    for _ in range(20):
        desk.run(6)
        for order in venue.orders_open():
            venue.fill(order.client_order_id, order.quantity - order.cumulative, D(10))
    desk.run()
    desk.engine.reconcile()

    listed = [order.client_order_id for order in venue.orders()]
    tracker = desk.engine.books.tracker
    assert fate.deaths
    assert len(set(listed)) == len(listed)
    assert sum(held.quantity for held in venue.positions().values()) == desk.engine.position("X")
    assert tracker.position("X") == desk.engine.position("X")  # by fills alone: nothing had to be adjusted
    assert {f"c{number}" for number in range(15)} <= {order.id for order in tracker}
    for order in tracker:
        assert order.status.terminal or order.status is Status.LOST


def change(desk, order_id, dice):
    order = desk.engine.books.tracker[order_id]
    if order.status not in (Status.WORKING, Status.PARTIAL) or order.replacing is not None or order.cancel_requested:
        return
    if dice.random() < 0.5:
        desk.engine.cancel(order_id)
    else:
        desk.engine.replace(order_id, quantity=order.quantity + 10)


def test_idle_steps_commit_now_and_then(desk):
    """What the venue told is durable after a second of idle steps at the latest, and not at each of them."""
    ticket = desk.engine.submit(buy())
    desk.run(1.0)

    def told():
        return len(desk.facts(OrderReported))

    before = told()
    desk.broker.fill(ticket.id, D(1), D(10))
    desk.run()
    at_once = told()
    desk.run(1.0)

    assert (before, before + 1) == (at_once, told())
