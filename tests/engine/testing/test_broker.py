"""A venue that does what a test tells it to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from engine.clock import SimulatedClock
from engine.errors import AlreadyExists, FeedClosed, NotSent, OutcomeUnknown, VenueRejected
from engine.model import OrderRequest, Replacement, Side, VenueStatus
from engine.testing import FakeBroker, Lost

D = Decimal
NOW = datetime(2024, 1, 2, 12, tzinfo=UTC)


@pytest.fixture
def clock():
    return SimulatedClock(NOW)


@pytest.fixture
def broker(clock):
    return FakeBroker(clock)


def buy(client_order_id="a", quantity="100"):
    return OrderRequest.limit("X", Side.BUY, D(quantity), D(10), client_order_id=client_order_id)


def test_orders_rest_until_they_are_filled(broker):
    """An accepted order is listed as new, and filled by the test alone."""
    report = broker.submit(buy())
    first = broker.fill("a", D(40), D(10))
    second = broker.fill("a", D(60), D(11))

    assert (VenueStatus.NEW, "b1", D(0)) == (report.status, report.broker_order_id, report.cumulative)
    assert (VenueStatus.PARTIALLY_FILLED, VenueStatus.FILLED) == (first.status, second.status)
    assert (D(100), D("10.6")) == (second.cumulative, second.average)
    assert [first, second, None] == [broker.get(0.0) for _ in range(3)]


def test_an_id_is_accepted_once(broker):
    """As at a real venue."""
    broker.submit(buy())

    with pytest.raises(AlreadyExists):
        broker.submit(buy())


def test_a_scripted_error_comes_before_the_venue_acts(broker):
    """The call ends with the error and nothing has happened; the next one is as usual."""
    broker.script("submit", NotSent("rate"))
    with pytest.raises(NotSent):
        broker.submit(buy())
    before = list(broker.orders())
    broker.submit(buy())

    assert ([], 1) == (before, len(broker.orders()))


@pytest.mark.parametrize("method", ["submit", "cancel", "replace", "lookup", "orders", "executions", "positions"])
def test_a_lost_answer_comes_behind_what_the_venue_did(broker, method):
    """Every call can lose its answer."""
    broker.submit(buy("old"))
    broker.script(method, Lost(OutcomeUnknown(method, waited=1.0)))
    arguments = {
        "submit": (buy(),),
        "cancel": ("b1",),
        "replace": ("b1", Replacement(client_order_id="new", limit_price=D(9))),
    }
    with pytest.raises(OutcomeUnknown):
        getattr(broker, method)(*arguments.get(method, ()))

    did = {"submit": ["old", "a"], "cancel": [], "replace": ["new"]}
    assert did.get(method, ["old"]) == [order.client_order_id for order in broker.orders_open()]


def test_what_was_scripted_can_be_forgotten(broker):
    """After `unscript` calls end as usual."""
    broker.script("submit", NotSent("rate"))
    broker.unscript()

    assert VenueStatus.NEW is broker.submit(buy()).status


def test_calls_are_noted_and_can_be_watched(broker):
    """`on_call` comes before the venue acts, and what it raises ends the call."""
    seen = []
    broker.on_call = lambda *call: seen.append((call, len(broker.orders_open())))
    broker.submit(buy())

    assert ([(("submit", "a"), 0)], [("submit", "a")]) == (seen, broker.calls)


def test_a_muted_feed_loses_what_happens(broker):
    """Listings show it all the same."""
    broker.submit(buy())
    broker.muted = True
    broker.fill("a", D(100), D(10))

    assert (None, 1) == (broker.get(0.0), len(broker.executions()))
    assert D(100) == broker.positions()["X"].quantity


def test_listings_name_executions_otherwise_than_the_feed(broker):
    """The same fill has two ids, and only the feed tells the position."""
    broker.submit(buy())
    told = broker.fill("a", D(100), D(10)).execution
    (listed,) = [report.execution for report in broker.executions()]

    assert ("x2", "activity-x2") == (told.id, listed.id)
    assert (D(100), None) == (told.position_after, listed.position_after)


def test_listings_reach_back_to_a_moment(broker, clock):
    """Since means changed at or after."""
    for name in ("a", "b"):
        broker.submit(buy(name))
        broker.fill(name, D(1), D(10))
        clock.sleep(60)

    since = NOW + timedelta(seconds=60)
    assert ["b"] == [order.client_order_id for order in broker.orders(since=since)]
    assert ["b"] == [told.client_order_id for told in broker.executions(since)]


def test_an_order_is_cancelled_once(broker):
    """The second time the venue refuses, as it does for an order that it does not know."""
    broker.submit(buy())
    broker.cancel("b1")

    assert [] == list(broker.orders(open_only=True))
    for name in ("b1", "b9"):
        with pytest.raises(VenueRejected):
            broker.cancel(name)


@pytest.mark.parametrize(("carries", "cumulative"), [(True, D(40)), (False, D(0))])
def test_a_replacement_may_or_may_not_count_on(clock, carries, cumulative):
    """Venues differ in whether the new order's quantity includes what the old one filled."""
    broker = FakeBroker(clock, carries_fills=carries)
    broker.submit(buy())
    broker.fill("a", D(40), D(10))
    report = broker.replace("b1", Replacement(client_order_id="new", quantity=D(120)))

    assert (cumulative, "b1", D(120)) == (report.cumulative, report.replaces, report.quantity)
    assert VenueStatus.REPLACED is broker.known("a").status


def test_a_replacement_must_ask_for_more_than_is_filled(broker):
    """Otherwise the order stays as it is."""
    broker.submit(buy())
    broker.fill("a", D(40), D(10))
    with pytest.raises(VenueRejected, match="more than the 40 filled"):
        broker.replace("b1", Replacement(client_order_id="new", quantity=D(40)))

    assert VenueStatus.PARTIALLY_FILLED is broker.known("a").status


def test_a_bust_takes_back_what_was_filled(broker):
    """Order and position follow."""
    broker.submit(buy())
    broker.fill("a", D(40), D(10))
    broker.correct("x2", quantity=D(0), price=D(10))

    assert (D(0), {}) == (broker.known("a").cumulative, broker.positions())


def test_a_hidden_order_is_forgotten(broker):
    """No listing and no look-up knows it, until it is shown again."""
    broker.submit(buy())
    broker.hide("a")
    hidden = (broker.lookup(client_order_id="a"), broker.lookup(broker_order_id="b1"), list(broker.orders()))
    broker.show("a")

    assert ((None, None, []), "b1") == (hidden, broker.lookup(client_order_id="a").broker_order_id)


def test_a_closed_feed_gives_what_it_has_and_ends(broker):
    """The end comes behind the last fact."""
    broker.submit(buy())
    told = broker.fill("a", D(1), D(10))
    broker.close()

    assert told == broker.get(0.0)
    with pytest.raises(FeedClosed):
        broker.get(0.0)
