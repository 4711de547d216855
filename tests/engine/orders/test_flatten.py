"""Out of a position: cancel, wait, close what is left."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from engine.errors import VenueRejected
from engine.facts import Flattened, FlattenRequested
from engine.model import Exits, OrderRequest, OrderType, Side, Status, SymbolFlag, TimeInForce
from engine.testing import Desk

D = Decimal
BUY, SELL = Side.BUY, Side.SELL


@pytest.fixture
def desk():
    return Desk().start()


def holding(desk, side=BUY, symbol="X", **more):
    """A desk that holds 100, long or short."""
    desk.engine.books.portfolio.mark(symbol, D(10))
    ticket = desk.engine.submit(OrderRequest.market(symbol, side, D(100), **more))
    desk.broker.fill(ticket.id, D(100), D(10))
    desk.run()
    return ticket


def guarded(desk):
    """A long of 100 with a take-profit and a stop-loss at work."""
    holding(desk, exits=Exits(take_profit=D(12), stop_loss=D(9)))
    assert {"tb-1.tp", "tb-1.sl"} == set(desk.engine.books.tracker.live)


def leaving(desk):
    """The orders to leave: what they ask for and how they stand."""
    return [
        (order.side, order.quantity, order.request.time_in_force, order.status)
        for order in desk.engine.books.tracker
        if order.request.type is OrderType.MARKET and order.id != "tb-1"
    ]


def over(desk):
    desk.journal.commit()
    return [type(fact) for fact in desk.facts(FlattenRequested, Flattened)]


def test_nothing_to_do(desk):
    """Where nothing is held and nothing lives it is over at once."""
    desk.engine.flatten("X", "the day ends")

    assert [FlattenRequested, Flattened] == over(desk)
    assert (frozenset(), False) == (desk.engine.books.flags("X"), desk.engine.busy)


@pytest.mark.parametrize(("side", "out"), [(BUY, SELL), (SELL, BUY)])
def test_a_position_is_closed(desk, side, out):
    """All of it, at the market, to the other side; it is over when that has filled."""
    holding(desk, side)
    desk.engine.flatten("X")
    sent = leaving(desk)
    desk.broker.fill("tb-2", D(100), D(11))
    before = over(desk)
    desk.run()

    assert [(out, D(100), TimeInForce.DAY, Status.WORKING)] == sent
    assert ([FlattenRequested], [FlattenRequested, Flattened]) == (before, over(desk))
    assert (D(0), {}) == (desk.engine.position("X"), desk.engine.books.tracker.live)


def test_a_pair_knows_no_day_orders(desk):
    """What closes a pair of coins is good till cancelled."""
    holding(desk, symbol="X/USD", time_in_force=TimeInForce.GTC)
    desk.engine.flatten("X/USD")

    assert [(SELL, D(100), TimeInForce.GTC, Status.WORKING)] == leaving(desk)


def test_exits_go_first(desk):
    """Nothing is sent beside a working exit: both would close the same position."""
    guarded(desk)
    desk.engine.flatten("X")
    asked, sent = desk.calls("cancel"), leaving(desk)
    desk.run()

    assert (2, []) == (len(asked), sent)
    assert [(SELL, D(100), TimeInForce.DAY, Status.WORKING)] == leaving(desk)
    assert {"tb-2"} == set(desk.engine.books.tracker.live)


def test_an_exit_that_fills_meanwhile(desk):
    """What an exit still filled before its end is not closed twice."""
    guarded(desk)
    desk.broker.fill("tb-1.tp", D(30), D(12))  # nobody here has heard of it yet
    desk.engine.flatten("X")
    desk.run()

    assert [(SELL, D(70), TimeInForce.DAY, Status.WORKING)] == leaving(desk)


def test_entries_are_cancelled_and_refused(desk):
    """An entry at work is cancelled, and none passes before it is over; other symbols go on."""
    entry = desk.engine.submit(OrderRequest.limit("X", BUY, D(10), D(9)))
    holding(desk, symbol="Y")
    desk.engine.flatten("Y")
    desk.engine.flatten("X")
    early = desk.engine.submit(OrderRequest.limit("X", BUY, D(10), D(9)))
    desk.run()
    late = desk.engine.submit(OrderRequest.limit("X", BUY, D(10), D(9)))

    assert ("SYMBOL_FLAGGED", "flattening") == (early.refusal.code, early.refusal.value)
    assert (Status.CANCELED, Status.WORKING) == (entry.status, late.status)


def test_what_came_to_nothing_is_tried_again(desk):
    """An order to leave that the venue refuses is followed by another one a while later, not at once."""
    holding(desk)
    desk.broker.script("submit", VenueRejected("not now"))
    desk.engine.flatten("X")
    desk.run(1)
    early = len(leaving(desk))
    desk.run(4)

    assert 1 == early
    assert [Status.REJECTED, Status.WORKING] == [status for *_, status in leaving(desk)]


def test_a_restart_goes_on(desk):
    """What was asked for and is not over is taken up again: the cancels have ended, so the position is closed."""
    guarded(desk)
    desk.engine.flatten("X")
    desk.journal.commit()
    desk.restart()
    flags = desk.engine.books.flags("X")
    desk.run()
    desk.run(5)
    desk.broker.fill(next(iter(desk.engine.books.tracker.live)), D(100), D(11))
    desk.run()

    assert frozenset({SymbolFlag.FLATTENING}) == flags
    assert (D(0), [FlattenRequested, Flattened]) == (desk.engine.position("X"), over(desk))


def test_asking_twice_is_asking_once(desk):
    """The second time changes nothing."""
    holding(desk)
    desk.engine.flatten("X")
    desk.engine.flatten("X")

    assert 1 == len(leaving(desk))
    assert [FlattenRequested] == over(desk)


def test_orders_of_others_are_left_alone(desk):
    """What somebody else has at the venue is not ours to cancel, and not waited for."""
    holding(desk)
    desk.broker.place_foreign(OrderRequest.limit("X", BUY, D(5), D(8), client_order_id="theirs"))
    desk.engine.reconcile()
    desk.clock.advance_to(desk.clock.now() + timedelta(seconds=10))
    desk.engine.reconcile()
    desk.engine.flatten("X")

    assert "theirs" in desk.engine.books.tracker.live
    assert [(SELL, D(100), TimeInForce.DAY, Status.WORKING)] == leaving(desk)
