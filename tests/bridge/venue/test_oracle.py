"""The venue's own books as plain values."""

from __future__ import annotations

import json
from decimal import Decimal

from bridge.venue.faults.armed import Trip
from bridge.venue.oracle import oracle


def test_an_account(desk):
    """Cash, what it has earned and paid, positions, and every order as REST answers it."""
    desk.buy("AAPL", 3)
    desk.buy("BTC/USD", "0.1", time_in_force="gtc")
    desk.place("MSFT", 1, type="limit", limit_price=100)
    desk.later()
    desk.place("AAPL", 1, side="sell")
    desk.later()
    books = oracle(desk.core)["accounts"]["PKTEST"]

    assert desk.account.cash == Decimal(books["cash"])
    assert ("100000", desk.account.fees) == (books["start"], Decimal(books["fees"]))
    assert desk.get("/v2/account")["equity"] == books["equity"]
    assert {"AAPL": {"qty": "2", "cost": "380"}} == {k: v for k, v in books["positions"].items() if k == "AAPL"}
    assert desk.get("/v2/orders", status="all", direction="asc") == books["orders"]


def test_legs_are_orders_of_their_own(desk):
    """A bracket is three of them."""
    desk.place(order_class="bracket", take_profit={"limit_price": 200}, stop_loss={"stop_price": 180})

    assert [None] * 3 == [each["legs"] for each in oracle(desk.core)["accounts"]["PKTEST"]["orders"]]


def test_executions(desk):
    """Every one, under the id of the stream and that of the activity."""
    desk.buy("AAPL", 3)
    desk.place("BTC/USD", "0.1", time_in_force="gtc", client_order_id="mine")
    desk.later()
    told = desk.core.frames()[-1].data
    activity = desk.get("/v2/account/activities/FILL")[0]
    execution = list(desk.core.executions)[-1]
    first, second = oracle(desk.core)["accounts"]["PKTEST"]["executions"]

    assert ("AAPL", "3", "0", "executed") == tuple(first[name] for name in ("symbol", "qty", "fee", "state"))
    assert {
        "execution_id": told["execution_id"],
        "execution_ids": [told["execution_id"]],
        "activity_id": activity["id"],
        "order_id": told["order"]["id"],
        "client_order_id": "mine",
        "symbol": "BTC/USD",
        "side": "buy",
        "qty": told["qty"],
        "price": told["price"],
        "at": told["timestamp"],
        "position_qty": told["position_qty"],
        "fee": f"{execution.fee:f}".rstrip("0").rstrip("."),
        "fee_coin": f"{execution.charge.coin:f}".rstrip("0"),
        "assumption": "open",
        "state": "executed",
    } == second


def test_what_was_busted(desk):
    """It is there, with nothing left of it."""
    desk.buy("AAPL", 3)
    desk.core.bust(next(iter(desk.core.executions)).ids[0], desk.now)
    books = oracle(desk.core)["accounts"]["PKTEST"]
    (execution,) = books["executions"]

    assert ("busted", "0", 2) == (execution["state"], execution["qty"], len(execution["execution_ids"]))
    assert ("100000", {}) == (books["cash"], books["positions"])


def test_arrivals_and_faults(desk):
    """Requests with a good key, and what has bitten; all of it is JSON."""
    desk.get("/v2/clock")
    books = oracle(desk.core, [Trip(at=desk.now, fault="drop-1", what="fill: dropped")])

    assert [
        {"at": "2024-01-02T15:30:00Z", "key": "PKTEST", "allowed": True, "method": "GET", "path": "/v2/clock"}
    ] == books["arrivals"]
    assert [{"at": "2024-01-02T15:30:00Z", "fault": "drop-1", "what": "fill: dropped"}] == books["faults"]
    assert "secret" not in json.dumps(books)
