"""Every error that is known of Alpaca's trading API, line by line: status, code, words and the other fields."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import field, frozen

from bridge.venue.limits import RateLimit

UNKNOWN = "b0b6dd9d-8b9b-48a9-ba46-b9d54906e415"
COIN = {"symbol": "BTC/USD", "time_in_force": "gtc"}
REST = {"type": "limit", "limit_price": 150}
MONEY = {"qty": None, "notional": "100"}
NIGHT = datetime(2024, 1, 3, 6, tzinfo=UTC)


@frozen(kw_only=True)
class Line:
    """
    One error.

    Attributes:
        ask: Makes a request at a desk; gives the answer, and what its other fields are.
        desk: How the desk is made.
    """

    status: int
    code: int
    words: str
    ask: Callable[[Any], tuple[Any, dict[str, Any]]]
    desk: dict[str, Any] = field(factory=dict)


def order(**more):
    """A request for an order that is refused; no other fields but ``extra``."""
    extra = more.pop("extra", {})
    usual = {"symbol": "AAPL", "qty": 1, "side": "buy", "type": "market", "time_in_force": "day"}
    body = {name: value for name, value in (usual | more).items() if value is not None}
    return lambda desk: (desk("POST", "/v2/orders", body), extra)


def request(method, path, body=None, **query):
    return lambda desk: (desk(method, path, body, **query), {})


def without_key(desk):
    desk.headers = {}
    return desk("GET", "/v2/account"), {}


def too_often(desk):
    desk("GET", "/v2/clock")
    return desk("GET", "/v2/clock"), {}


def held(desk):
    """More than what other orders leave."""
    desk.buy(qty=10)
    resting = desk.place(qty=6, side="sell", type="limit", limit_price=200)
    answer = desk("POST", "/v2/orders", {**usual("sell", 10), "type": "limit", "limit_price": "210"})
    extra = {"available": "4", "existing_qty": "10", "held_for_orders": "6", "symbol": "AAPL"}
    return answer, extra | {"related_orders": [resting["id"]]}


def usual(side, qty, **more):
    return {"symbol": "AAPL", "qty": qty, "side": side, "type": "market", "time_in_force": "day"} | more


def coins(desk):
    desk.buy("BTC/USD", "0.0002", time_in_force="gtc")
    answer = desk("POST", "/v2/orders", usual("sell", "0.0002", **COIN))
    return answer, {"available": "0.0001995", "symbol": "BTC"}


def wash(reason, new, existing, **limits):
    """An order against an open one of the account."""

    def ask(desk):
        desk.buy(qty=10)
        resting = desk.place(**existing)
        answer = desk("POST", "/v2/orders", usual(**{"qty": 1} | new))
        return answer, {"existing_order_id": resting["id"], "reject_reason": reason, **limits}

    return ask


def suspended(desk):
    desk("PATCH", "/v2/account/configurations", {"suspend_trade": True})
    return desk("POST", "/v2/orders", usual("buy", 1)), {}


def behind(first, second, *, bought=0):
    """An order that is refused for the sake of another one."""

    def ask(desk):
        if bought:
            desk.buy(qty=bought)
        desk.place(**first)
        body = {"symbol": "AAPL", "qty": 1, "time_in_force": "day"} | second
        return desk("POST", "/v2/orders", {name: value for name, value in body.items() if value is not None}), {}

    return ask


def changed(change, *, wait=True, price=None, **more):
    def ask(desk):
        placed = desk.place(**REST | more)
        if wait:
            desk.later()
        if price:
            desk.price("AAPL", price)
        return desk("PATCH", f"/v2/orders/{placed['id']}", change), {}

    return ask


def cancelled_too_late(desk):
    placed = desk.buy()
    return desk("DELETE", f"/v2/orders/{placed['id']}"), {}


ALONE, NOT_ALLOWED, NOT_FOUND, INVALID, UNDERSTOOD = 40110000, 40310000, 40410000, 42210000, 40010001
LINES = [
    Line(status=401, code=ALONE, words="access key verification failed : verification failure", ask=without_key),
    Line(
        status=403,
        code=NOT_ALLOWED,
        words="insufficient buying power",
        ask=order(qty=10_000, extra={"buying_power": "400000", "cost_basis": "1947500"}),
    ),
    Line(
        status=403,
        code=NOT_ALLOWED,
        words="insufficient qty available for order (requested: 10, available: 4)",
        ask=held,
    ),
    Line(
        status=403,
        code=NOT_ALLOWED,
        words="insufficient balance for BTC (requested: 0.0002, available: 0.0001995)",
        ask=coins,
    ),
    *(
        Line(status=403, code=NOT_ALLOWED, words="potential wash trade detected. use complex orders", ask=ask)
        for ask in (
            wash(
                "opposite side market/stop order exists",
                {"side": "buy"},
                {"side": "sell", "type": "stop", "stop_price": 180},
            ),
            wash(
                "opposite side limit order exists",
                {"side": "buy"},
                {"side": "sell", "type": "limit", "limit_price": 200},
                sell_limit_price="200",
            ),
            wash(
                "sell order exists, buy limit price should be less than existing sell limit price",
                {"side": "buy", "type": "limit", "limit_price": 201},
                {"side": "sell", "type": "limit", "limit_price": 200},
                buy_limit_price="201",
                sell_limit_price="200",
            ),
        )
    ),
    Line(
        status=403,
        code=NOT_ALLOWED,
        words="cost basis must be >= minimal amount of order 1",
        ask=order(qty="0.001"),
    ),
    Line(
        status=403,
        code=NOT_ALLOWED,
        words="cost basis must be >= minimal amount of order 10",
        ask=order(qty="0.0001", **COIN),
    ),
    Line(status=403, code=NOT_ALLOWED, words='asset "WHOLE" is not fractionable', ask=order(symbol="WHOLE", qty="1.5")),
    Line(status=403, code=NOT_ALLOWED, words="new orders are rejected by user request", ask=suspended),
    Line(
        status=403,
        code=NOT_ALLOWED,
        words="cannot open a short sell while a long buy order is open",
        ask=behind(REST, {"side": "sell", "type": "limit", "limit_price": 200}),
    ),
    Line(
        status=403,
        code=NOT_ALLOWED,
        words="unable to open new notional orders while having open closing position orders",
        ask=behind(
            {"side": "sell", "type": "limit", "limit_price": 200},
            {"side": "buy", **REST, **MONEY},
            bought=5,
        ),
    ),
    Line(
        status=403,
        code=NOT_ALLOWED,
        words="order parameters are not changed",
        ask=changed({"limit_price": "150.00"}),
    ),
    Line(
        status=404,
        code=NOT_FOUND,
        words=f"order not found for {UNKNOWN}",
        ask=request("GET", f"/v2/orders/{UNKNOWN}"),
    ),
    Line(
        status=404,
        code=NOT_FOUND,
        words="position does not exist",
        ask=request("GET", "/v2/positions/AAPL"),
    ),
    Line(status=404, code=NOT_FOUND, words="asset not found for FFFFF", ask=request("GET", "/v2/assets/FFFFF")),
    Line(
        status=422,
        code=UNDERSTOOD,
        words="client_order_id must be unique",
        ask=behind({"client_order_id": "mine"}, {**usual("buy", 1), "client_order_id": "mine"}),
    ),
    Line(
        status=422,
        code=UNDERSTOOD,
        words="client_order_id must be no more than 128 characters",
        ask=order(client_order_id="x" * 129),
    ),
    Line(status=422, code=UNDERSTOOD, words="qty is required", ask=order(qty=None)),
    Line(status=422, code=UNDERSTOOD, words="qty must be integer", ask=changed({"qty": "1.5"})),
    Line(status=422, code=UNDERSTOOD, words="order_id is missing", ask=request("GET", "/v2/orders/x")),
    Line(
        status=422,
        code=UNDERSTOOD,
        words="invalid order type for crypto order",
        ask=order(qty="0.01", type="stop", stop_price=70000, **COIN),
    ),
    Line(
        status=422,
        code=UNDERSTOOD,
        words="invalid activity type: FFFFF",
        ask=request("GET", "/v2/account/activities/FFFFF"),
    ),
    Line(status=422, code=UNDERSTOOD, words="asset GONE is not active", ask=order(symbol="GONE")),
    Line(
        status=422,
        code=UNDERSTOOD,
        words="unable to replace order, order isn't sent to exchange yet",
        ask=changed({"qty": 2}, wait=False),
    ),
    Line(
        status=422,
        code=UNDERSTOOD,
        words="unable to replace order, order is not open",
        ask=changed({"qty": 2}, price="150"),
    ),
    Line(status=422, code=INVALID, words='asset "ZZZZ" not found', ask=order(symbol="ZZZZ")),
    Line(status=422, code=INVALID, words='asset "HALT" is not tradable', ask=order(symbol="HALT")),
    Line(status=422, code=INVALID, words='asset "HARD" cannot be sold short', ask=order(symbol="HARD", side="sell")),
    Line(
        status=422,
        code=INVALID,
        words="invalid limit_price 190.123. sub-penny increment does not fulfill minimum pricing criteria",
        ask=order(type="limit", limit_price="190.123"),
    ),
    Line(
        status=422,
        code=INVALID,
        words="invalid stop_price 195.123. sub-penny increment does not fulfill minimum pricing criteria",
        ask=order(type="stop", stop_price="195.123"),
    ),
    Line(
        status=422,
        code=INVALID,
        words="fractional orders must be DAY orders",
        ask=order(qty="1.5", time_in_force="gtc"),
    ),
    Line(
        status=422,
        code=INVALID,
        words="fractional orders must be simple orders",
        ask=order(qty="1.5", order_class="oto", stop_loss={"stop_price": 150}),
    ),
    Line(
        status=422,
        code=INVALID,
        words="fractional orders cannot be sold short",
        ask=order(qty="1.5", side="sell"),
    ),
    Line(
        status=422,
        code=INVALID,
        words="notional amount must be >= 1.00",
        ask=order(qty=None, notional="0.99"),
    ),
    Line(status=422, code=INVALID, words="invalid crypto time_in_force", ask=order(symbol="BTC/USD")),
    Line(
        status=422,
        code=INVALID,
        words="extended hours order must be DAY or GTC limit orders",
        ask=order(extended_hours=True),
    ),
    Line(
        status=422,
        code=INVALID,
        words="stop price must be less than current price",
        ask=order(side="sell", type="stop", stop_price=200, extra={"market_price": "190", "stop_price": "200"}),
    ),
    Line(
        status=422,
        code=INVALID,
        words="stop price must be greater than current price",
        ask=order(type="stop", stop_price=180, extra={"market_price": "190", "stop_price": "180"}),
    ),
    Line(status=422, code=INVALID, words='order is already in "filled" state', ask=cancelled_too_late),
    Line(
        status=429,
        code=42910000,
        words="rate limit exceeded",
        ask=too_often,
        desk={"rate": RateLimit(requests=1)},
    ),
]

CANNOT = {
    "unauthorized.": "of the two bodies of a 401 the venue has the one with a code",
    "account is not authorized to trade": "accounts here are always active; their owner can suspend trading",
    "insufficient underlying qty available for covered call": "options are not traded here",
    "trade denied due to pattern day trading protection": "the rule was dropped in 2026",
    "internal server error occurred": "the core has none; a server that is told to can send it",
}
"""Known errors that this venue does not answer with."""


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.words)
def test_a_line_of_the_table(new_desk, line):
    """The error comes with its status, its code, its words and its other fields, and with nothing else."""
    answer, extra = line.ask(new_desk(**line.desk))

    assert (line.status, {"code": line.code, "message": line.words, **extra}) == (answer.status, answer.body)


def test_the_table_is_complete(shared):
    """Each line of the reference is one of these, or stands among those that cannot be."""
    text = (shared / "alpaca/PROTOCOL.md").read_text(encoding="utf-8")
    part = text.split("### 4.9 Errors")[1].split("### 4.10")[0]
    rows = [[cell.strip() for cell in row.split("|")[1:4]] for row in re.findall(r"^\|.*\|$", part, re.M)]
    ours = {(str(line.status), str(line.code)) for line in LINES}
    known = [shape(line.words) for line in LINES] + [shape(words) for words in CANNOT]
    left = [
        (status, words)
        for status, code, words in rows
        if status.isdigit() and not any(shape(words).startswith(each[:20]) for each in known)
    ]

    assert 28 == sum(row[0].isdigit() for row in rows)
    assert [] == left
    assert ours >= {(status, code) for status, code, _ in rows if code.isdigit()} - {
        ("403", "40310100"),
        ("500", "50010000"),
    }


def shape(words):
    """Words without the names and numbers in them."""
    return re.sub(r'"\w+"|\b[A-Z/]{3,}\b|[\d.]+', "*", words)
