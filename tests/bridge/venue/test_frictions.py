"""Partial fills, depth, spread and fees: the terms of a market."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest

from bridge.venue.frictions import Terms
from engine.errors import InvalidRequest
from engine.market.bars import Bar
from engine.market.fees import BasisPoints
from engine.market.liquidity import Depth
from engine.market.prices import TakerCosts


def test_chance_fills_in_parts(new_desk):
    """Each part is told, the last one is the fill, and together they are the order."""
    desk = new_desk(terms=Terms(partials=0.9), seed=3)
    order = desk.place(qty=50)
    for _ in range(60):
        desk.later()
    parts = [frame.data for frame in desk.core.frames()][2:]

    assert len(parts) > 2
    assert [*["partial_fill"] * (len(parts) - 1), "fill"] == [data["event"] for data in parts]
    assert 50 == sum(int(data["qty"]) for data in parts)
    assert [str(sum(int(d["qty"]) for d in parts[: n + 1])) for n in range(len(parts))] == [
        data["position_qty"] for data in parts
    ]
    assert "filled" == desk.order(order)["status"]


def test_one_in_ten(new_desk):
    """As often as was said, give or take."""
    desk = new_desk(terms=Terms(partials=0.1), cash=10**9)
    for _ in range(300):
        desk.place("F", 100)
        desk.later(5)
    events = [frame.data["event"] for frame in desk.core.frames()]

    assert 15 < events.count("partial_fill") < 60


def test_all_or_nothing_is_not_cut(new_desk):
    """A fill or kill order fills whole."""
    desk = new_desk(terms=Terms(partials=0.99))
    order = desk.place(qty=50, time_in_force="fok", type="limit", limit_price=190)
    desk.later()

    assert "filled" == desk.order(order)["status"]


def test_a_bar_has_so_much(new_desk):
    """No more than a part of a bar's volume is traded; the rest waits for the next one."""
    desk = new_desk(terms=Terms(depth=Depth(participation=D("0.1"))))
    order = desk.place(qty=50, type="limit", limit_price=185)
    desk.later()
    start = desk.now
    end = start + timedelta(minutes=1)
    desk.core.bar(Bar("AAPL", start, end, D(184), D(184), D(184), D(184), D(300)))
    desk.now = end

    assert ("partially_filled", "30") == tuple(desk.order(order)[name] for name in ("status", "filled_qty"))


def test_who_takes_pays_the_spread(new_desk):
    """Half of it, and money buys as much as that leaves."""
    desk = new_desk(terms=Terms(costs=TakerCosts(spread=D(100))))
    orders = [desk.place(), desk.place("F", None, notional=603)]
    desk.later()

    assert ["190.95", "12.06"] == [desk.order(order)["filled_avg_price"] for order in orders]
    assert "50" == desk.order(orders[1])["filled_qty"]


def test_fees_in_money_are_taken_from_cash(new_desk):
    """And counted."""
    desk = new_desk(terms=Terms(fees=BasisPoints(D(10))))
    desk.buy(qty=10)

    assert ("98098.1", D("1.9")) == (desk.get("/v2/account")["cash"], desk.account.fees)


@pytest.mark.parametrize("more", [{"latency": (1, 0)}, {"latency": (-1, 0)}, {"partials": 1}, {"partials": -0.1}])
def test_terms_make_sense(more):
    """Seconds in order, a ratio below one."""
    with pytest.raises(InvalidRequest):
        Terms(**more)


# --- as in the engine's own market ------------------------------------------------------------------------------------

LATE = datetime(2024, 1, 2, 22, 30, tzinfo=UTC)


def test_direct_orders_are_there_at_once(new_desk):
    """An order, a change and a cancel take effect as they are asked for, and nothing trades before the next move."""
    desk = new_desk(terms=Terms(direct=True))
    bought = desk.place()
    rests = desk.place(type="limit", limit_price=180)
    changed = desk("PATCH", f"/v2/orders/{rests['id']}", {"limit_price": "181"}).body
    desk("DELETE", f"/v2/orders/{changed['id']}")
    events = desk.events()
    desk.price("AAPL", "191", jump=True)

    assert ["new", "new", "new"] == [each["status"] for each in (bought, rests, changed)]
    assert [
        ("pending_new", "market", "pending_new"),
        ("new", "market", "new"),
        ("pending_new", "limit", "pending_new"),
        ("new", "limit", "new"),
        ("pending_new", "limit", "pending_new"),
        ("replaced", "limit", "replaced"),
        ("new", "limit", "new"),
        ("canceled", "limit", "canceled"),
    ] == events
    assert ("filled", "191") == tuple(desk.order(bought)[name] for name in ("status", "filled_avg_price"))


def test_direct_orders_know_no_hours(new_desk):
    """At night an order is at the market, and a price that comes trades it."""
    desk = new_desk(start=LATE, terms=Terms(direct=True))
    order = desk.place()
    desk.price("AAPL", "191")

    assert ("new", "filled") == (order["status"], desk.order(order)["status"])


@pytest.mark.parametrize(("lasting", "ends"), [("gtc", None), ("day", "2024-01-03T21:00:00Z")])
def test_direct_orders_end_with_a_session_or_never(new_desk, lasting, ends):
    """One for the day ends with the session that it is for, and one that is good till cancelled with a cancel alone."""
    desk = new_desk(start=LATE, terms=Terms(direct=True))

    assert ends == desk.place(type="limit", limit_price=1, time_in_force=lasting)["expires_at"]


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ({"side": "sell", "qty": 5}, "insufficient qty available for order (requested: 5, available: 3)"),
        ({"side": "sell", "qty": 1, "type": "limit", "limit_price": "190.001"}, "sub-penny"),
        ({"qty": 10**6}, "insufficient buying power"),
        ({"side": "sell", "qty": 1, "type": "stop", "stop_price": 195}, "stop price must be less than"),
        ({"symbol": "BTC/USD", "qty": "0.000001", "time_in_force": "day"}, "invalid crypto time_in_force"),
    ],
)
def test_lenient_terms_let_pass_what_could_be_worked(new_desk, order, message):
    """The order is taken, and what the refusal would have been is kept, with the order's id and the moment."""
    strict, lenient = new_desk(), new_desk(terms=Terms(lenient=True))
    refusals = []
    for desk in (strict, lenient):
        desk.buy(qty=3)
        refusals.append(desk.refused(**{"client_order_id": "mine", **order}))
    (waived,) = lenient.core.waived

    assert (refusals[0], 200) == ((waived.failure.status, waived.failure.body), refusals[1][0])
    assert message in waived.failure.message
    assert ("mine", lenient.now, lenient.account.id) == (waived.client_order_id, waived.at, waived.account)
    assert [] == strict.core.waived


@pytest.mark.parametrize(
    "order",
    [
        {"symbol": "HALT"},
        {"symbol": "NONE"},
        {"type": "limit"},
        {"type": "stop", "stop_price": 195, "time_in_force": "opg"},
        {"order_class": "bracket", "take_profit": {"limit_price": 1}, "stop_loss": {"stop_price": 2}},
        {"qty": None, "notional": "0.50"},
    ],
)
def test_lenient_terms_refuse_what_cannot(new_desk, order):
    """No market could work it, or it is no single order."""
    desk = new_desk(terms=Terms(lenient=True))

    assert desk.refused(**order)[0] in (403, 422)
    assert [] == desk.core.waived


def test_lenient_terms_let_changes_pass(new_desk):
    """A stop can be moved beyond the market."""
    desk = new_desk(terms=Terms(lenient=True, direct=True))
    stop = desk.place(type="stop", stop_price=195)
    changed = desk("PATCH", f"/v2/orders/{stop['id']}", {"stop_price": "150"})

    assert (200, "new") == (changed.status, changed.body["status"])
    assert ["stop price must be greater than"] == [w.failure.message[:31] for w in desk.core.waived]
