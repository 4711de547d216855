"""Partial fills, depth, spread and fees: the terms of a market."""

from __future__ import annotations

from datetime import timedelta
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
