"""PATCH and DELETE of orders, and positions closed by one request."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

LIMIT = {"type": "limit", "limit_price": 180}


@pytest.fixture
def resting(desk):
    """A limit order that is at the market."""
    order = desk.place(qty=2, **LIMIT)
    desk.later()
    desk.core.frames()
    return order


def patch(desk, order, **body):
    answer = desk("PATCH", f"/v2/orders/{order['id']}", body)
    return answer.status, answer.body.get("message", answer.body)


# --- changing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({}, 403, "order parameters are not changed"),
        ({"qty": 2, "limit_price": "180.00"}, 403, "order parameters are not changed"),
        ({"client_order_id": "another"}, 403, "order parameters are not changed"),
        ({"qty": "2.5"}, 422, "qty must be integer"),
        ({"stop_price": 200}, 422, "limit orders must not have stop_price"),
        ({"trail": 2}, 422, "limit orders must not have trail"),
        ({"notional": 200}, 422, "notional can be changed of ipo orders only"),
        ({"time_in_force": "never"}, 422, "invalid time_in_force"),
        ({"time_in_force": "opg"}, 422, "opg orders are not accepted between 09:28 and 19:00 ET"),
        (
            {"limit_price": "180.001"},
            422,
            "invalid limit_price 180.001. sub-penny increment does not fulfill minimum pricing criteria",
        ),
        ({"qty": 100_000}, 403, "insufficient buying power"),
    ],
)
def test_a_change_that_breaks_a_rule_is_refused(desk, resting, body, status, message):
    """The old order works on, untouched."""
    assert (status, message) == patch(desk, resting, **body)
    assert "new" == desk.order(resting)["status"]


def test_a_change_needs_an_id_of_its_own(desk, resting):
    """The id of the old order is taken."""
    desk.buy(client_order_id="taken", symbol="F")

    assert (422, "client_order_id must be unique") == patch(desk, resting, qty=3, client_order_id="taken")


@pytest.mark.parametrize("moment", ["at once", "cancelled", "replaced", "over"])
def test_only_an_order_at_the_market_can_be_changed(desk, moment):
    """Not before it is there, nor while it is on its way out, nor once it is over."""
    order = desk.place(qty=2, **LIMIT)
    if moment != "at once":
        desk.later()
    if moment == "cancelled":
        desk("DELETE", f"/v2/orders/{order['id']}")
    if moment == "replaced":
        patch(desk, order, qty=3)
    if moment == "over":
        desk.price("AAPL", "170")
    why = "is not open" if moment == "over" else "isn't sent to exchange yet"

    assert (422, f"unable to replace order, order {why}") == patch(desk, order, qty=4)


def test_an_order_in_parts_keeps_its_quantity(desk):
    """Neither a fraction nor an amount of money can become another one; their prices can."""
    for order in (desk.place(qty="1.5", **LIMIT), desk.place(qty=None, notional=100, **LIMIT)):
        desk.later()

        assert (422, "qty of a fractional or notional order cannot be changed") == patch(desk, order, qty=3)
        assert 200 == patch(desk, order, limit_price=181)[0]
        desk.later()


def test_no_more_than_is_held_can_be_sold_by_a_change(desk):
    """What the old order holds counts as free, and no more than that."""
    desk.buy(qty=5)
    order = desk.place(qty=2, side="sell", type="limit", limit_price=200)
    desk.later()

    assert 403 == patch(desk, order, qty=6)[0]
    assert 200 == patch(desk, order, qty=5)[0]
    assert "0" == desk.get("/v2/positions/AAPL")["qty_available"]


def test_a_change_claims_the_larger_of_both(desk, resting):
    """Until it is decided which of the two works, buying power is kept for the dearer one."""
    before = desk.get("/v2/account")["buying_power"]
    patch(desk, resting, qty=1)
    meanwhile = desk.get("/v2/account")["buying_power"]
    desk.later()

    assert ("399640", "399640", "399820") == (before, meanwhile, desk.get("/v2/account")["buying_power"])


def test_a_change_can_spend_what_the_old_order_claims(new_desk):
    """What the order itself has reserved is there for its replacement, and no more."""
    desk = new_desk(cash=1000, multiplier=1)
    order = desk.place(qty=5, **LIMIT)
    desk.later()

    assert (403, "insufficient buying power") == patch(desk, order, limit_price=201, qty=5)
    assert 200 == patch(desk, order, limit_price="185", qty=5)[0]


def test_a_leg_waits_for_its_entry(desk):
    """Before the entry is filled its exits cannot be changed."""
    entry = desk.place(order_class="bracket", take_profit={"limit_price": 200}, stop_loss={"stop_price": 170}, **LIMIT)
    desk.later()

    for leg in entry["legs"]:
        assert (422, "unable to replace order, order isn't sent to exchange yet") == patch(desk, leg, limit_price=201)


def test_an_order_can_be_changed_at_night(desk):
    """It waits for the market under its new id."""
    order = desk.place(time_in_force="gtc", **LIMIT)
    desk.later()
    desk.at(datetime(2024, 1, 3, 2, tzinfo=UTC))
    _, new = patch(desk, order, limit_price=195)
    desk.later()

    assert ("replaced", "accepted") == (desk.order(order)["status"], desk.order(new)["status"])
    desk.at(datetime(2024, 1, 3, 14, 31, tzinfo=UTC))
    assert "filled" == desk.order(new)["status"]


# --- cancelling -------------------------------------------------------------------------------------------------------


def test_a_replaced_order_cannot_be_cancelled(desk, resting):
    """Neither while it is being replaced nor afterwards."""
    patch(desk, resting, qty=3)
    states = []
    for _ in range(2):
        states.append(desk("DELETE", f"/v2/orders/{resting['id']}").body["message"])
        desk.later()

    assert [f'order is already in "{state}" state' for state in ("pending_replace", "replaced")] == states


def test_the_replacement_can_be_cancelled(desk, resting):
    """Also before it has taken the old one's place; then both are over."""
    _, new = patch(desk, resting, qty=3)
    desk("DELETE", f"/v2/orders/{new['id']}")
    desk.later()

    assert ("replaced", "canceled") == (desk.order(resting)["status"], desk.order(new)["status"])
    assert {} == desk.account.open


def test_all_orders_are_cancelled(desk, resting):
    """The list has what was asked for: a group once, with its legs, and nothing if nothing is open."""
    bracket = desk.buy(
        "F", order_class="bracket", take_profit={"limit_price": 15}, stop_loss={"stop_price": 10}, client_order_id="b"
    )
    answer = desk("DELETE", "/v2/orders")

    assert 207 == answer.status
    assert [(resting["id"], 200, "pending_cancel"), (bracket["id"], 200, "filled")] == [
        (entry["id"], entry["status"], entry["body"]["status"]) for entry in answer.body
    ]
    assert ["pending_cancel", "held"] == [leg["status"] for leg in answer.body[1]["body"]["legs"]]
    desk.later()
    assert (207, []) == (desk("DELETE", "/v2/orders").status, desk("DELETE", "/v2/orders").body)
    assert [] == desk.get("/v2/orders")


def test_one_that_cannot_be_cancelled_is_told_among_the_others(desk, resting):
    """It has the status 500 and an error for a body."""
    _, new = patch(desk, resting, qty=3)
    answer = desk("DELETE", "/v2/orders").body

    assert [(resting["id"], 500), (new["id"], 200)] == [(entry["id"], entry["status"]) for entry in answer]
    assert 'order is already in "pending_replace" state' == answer[0]["body"]["message"]


# --- closing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected"), [({}, "8"), ({"qty": "3"}, "3"), ({"percentage": "25"}, "2"), ({"percentage": "1"}, "0.08")]
)
def test_a_position_is_closed_in_part_or_all(desk, query, expected):
    """By a market order for the day."""
    desk.buy(qty=8)
    answer = desk("DELETE", "/v2/positions/AAPL", **query)

    assert (200, expected, "sell", "market", "day") == (
        answer.status,
        *(answer.body[name] for name in ("qty", "side", "type", "time_in_force")),
    )


def test_a_short_position_is_bought_back(desk):
    """And a coin is sold under its symbol without the slash, down to what is too little for any other order."""
    desk.buy(qty=8, side="sell")
    desk.buy("BTC/USD", "0.0002", time_in_force="gtc")
    sides = [desk("DELETE", f"/v2/positions/{name}").body["side"] for name in ("AAPL", "BTCUSD")]
    desk.later()

    assert ["buy", "sell"] == sides
    assert [] == desk.get("/v2/positions")


@pytest.mark.parametrize(
    ("query", "status"), [({"qty": 1, "percentage": 5}, 400), ({"percentage": 101}, 422), ({"qty": "x"}, 422)]
)
def test_a_position_is_closed_by_one_measure(desk, query, status):
    """A quantity or a percentage up to a hundred."""
    desk.buy(qty=8)

    assert status == desk("DELETE", "/v2/positions/AAPL", **query).status


def test_what_orders_hold_is_not_closed(desk):
    """The refusal stands among the answers for the other positions."""
    desk.buy(qty=2)
    desk.buy("F", qty=5)
    resting = desk.place(qty=2, side="sell", type="limit", limit_price=200)
    answer = desk("DELETE", "/v2/positions")

    assert 207 == answer.status
    assert [("AAPL", 403), ("F", 200)] == [(entry["symbol"], entry["status"]) for entry in answer.body]
    assert [resting["id"]] == answer.body[0]["body"]["related_orders"]


def test_orders_can_be_cancelled_before_all_is_closed(desk):
    """They end at once, and are listed under their ids."""
    desk.buy(qty=2)
    resting = desk.place(qty=2, side="sell", type="limit", limit_price=200)
    answer = desk("DELETE", "/v2/positions", cancel_orders="true")
    desk.later()

    assert [(resting["id"], "canceled"), ("AAPL", "pending_new")] == [
        (entry["symbol"], entry["body"]["status"]) for entry in answer.body
    ]
    assert ([], "canceled") == (desk.get("/v2/positions"), desk.order(resting)["status"])
