"""An order in an answer, and as the matcher gets it."""

from __future__ import annotations

from decimal import Decimal as D

from bridge.venue.assets import Assets
from bridge.venue.orders import Draft, Order, order_json
from engine.model import OrderType, Side, TimeInForce


def order(**more):
    usual = {"side": Side.BUY, "type": OrderType.MARKET, "time_in_force": TimeInForce.DAY, "qty": D(3)}
    draft = Draft(asset=Assets().find("AAPL"), **usual | more)
    return Order(id="o", client_order_id="c", owner="a", draft=draft, status="new", created_at=0, quantity=draft.qty)


def test_averages_have_six_decimals():
    """However many the division has."""
    filled = order()
    filled.filled, filled.cost = D(3), D(100)

    assert "33.333333" == order_json(filled)["filled_avg_price"]


def test_only_one_of_quantity_and_money_is_told():
    """An order for money has no quantity, also once it is known how much it buys."""
    money = order(qty=None, notional=D(50))
    money.quantity = D("0.25")

    assert (None, "50") == (order_json(money)["qty"], order_json(money)["notional"])


def test_a_stop_that_was_reached_is_none_any_more():
    """The matcher gets a limit or a market order."""
    kinds = []
    for more in (
        {"type": OrderType.STOP, "stop_price": D(5), "side": Side.SELL},
        {"type": OrderType.STOP_LIMIT, "stop_price": D(5), "limit_price": D(6)},
        {"type": OrderType.TRAILING_STOP, "trail_price": D(1)},
    ):
        stop = order(**more)
        kinds.append(stop.as_request(D(1)).type)
        stop.triggered = True
        kinds.append(stop.as_request(D(1)).type)

    assert [
        OrderType.STOP,
        OrderType.MARKET,
        OrderType.STOP_LIMIT,
        OrderType.LIMIT,
        OrderType.TRAILING_STOP,
        OrderType.MARKET,
    ] == kinds


def test_a_stop_that_buys_is_sent_with_a_limit():
    """4 % above a stop below 50 dollars, 2.5 % above any other, in whole cents."""
    stops = [order(type=OrderType.STOP, stop_price=D(price)) for price in ("0.5", "49.99", "50", "10.01")]
    requests = [stop.as_request(D(1)) for stop in stops]

    assert [D("0.52"), D("51.98"), D("51.25"), D("10.41")] == [request.limit_price for request in requests]
    assert {OrderType.STOP_LIMIT} == {request.type for request in requests}
    assert [None, None] == [
        order(side=side, type=kind, stop_price=D(5), limit_price=limit).collar
        for side, kind, limit in ((Side.SELL, OrderType.STOP, None), (Side.BUY, OrderType.STOP_LIMIT, D(6)))
    ]


def test_the_two_names_of_the_type_agree():
    """One is deprecated, and always sent."""
    body = order_json(order())

    assert "market" == body["type"] == body["order_type"]
