"""Protective orders for venues that do not group orders themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from engine.books.journal import Journal
from engine.brokers.simulated import SimulatedBroker
from engine.clock import SimulatedClock
from engine.errors import BrokerError, NotSent, OutcomeUnknown, VenueRejected
from engine.events import Alarm, AlarmCode
from engine.execution import ExecutionEngine
from engine.facts import Denied, SessionStarted
from engine.market.bars import Bar
from engine.market.fees import AlpacaCrypto
from engine.model import Exits, OrderRequest, OrderType, Side, Status, TimeInForce, VenueStatus
from engine.orders.brackets import Cancel, Place, Resize, due, unprotected
from engine.risk.gate import RiskGate
from engine.testing import Desk, Lost

D = Decimal
BRACKET = Exits(take_profit=D(12), stop_loss=D(9))
STOP = Exits(stop_loss=D(9))
LOST_ANSWER = OutcomeUnknown("POST", waited=5.0)


@pytest.fixture
def desk():
    return Desk().start()


def buy(quantity="100", exits=BRACKET, **more):
    return OrderRequest.limit("X", Side.BUY, D(quantity), D(10), exits=exits, **{"client_order_id": "e", **more})


def order(desk, order_id):
    return desk.engine.books.tracker[order_id]


def stands(desk):
    """What lives at the venue and in the books: id -> (quantity, filled)."""
    live = {
        each.id: (each.quantity, each.filled)
        for each in desk.engine.books.tracker.live.values()
        if each.status in (Status.WORKING, Status.PARTIAL)
    }
    open_ = {each.request.symbol + str(each.quantity) for each in desk.broker.orders_open()}
    assert {order(desk, name).symbol + str(quantity) for name, (quantity, _) in live.items()} == open_
    return {name: (int(quantity), int(filled)) for name, (quantity, filled) in live.items()}


def entered(desk, fills=("100",), exits=BRACKET, **more):
    desk.engine.submit(buy(exits=exits, **more))
    for quantity in fills:
        desk.broker.fill("e", D(quantity), D(10))
        desk.run()


def alarms(events):
    return [event.code for event in events if isinstance(event, Alarm)]


def bare(desk, group="e"):
    return unprotected(group, desk.engine.books.tracker, desk.engine._guards._free(group))


# --- placing and sizing -----------------------------------------------------------------------------------------------


def test_nothing_is_placed_before_the_entry_fills(desk):
    """An entry that works has nothing to protect yet."""
    entered(desk, fills=())
    desk.run()

    assert {"e": (100, 0)} == stands(desk)


def test_a_bracket(desk):
    """The filled entry has a stop and a take-profit, each of its size, on the other side."""
    entered(desk)
    stop, profit = order(desk, "e.sl").request, order(desk, "e.tp").request

    assert {"e.sl": (100, 0), "e.tp": (100, 0)} == stands(desk)
    assert (OrderType.STOP, Side.SELL, D(9), None) == (stop.type, stop.side, stop.stop_price, stop.limit_price)
    assert (OrderType.LIMIT, Side.SELL, D(12)) == (profit.type, profit.side, profit.limit_price)


def test_a_bracket_that_stands_is_at_rest(desk):
    """Where all stands as it should there is nothing to do, and when it is over nothing is kept."""
    entered(desk)
    standing = desk.engine.busy
    desk.broker.fill("e.tp", D(100), D(12))
    desk.run()

    assert (False, False, {}) == (standing, desk.engine.busy, desk.engine._guards._open)


def test_the_stop_goes_first(desk):
    """Protection is sent before the take-profit."""
    entered(desk)

    assert ["e", "e.sl", "e.tp"] == desk.calls("submit")


def test_one_exit_alone(desk):
    """An entry with only one of the two (OTO) has only that."""
    entered(desk, exits=Exits(take_profit=D(12)))

    assert {"e.tp": (100, 0)} == stands(desk)
    assert [] == alarms(desk.run(60))


def test_a_stop_with_a_limit(desk):
    """A stop limit makes the stop a stop-limit order."""
    entered(desk, exits=Exits(stop_loss=D(9), stop_limit=D("8.9")))
    stop = order(desk, "e.sl").request

    assert (OrderType.STOP_LIMIT, D("8.9")) == (stop.type, stop.limit_price)


@pytest.mark.parametrize(
    ("entry", "exits"),
    [("day", "day"), ("gtc", "gtc"), ("ioc", "gtc"), ("fok", "gtc"), ("opg", "gtc")],
)
def test_how_long_exits_work(desk, entry, exits):
    """As long as the entry would, and until cancelled where the entry trades at once or never."""
    entered(desk, time_in_force=TimeInForce(entry))

    assert TimeInForce(exits) is order(desk, "e.sl").request.time_in_force


def test_a_short_entry_is_protected_by_buys(desk):
    """Everything holds on the other side as well."""
    desk.engine.submit(
        OrderRequest.limit(
            "X", Side.SELL, D(100), D(10), exits=Exits(take_profit=D(8), stop_loss=D(11)), client_order_id="e"
        )
    )
    desk.broker.fill("e", D(100), D(10))
    desk.run()
    sides = {order(desk, name).side for name in ("e.sl", "e.tp")}
    desk.broker.fill("e.tp", D(100), D(8))
    desk.run()

    assert ({Side.BUY}, {}, D(0)) == (sides, stands(desk), desk.engine.position("X"))


def test_exits_grow_with_partial_fills(desk):
    """Each fill of the entry makes its exits that much larger."""
    entered(desk, fills=["40"])
    first = stands(desk)
    desk.broker.fill("e", D(60), D(10))
    desk.run()

    assert {"e": (100, 40), "e.sl": (40, 0), "e.tp": (40, 0)} == first
    assert {"e.sl": (100, 0), "e.tp": (100, 0)} == stands(desk)


def test_the_stop_shrinks_as_the_profit_is_taken(desk):
    """What one exit closed the other one does not close again."""
    entered(desk)
    desk.broker.fill("e.tp", D(30), D(12))
    desk.run()

    assert {"e.sl": (70, 0), "e.tp": (100, 30)} == stands(desk)
    assert [order(desk, "e.sl").links[0].broker_order_id] == desk.calls("replace")


def test_exits_partly_filled_on_both_sides(desk):
    """Totals count what each has filled itself."""
    entered(desk)
    desk.broker.fill("e.tp", D(30), D(12))
    desk.run()
    desk.broker.fill(current_link(desk, "e.sl"), D(20), D(9))
    desk.run()

    assert {"e.sl": (70, 20), "e.tp": (80, 30)} == stands(desk)


def current_link(desk, order_id):
    return order(desk, order_id).links[-1].client_order_id


@pytest.mark.parametrize(("filled", "cancelled"), [("e.tp", "e.sl"), ("e.sl", "e.tp")])
def test_one_exit_filled_cancels_the_other(desk, filled, cancelled):
    """Where nothing is left to close nothing stands."""
    entered(desk)
    desk.broker.fill(filled, D(100), D(12))
    desk.run()

    assert ({}, D(0), Status.CANCELED) == (stands(desk), desk.engine.position("X"), order(desk, cancelled).status)


def test_an_entry_that_ends_partly_filled(desk):
    """Its exits stay, for what was filled."""
    entered(desk, fills=["40"])
    desk.engine.cancel("e")
    desk.run()

    assert {"e.sl": (40, 0), "e.tp": (40, 0)} == stands(desk)


def test_an_entry_that_ends_unfilled(desk):
    """There is nothing to protect, and nothing is placed."""
    entered(desk, fills=())
    desk.engine.cancel("e")
    desk.run()

    assert ({}, ["e"]) == (stands(desk), desk.calls("submit"))


def test_a_late_fill_of_a_cancelled_entry_gets_its_protection(desk):
    """A fill that comes behind the end makes exits as any other does."""
    entered(desk, fills=())
    desk.broker.end("e", VenueStatus.CANCELED)
    desk.run()
    desk.broker.fill("e", D(40), D(10))
    told = desk.run()

    assert {"e.sl": (40, 0), "e.tp": (40, 0)} == stands(desk)
    assert [AlarmCode.LATE_FILL] == alarms(told)


@pytest.mark.parametrize("closed_by", ["e.tp", "e.sl"])
def test_what_fills_after_all_was_closed_is_protected_anew(desk, closed_by):
    """The entry fills on after its exits closed everything: both are placed again, for the rest."""
    entered(desk, fills=["40"])
    desk.broker.fill(closed_by, D(40), D(12))
    desk.run()
    between = stands(desk)
    desk.broker.fill("e", D(60), D(10))
    desk.run()

    assert {"e": (100, 40)} == between
    assert {"e.sl2": (60, 0), "e.tp2": (60, 0)} == stands(desk)


def test_three_rounds(desk):
    """Each round closes with either of the two, and the next has a new pair."""
    entered(desk, fills=["40"])
    desk.broker.fill("e.tp", D(40), D(12))
    desk.run()
    desk.broker.fill("e", D(30), D(10))
    desk.run()
    desk.broker.fill("e.sl2", D(30), D(9))
    desk.run()
    desk.broker.fill("e", D(30), D(10))
    desk.run()

    assert {"e.sl3": (30, 0), "e.tp3": (30, 0)} == stands(desk)


def test_a_rejected_stop_of_the_second_round_is_not_sent_for_ever(desk):
    """A refusal by the venue is not answered with the next attempt."""
    entered(desk, fills=["40"])
    desk.broker.fill("e.tp", D(40), D(12))
    desk.run()
    desk.broker.script("submit", VenueRejected("no"), VenueRejected("no"))
    desk.broker.fill("e", D(60), D(10))
    desk.run()
    desk.run(60)

    assert ["e.sl2", "e.tp2"] == desk.calls("submit")[3:]
    assert D(60) == bare(desk)


def test_a_stop_that_a_person_took_away_stays_away(desk):
    """An exit that was cancelled from outside is not sent again; that it is missing is told."""
    entered(desk)
    desk.engine.cancel("e.sl")
    desk.run()
    told = desk.run(5)

    assert {"e.tp": (100, 0)} == stands(desk)
    assert [AlarmCode.UNPROTECTED] == alarms(told)


# --- never more than is held ------------------------------------------------------------------------------------------


def test_a_bust_of_the_entry_shrinks_its_exits(desk):
    """What was not bought after all must not be sold."""
    entered(desk, fills=["40", "60"])
    first = desk.broker.executions()[0].execution.id.removeprefix("activity-")
    desk.broker.correct(first, quantity=D(0), price=D(10))
    desk.run()

    assert ({"e.sl": (60, 0), "e.tp": (60, 0)}, D(60)) == (stands(desk), desk.engine.position("X"))


def test_a_bust_of_the_whole_entry_takes_its_exits_away(desk):
    """Nothing held, nothing stands."""
    entered(desk)
    first = desk.broker.executions()[0].execution.id.removeprefix("activity-")
    desk.broker.correct(first, quantity=D(0), price=D(10))
    desk.run()

    assert ({}, D(0)) == (stands(desk), desk.engine.position("X"))


def test_a_position_that_somebody_else_sold(desk):
    """Exits close what is left of the position, whoever sold the rest."""
    entered(desk)
    desk.broker.place_foreign(OrderRequest.limit("X", Side.SELL, D(70), D(10), client_order_id="by-hand"))
    desk.broker.fill("by-hand", D(70), D(10))
    desk.engine.reconcile()
    desk.run()

    assert ({"e.sl": (30, 0), "e.tp": (30, 0)}, D(30)) == (stands(desk), desk.engine.position("X"))


def test_a_strategy_cannot_sell_what_its_exits_will(desk):
    """While exits stand, a second way out is refused: both together would open a short position."""
    entered(desk)
    ticket = desk.engine.submit(OrderRequest.market("X", Side.SELL, D(1)))

    assert "EXIT_WORKING" == ticket.refusal.code


def test_a_position_closed_by_hand_needs_no_stop(desk):
    """Exits cancelled and the position sold: no alarm, nothing placed again."""
    entered(desk)
    for name in ("e.sl", "e.tp"):
        desk.engine.cancel(name)
    desk.run()
    out = desk.engine.submit(OrderRequest.market("X", Side.SELL, D(100)))
    desk.broker.fill(out.id, D(100), D(10))
    told = desk.run() + desk.run(60)

    assert ({}, [], D(0)) == (stands(desk), alarms(told), bare(desk))
    assert not desk.engine.busy


def test_two_brackets_in_one_symbol(desk):
    """Each group closes its own part."""
    two_brackets(desk)
    both = stands(desk)
    desk.broker.fill("e.sl", D(100), D(9))
    desk.run()

    assert {"e.sl": (100, 0), "e.tp": (100, 0), "f.sl": (50, 0), "f.tp": (50, 0)} == both
    assert ({"f.sl": (50, 0), "f.tp": (50, 0)}, D(50)) == (stands(desk), desk.engine.position("X"))


def test_two_brackets_and_a_sale_by_somebody_else(desk):
    """Together they never close more than is held; the latest keeps all of its own."""
    two_brackets(desk)
    desk.broker.hold("X", D(80), D(10))
    desk.engine.reconcile()
    desk.run()

    assert {"e.sl": (30, 0), "e.tp": (30, 0), "f.sl": (50, 0), "f.tp": (50, 0)} == stands(desk)


def two_brackets(desk):
    """Group e of 100, then group f of 50, both protected."""
    entered(desk)
    desk.engine.submit(buy("50", client_order_id="f"))
    desk.broker.fill("f", D(50), D(10))
    desk.run()


def test_a_restart_does_not_share_out_anew(desk):
    """What each group closes follows from the orders, in whatever state the program died."""
    two_brackets(desk)
    desk.broker.hold("X", D(80), D(10))
    desk.engine.reconcile()
    desk.run()
    before = stands(desk)
    desk.restart()
    desk.run(10)

    assert before == stands(desk)


def test_a_new_bracket_beside_one_that_shrank(desk):
    """What a new entry fills is its own exits' to close, not the older group's."""
    entered(desk)
    desk.broker.hold("X", D(30), D(10))
    desk.engine.reconcile()
    desk.run()
    desk.engine.submit(buy("50", client_order_id="f"))
    desk.broker.fill("f", D(50), D(10))
    desk.run()

    assert {"e.sl": (30, 0), "e.tp": (30, 0), "f.sl": (50, 0), "f.tp": (50, 0)} == stands(desk)


@pytest.mark.parametrize(("out", "stays"), [("e", "f"), ("f", "e")])
def test_a_bracket_that_a_strategy_ended_by_hand(desk, out, stays):
    """Its exits cancelled and its part sold: the other group keeps its own, and nobody is alarmed."""
    two_brackets(desk)
    quantity = order(desk, out).filled
    for name in ("sl", "tp"):
        desk.engine.cancel(f"{out}.{name}")
    desk.run()
    sold = desk.engine.submit(OrderRequest.market("X", Side.SELL, quantity))
    desk.run()
    desk.broker.fill(sold.id, quantity, D(10))
    told = desk.run() + desk.run(60)

    rest = int(order(desk, stays).filled)
    assert ({f"{stays}.sl": (rest, 0), f"{stays}.tp": (rest, 0)}, []) == (stands(desk), alarms(told))


def test_brackets_in_two_symbols(desk):
    """What is sold in one symbol is no matter of the other."""
    desk.engine.submit_many(
        [
            OrderRequest.limit(symbol, Side.BUY, D(100), D(10), exits=STOP, client_order_id=symbol)
            for symbol in ("Y", "X")
        ]
    )
    for symbol in ("Y", "X"):
        desk.broker.fill(symbol, D(100), D(10))
    desk.run()
    desk.broker.hold("Y", D(40), D(10))
    desk.engine.reconcile()
    desk.run()

    assert {"Y.sl": (40, 0), "X.sl": (100, 0)} == stands(desk)


def test_an_exit_that_is_being_cancelled_is_left_alone(desk):
    """Its size does not matter any more; changing it would be an error of ours."""
    entered(desk)
    desk.broker.muted = True
    desk.engine.cancel("e.sl")
    desk.broker.muted = False
    desk.broker.fill("e.tp", D(30), D(12))
    desk.run()

    assert ([], D(100)) == (desk.calls("replace"), order(desk, "e.sl").quantity)


# --- OCO --------------------------------------------------------------------------------------------------------------


def oco(desk):
    desk.engine.submit(buy(exits=None))
    desk.broker.fill("e", D(100), D(10))
    desk.run()
    desk.engine.submit_oco(OrderRequest.limit("X", Side.SELL, D(100), D(12), client_order_id="o"), stop_loss=D(9))
    desk.run()


@pytest.mark.parametrize(("filled", "cancelled"), [("o", "o.sl"), ("o.sl", "o")])
def test_an_oco_pair(desk, filled, cancelled):
    """One filled cancels the other."""
    oco(desk)
    before = stands(desk)
    desk.broker.fill(filled, D(100), D(12))
    desk.run()

    assert {"o": (100, 0), "o.sl": (100, 0)} == before
    assert ({}, Status.CANCELED) == (stands(desk), order(desk, cancelled).status)


def test_an_oco_pair_partly_filled(desk):
    """The other one shrinks by what was filled."""
    oco(desk)
    desk.broker.fill("o", D(30), D(12))
    desk.run()

    assert {"o": (100, 30), "o.sl": (70, 0)} == stands(desk)


def test_an_oco_pair_for_more_than_is_held_is_denied(desk):
    """Neither of the two is sent."""
    desk.engine.submit(buy(exits=None))
    desk.broker.fill("e", D(60), D(10))
    desk.run()
    pair = desk.engine.submit_oco(OrderRequest.limit("X", Side.SELL, D(100), D(12)), stop_loss=D(9))
    desk.run()

    assert ["EXIT_WORKING"] * 2 == [ticket.refusal.code for ticket in pair]


def test_an_oco_stop_that_is_rejected_is_told(desk):
    """A pair needs its stop as a bracket does."""
    desk.engine.submit(buy(exits=None))
    desk.broker.fill("e", D(100), D(10))
    desk.run()
    desk.broker.script("lookup")  # nothing
    calls = []

    def refuse_the_stop(method, about):
        calls.append(about)
        if about == "o.sl":
            raise VenueRejected("no stops today")

    desk.broker.on_call = refuse_the_stop
    desk.engine.submit_oco(OrderRequest.limit("X", Side.SELL, D(100), D(12), client_order_id="o"), stop_loss=D(9))
    desk.run()
    told = desk.run(5)

    assert ({"o": (100, 0)}, [AlarmCode.UNPROTECTED]) == (stands(desk), alarms(told))


# --- alarms -----------------------------------------------------------------------------------------------------------


def naked(desk):
    """An entry whose stop the venue rejects."""
    desk.engine.submit(buy(exits=STOP))
    desk.broker.script("submit", VenueRejected("no stops today"))
    desk.broker.fill("e", D(100), D(10))
    desk.run()


def test_a_rejected_stop_is_told_within_the_bound(desk):
    """A position that should have a stop and has none is never silent for longer than the bound (I9)."""
    naked(desk)
    told = [alarms(desk.run(seconds)) for seconds in (4.9, 0.1, 4.9, 0.1)]

    assert [[], [AlarmCode.UNPROTECTED], [], [AlarmCode.UNPROTECTED]] == told


def test_the_alarm_says_what_and_since_when(desk):
    """It names the group, the symbol, how much is bare, and since when."""
    naked(desk)
    (alarm,) = desk.run(5)

    assert ("e", "X") == (alarm.order_id, alarm.symbol)
    assert "100 of X have had no working stop since 2024-01-02T12:00:00+00:00" == alarm.message


def test_the_alarm_ends_with_the_position(desk):
    """Once the position is closed nothing is told any more."""
    naked(desk)
    out = desk.engine.submit(OrderRequest.market("X", Side.SELL, D(100)))
    desk.broker.fill(out.id, D(100), D(10))
    desk.run()

    assert ([], False) == (alarms(desk.run(60)), desk.engine.busy)


def test_the_alarm_survives_a_restart(desk):
    """After a start the bound counts anew, though no order of the group is alive."""
    naked(desk)
    desk.restart()
    told = [alarms(desk.run(seconds)) for seconds in (0, 4.9, 0.1)]

    assert [[], [], [AlarmCode.UNPROTECTED]] == told


def test_the_alarm_comes_again_when_it_happens_again(desk):
    """A stop that disappears later is told as the first one was."""
    entered(desk, exits=STOP)
    quiet = alarms(desk.run(60))
    desk.broker.end("e.sl", VenueStatus.EXPIRED)
    desk.run()

    assert ([], [AlarmCode.UNPROTECTED]) == (quiet, alarms(desk.run(5)))


def test_a_stop_that_rests_protects_nothing(desk):
    """Done for the day is not working."""
    entered(desk, exits=STOP)
    desk.broker.end("e.sl", VenueStatus.RESTING)
    desk.run()

    assert ([AlarmCode.UNPROTECTED], D(100)) == (alarms(desk.run(5)), bare(desk))
    desk.broker.end("e.sl", VenueStatus.NEW)
    assert ([], D(0)) == (alarms(desk.run(5)), bare(desk))


def test_a_stop_that_waits_to_be_sent_protects_nothing(desk):
    """What has not left is not there, however good the reason."""
    desk.engine.submit(buy(exits=STOP))
    desk.broker.script("submit", NotSent("rate", earliest=desk.clock.now() + timedelta(seconds=60)))
    desk.broker.fill("e", D(100), D(10))
    desk.run()

    assert ([AlarmCode.UNPROTECTED], D(100)) == (alarms(desk.run(5)), bare(desk))


def test_a_stop_that_is_too_small_is_told(desk):
    """A stop that could not be made larger leaves the difference bare."""
    entered(desk, fills=["40"], exits=STOP)
    desk.broker.script("replace", *[VenueRejected("not now")] * 2)
    desk.broker.fill("e", D(60), D(10))
    desk.run()
    before = bare(desk)
    told = desk.run(5)  # the second attempt fails as well

    assert (D(60), [AlarmCode.UNPROTECTED]) == (before, alarms(told))
    desk.run(5)
    assert ({"e.sl": (100, 0)}, D(0), []) == (stands(desk), bare(desk), alarms(desk.run(60)))


# --- when something does not go through -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [NotSent("rate"), VenueRejected("busy"), LOST_ANSWER, BrokerError("?"), ConnectionResetError()],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("method", ["cancel", "replace"])
def test_a_step_that_did_not_go_through_is_tried_again(desk, method, error):
    """Whatever ends a step, no error escapes, and before long the group stands as it should."""
    entered(desk)
    desk.broker.script(method, error)
    desk.broker.fill("e.tp", D(100 if method == "cancel" else 30), D(12))
    desk.run()
    for _ in range(10):
        desk.run(5)

    expected = {} if method == "cancel" else {"e.sl": (70, 0), "e.tp": (100, 30)}
    assert expected == stands(desk)


def lost_stop(desk):
    """A bracket whose stop never arrived, after the evidence for that is complete."""
    desk.engine.submit(buy())
    desk.broker.script("submit", LOST_ANSWER)
    desk.broker.fill("e", D(100), D(10))
    desk.run()
    for _ in range(7):
        desk.run(5)


def test_a_lost_stop_is_placed_again(desk):
    """By all evidence it does not exist, and the position must not stay without."""
    lost_stop(desk)

    assert Status.LOST is order(desk, "e.sl").status
    assert {"e.sl2": (100, 0), "e.tp": (100, 0)} == stands(desk)


def test_a_lost_stop_that_turns_up_is_taken_away(desk):
    """There is another one in its place by then."""
    lost_stop(desk)
    desk.broker.submit(order(desk, "e.sl").request)
    desk.broker.tell(desk.broker.known("e.sl"))
    desk.run()

    assert {"e.sl2": (100, 0), "e.tp": (100, 0)} == stands(desk)
    assert Status.CANCELED is order(desk, "e.sl").status


@pytest.mark.parametrize("error", [LOST_ANSWER, ConnectionResetError()], ids=lambda error: type(error).__name__)
def test_an_exit_whose_answer_got_lost_is_found(desk, error):
    """It is looked up, and not placed a second time."""
    desk.engine.submit(buy())
    desk.broker.script("submit", Lost(error), Lost(error))
    desk.broker.fill("e", D(100), D(10))
    desk.run()

    assert {"e.sl": (100, 0), "e.tp": (100, 0)} == stands(desk)
    assert ["e", "e.sl", "e.tp"] == desk.calls("submit")


def test_an_exit_that_may_not_leave_yet(desk):
    """It waits for its moment; if it has the wrong size before that another one takes its place."""
    desk.engine.submit(buy(exits=STOP))
    later = NotSent("rate", earliest=desk.clock.now() + timedelta(seconds=2))
    desk.broker.script("submit", later, later)
    desk.broker.fill("e", D(40), D(10))
    desk.run()
    desk.broker.fill("e", D(60), D(10))
    desk.run(1)
    between = stands(desk)
    desk.run(1)

    assert ({}, {"e.sl2": (100, 0)}) == (between, stands(desk))
    assert (["e", "e.sl", "e.sl2", "e.sl2"], Status.CANCELED) == (desk.calls("submit"), order(desk, "e.sl").status)


def test_an_exit_that_is_not_needed_any_more_is_withdrawn(desk):
    """One that waits to be sent when there is nothing left to close never leaves."""
    desk.engine.submit(buy())
    desk.broker.script("submit", NotSent("rate", earliest=desk.clock.now() + timedelta(seconds=60)))
    desk.broker.fill("e", D(100), D(10))
    desk.run()
    desk.broker.fill("e.tp", D(100), D(12))
    desk.run(60)

    assert (Status.CANCELED, ["e", "e.sl", "e.tp"]) == (order(desk, "e.sl").status, desk.calls("submit"))


def test_an_exit_that_was_denied_is_placed_when_the_way_is_free(desk):
    """While an exit of another group may still close the position the stop is denied, once; then it is placed."""
    entered(desk)
    desk.engine.submit(buy("50", client_order_id="f", exits=STOP))
    desk.run()
    desk.broker.script("cancel", NotSent("rate", earliest=desk.clock.now() + timedelta(seconds=8)))
    desk.broker.fill("e.sl", D(100), D(9))
    desk.broker.fill("f", D(50), D(10))
    desk.run()
    between = stands(desk)
    for _ in range(3):
        desk.run(5)

    assert {"e.tp": (100, 0)} == between
    assert {"f.sl2": (50, 0)} == stands(desk)
    assert ["f.sl"] == [fact.request.id for fact in desk.facts(Denied)]


def test_an_interruption_inside_a_step_loses_nothing(desk):
    """KeyboardInterrupt between stop and take-profit: the next step does the rest."""
    desk.engine.submit(buy())
    desk.broker.script("submit", Lost(KeyboardInterrupt()))
    desk.broker.fill("e", D(100), D(10))
    with pytest.raises(KeyboardInterrupt):
        desk.engine.step()
    desk.run()

    assert {"e.sl": (100, 0), "e.tp": (100, 0)} == stands(desk)


# --- restarts ---------------------------------------------------------------------------------------------------------


class Killed(BaseException):
    pass


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", range(14))
def test_a_restart_at_every_step(desk, number, after):
    """Killed at any of the calls of a bracket's life, before or after the venue acted, the group ends as it should."""
    calls = 0
    survived = []

    def die(method, about):
        nonlocal calls
        calls += 1
        if calls == number + 1:
            survived.extend(desk.journal.entries())
            if not after:
                raise Killed
            desk.broker.script(method, Lost(Killed()))

    def live(act):
        try:
            act()
        except Killed:
            desk.restart(survived)
            act()

    desk.broker.on_call = die
    live(lambda: desk.engine.submit(buy()))
    if not desk.broker.orders_open():  # it was killed before the send; that it is LOST is another test's matter
        return
    desk.broker.fill("e", D(40), D(10))
    live(desk.run)
    desk.broker.fill("e", D(60), D(10))
    live(desk.run)
    live(lambda: desk.run(5))
    desk.broker.on_call = None
    for _ in range(10):
        desk.run(5)
    venue = [each.client_order_id for each in desk.broker.orders()]
    sizes = {each.client_order_id.split(".")[1][:2]: each.quantity for each in desk.broker.orders_open()}

    assert len(set(venue)) == len(venue)
    assert (D(100), D(0)) == (desk.engine.position("X"), bare(desk))
    assert {"sl": D(100), "tp": D(100)} == sizes


def test_the_second_round_survives_a_restart(desk):
    """Which round it is follows from the orders."""
    entered(desk, fills=["40"])
    desk.broker.fill("e.tp", D(40), D(12))
    desk.run()
    desk.restart()
    desk.broker.fill("e", D(60), D(10))
    desk.run()

    assert {"e.sl2": (60, 0), "e.tp2": (60, 0)} == stands(desk)


# --- as a function ----------------------------------------------------------------------------------------------------


def test_due_says_what_is_missing(desk):
    """Steps follow from the orders and from what is free to be closed, and change nothing."""
    entered(desk)
    tracker = desk.engine.books.tracker
    kinds = [[type(step) for step in due("e", tracker, free)] for free in (D(100), D(60), D(0), D(-5))]

    assert [[], [Resize, Resize], [Cancel, Cancel], [Cancel, Cancel]] == kinds
    assert [D(60), D(60)] == [step.quantity for step in due("e", tracker, D(60))]


def test_due_places_with_names_of_its_own(desk):
    """A protective order is named after its entry and its role."""
    desk.engine.submit(buy())
    desk.broker.fill("e", D(100), D(10))
    desk.engine._drain()

    steps = due("e", desk.engine.books.tracker, D(100))
    assert [(Place, "e.sl"), (Place, "e.tp")] == [(type(step), step.request.id) for step in steps]


# --- within one bar ---------------------------------------------------------------------------------------------------


class Market:
    """An engine at a simulated venue, played bar by bar."""

    def __init__(self, *, fees=None):
        self.start = datetime(2024, 1, 2, 12, tzinfo=UTC)
        self.clock = SimulatedClock(self.start)
        self.broker = SimulatedBroker(self.clock, fees=fees)
        self.journal = Journal(None)
        self.engine = ExecutionEngine(
            self.broker, feed=self.broker, journal=self.journal, gate=RiskGate(), clock=self.clock
        )
        self.engine.start(SessionStarted(at=self.start, session_id="tb", cash=D(1_000_000), config="", data_digest=""))
        self.bars = 0

    def play(self, open_, high, low, close):
        """One bar, path and all; the engine reacts at each stop."""
        start = self.start + timedelta(minutes=self.bars)
        self.bars += 1
        bar = Bar(
            symbol="X",
            start=start,
            end=start + timedelta(minutes=1),
            open=D(open_),
            high=D(high),
            low=D(low),
            close=D(close),
            volume=D(1000),
        )
        for _ in self.broker.play((bar,)):
            while self.engine.step():
                pass
        self.engine.books.portfolio.mark("X", bar.close)
        while self.engine.step():
            pass

    def status(self, order_id):
        return self.engine.books.tracker[order_id].status


@pytest.mark.parametrize(
    ("bar", "filled", "cash"),
    [
        # low first where the open is nearer to it
        ((10, 13, "9.5", 13), "e.tp", 1_000_200),
        ((10, "10.5", 8, 8), "e.sl", 999_900),
    ],
    ids=["profit", "stop"],
)
def test_a_bracket_within_one_bar(bar, filled, cash):
    """Entry, exits and the end of both happen at their places on the path of a single bar."""
    market = Market()
    market.engine.submit(buy())
    market.play(*bar)
    other = "e.sl" if filled == "e.tp" else "e.tp"

    assert (Status.FILLED, Status.CANCELED) == (market.status(filled), market.status(other))
    assert (D(0), D(cash)) == (market.engine.position("X"), market.engine.books.portfolio.cash)


def test_the_first_place_on_the_path_decides():
    """In a bar that reaches both prices only the exit that is reached first trades."""
    market = Market()
    market.engine.submit(buy())
    market.play(10, 13, 8, 10)

    filled = [name for name in ("e.sl", "e.tp") if market.status(name) is Status.FILLED]
    assert (1, D(0)) == (len(filled), market.engine.position("X"))


def test_a_gap_through_the_stop():
    """A stop that the next bar opens beyond trades at the open."""
    market = Market()
    market.engine.submit(buy(exits=STOP, time_in_force=TimeInForce.GTC))
    market.play(10, 11, 10, 11)
    market.play(7, 7, 7, 7)

    assert D(1_000_000 - 300) == market.engine.books.portfolio.cash
    assert Status.FILLED is market.status("e.sl")


def test_an_oco_within_one_bar():
    """The pair of a held position closes it once, wherever the bar goes."""
    market = Market()
    market.engine.submit(buy(exits=None))
    market.play(10, 10, 10, 10)
    market.engine.submit_oco(OrderRequest.limit("X", Side.SELL, D(100), D(12), client_order_id="o"), stop_loss=D(9))
    market.play(10, 13, 8, 10)

    assert D(0) == market.engine.position("X")
    assert {Status.FILLED, Status.CANCELED} == {market.status("o"), market.status("o.sl")}


@pytest.mark.parametrize(
    ("bar", "filled"), [((10, 13, "9.5", 13), "e.tp"), ((10, "10.5", 8, 8), "e.sl")], ids=["profit", "stop"]
)
def test_exits_close_what_a_fee_in_the_coin_has_left(bar, filled):
    """Where the fee is taken in the coin the exits sell what is held, not what was filled, and nothing is left."""
    market = Market(fees=AlpacaCrypto())
    market.engine.submit(buy())
    market.play(*bar)
    exit_order = market.engine.books.tracker[filled]

    assert (Status.FILLED, D("99.85"), D("99.85")) == (exit_order.status, exit_order.quantity, exit_order.filled)
    assert D(0) == market.engine.position("X")


def test_exits_leave_what_others_hold():
    """Where more of the coin is held than this entry brought, its exits close what it brought and no more."""
    market = Market(fees=AlpacaCrypto())
    market.engine.submit(buy(exits=None, client_order_id="other"))
    market.play(10, 10, 10, 10)
    market.engine.submit(buy())
    market.play(10, 13, "9.5", 13)

    assert D("99.85") == market.engine.books.tracker["e.tp"].filled
    assert D("99.85") == market.engine.position("X")
