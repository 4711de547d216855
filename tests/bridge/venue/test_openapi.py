"""
Every answer against Alpaca's own description of its trading API.

A venue is driven through every route, with every type, class and time in force of orders, with changes, refusals and
errors, and each answer is validated. Where reality differs from the description, the difference stands in a table here
and on the page docs/reference/venue-differences.md; each of them has to occur.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest
from attrs import frozen

from bridge.venue.frictions import Terms
from bridge.venue.limits import RateLimit
from bridge.venue.spelling import parsed

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/reference/venue-differences.md"

DIFFERENCES = {
    # Fields that recordings have and the description lacks.
    "Account.admin_configurations": "undescribed",
    "Account.crypto_tier": "undescribed",
    "Account.effective_buying_power": "undescribed",
    "Account.position_market_value": "undescribed",
    "Account.user_configurations": "undescribed",
    "CanceledOrderResponse.body": "undescribed",
    "Error.available": "undescribed",
    "Error.buy_limit_price": "undescribed",
    "Error.buying_power": "undescribed",
    "Error.cost_basis": "undescribed",
    "Error.existing_order_id": "undescribed",
    "Error.existing_qty": "undescribed",
    "Error.held_for_orders": "undescribed",
    "Error.base_price": "undescribed",
    "Error.market_price": "undescribed",
    "Error.reject_reason": "undescribed",
    "Error.related_orders": "undescribed",
    "Error.sell_limit_price": "undescribed",
    "Error.stop_price": "undescribed",
    "Error.symbol": "undescribed",
    "NonTradeActivities.description": "undescribed",
    "NonTradeActivities.price": "undescribed",
    "Order.source": "undescribed",
    "Order.subtag": "undescribed",
    "OrderLeg.expires_at": "undescribed",
    "OrderLeg.source": "undescribed",
    "OrderLeg.subtag": "undescribed",
    # Values that are not as described.
    "Assets.exchange": "CRYPTO",
    "Position.exchange": "CRYPTO",
    "NonTradeActivities.date": "a date",
    "PositionClosedReponse.body": "an error",
    # The calendar that a venue is given may end.
    "Order.expires_at": "null",
    "legacy_calendar_day.settlement_date": "null",
    "legacy_clock.next_close": "null",
    "legacy_clock.next_open": "null",
}
"""Where answers differ from the description, and how; the page says why."""

NOT_HERE = (
    "/v1/locates",
    "/v2/assets/fixed_income",
    "/v2/corporate_actions",
    "/v2/options",
    "/v2/perpetuals",
    "/v2/positions/{symbol_or_contract_id}/",
    "/v2/tokenization",
    "/v2/wallets",
    "/v2/watchlists",
    "/v2beta1/events/activities",
    "/v3/calendar",
    "/v3/clock",
)
"""What paths begin with that the description has and this venue has not."""


@frozen(kw_only=True)
class Answered:
    """One answer, and what it answered: the path as the description spells it."""

    method: str
    path: str
    status: int
    body: object


# --- driving ----------------------------------------------------------------------------------------------------------

SHARE_ORDERS = [
    {"type": "market"},
    {"qty": None, "notional": "250"},
    {"qty": "0.5"},
    {"type": "limit", "limit_price": "185.5"},
    {"type": "limit", "limit_price": "185.5", "extended_hours": True},
    {"type": "stop", "stop_price": 195},
    {"type": "stop_limit", "stop_price": 195, "limit_price": 196},
    {"type": "trailing_stop", "trail_percent": 5},
    {"type": "trailing_stop", "trail_price": 5, "time_in_force": "gtc"},
    {"time_in_force": "gtc"},
    {"time_in_force": "ioc"},
    {"time_in_force": "fok"},
    {"type": "limit", "limit_price": 150, "time_in_force": "ioc"},
    {"type": "limit", "limit_price": 150, "time_in_force": "fok"},
    {"time_in_force": "cls"},
    {"order_class": "simple", "client_order_id": "mine"},
    {"order_class": "bracket", "take_profit": {"limit_price": 220}, "stop_loss": {"stop_price": 150}},
    {
        "type": "limit",
        "limit_price": 185,
        "order_class": "bracket",
        "take_profit": {"limit_price": 220},
        "stop_loss": {"stop_price": 150, "limit_price": 149},
    },
    {"symbol": "TSLA", "order_class": "oto", "take_profit": {"limit_price": 220}},
    {"symbol": "MSFT", "order_class": "oto", "stop_loss": {"stop_price": 150}},
]
COIN_ORDERS = [
    {"qty": "0.01"},
    {"qty": None, "notional": "100"},
    {"qty": "0.01", "type": "limit", "limit_price": 55000},
    {"qty": "0.01", "type": "stop_limit", "stop_price": 65000, "limit_price": 66000},
    {"qty": "0.01", "time_in_force": "ioc"},
]
READS = [
    ("/v2/account", {}),
    ("/v2/account/configurations", {}),
    ("/v2/account/activities", {}),
    ("/v2/account/activities/FILL", {}),
    ("/v2/account/activities/CFEE", {}),
    ("/v2/account/portfolio/history", {}),
    ("/v2/account/portfolio/history", {"period": "1D", "timeframe": "1Min"}),
    ("/v2/assets", {}),
    ("/v2/assets/AAPL", {}),
    ("/v2/assets/BTC%2FUSD", {}),
    ("/v2/calendar", {}),
    ("/v2/clock", {}),
    ("/v2/orders", {}),
    ("/v2/orders", {"status": "all", "limit": 500}),
    ("/v2/orders", {"status": "all", "limit": 500, "nested": True}),
    ("/v2/orders", {"status": "closed"}),
    ("/v2/orders:by_client_order_id", {"client_order_id": "mine"}),
    ("/v2/positions", {}),
    ("/v2/positions/AAPL", {}),
    ("/v2/positions/BTCUSD", {}),
]


def drive(new_desk):
    """What was answered, from whichever desk."""
    answered = []

    def watched(**more):
        desk = new_desk(**more)
        handle = desk.core.handle

        def told(request, now):
            answer = handle(request, now)
            answered.append((request.method, request.path, answer.status, answer.body))
            return answer

        desk.core.handle = told
        return desk

    day = watched(terms=Terms(partials=0.3), cash=1_000_000)
    for order in SHARE_ORDERS:
        day.place(**order)
        day.later(2)
    for order in COIN_ORDERS:
        day.place(**{"symbol": "BTC/USD", "time_in_force": "gtc"} | order)
        day.later(2)
    for path, query in READS:
        day("GET", path, **query)
    working = day.get("/v2/orders", status="open", limit=500)
    for order in working:
        day("GET", f"/v2/orders/{order['id']}", nested=True)
        day("PATCH", f"/v2/orders/{order['id']}", changed(order))
    day("GET", "/v2/orders", status="all", limit=500)
    day.later(2)
    day("DELETE", f"/v2/orders/{working[0]['id']}")
    day("DELETE", f"/v2/orders/{day.get('/v2/orders')[0]['id']}")
    day("DELETE", "/v2/positions")
    day("DELETE", "/v2/positions/AAPL", percentage=50)
    day("DELETE", "/v2/orders")
    day("PATCH", "/v2/account/configurations", {"no_shorting": True})
    day("PATCH", "/v2/account/configurations", {"no_shorting": False})
    day.later(2)
    day("DELETE", "/v2/positions/BTCUSD", qty="0.01")
    day.later(2)
    day("DELETE", "/v2/positions", cancel_orders=True)
    day.later(2)
    day.place("F", 10, side="sell")  # short
    day.later(5)
    day("GET", "/v2/positions/F")
    day("DELETE", "/v2/positions/F")
    day.later(5)
    for qty in (10, 5):
        day.place("F", qty)
        day.later(60)
    day.place("F", 5, side="sell", type="limit", order_class="oco", limit_price=13, stop_loss={"stop_price": 10})
    day.later(2)
    day("GET", "/v2/orders", nested=True)
    errors(day)
    day.at(datetime(2024, 1, 3, 6, tzinfo=UTC))
    day.place(time_in_force="opg")
    day.place(type="limit", limit_price=150)
    for path, query in READS:
        day("GET", path, **query)
    day.at(datetime(2024, 1, 12, 22, tzinfo=UTC))  # the last session is over
    day.place(qty=2)
    for path, query in READS:
        day("GET", path, **query)

    few = watched(rate=RateLimit(requests=1))
    few("GET", "/v2/clock")
    few("GET", "/v2/clock")
    few.headers = {}
    few("GET", "/v2/account")
    return answered


def changed(order):
    """What PATCH is to change of an order: a price of it where it has one."""
    if order["trail_price"] or order["trail_percent"]:
        return {"trail": 4}
    name = "stop_price" if order["type"] == "stop" else "limit_price"
    return {name: str(int(float(order[name] or 1)) - 1)}


def errors(desk):
    desk.place("SPY")
    desk.later(60)
    desk.place("SPY", side="sell", type="limit", limit_price=600)
    unknown = "b0b6dd9d-8b9b-48a9-ba46-b9d54906e415"
    for method in ("GET", "PATCH", "DELETE"):
        desk(method, f"/v2/orders/{unknown}")
        desk(method, "/v2/orders/x")
    for method in ("GET", "DELETE"):
        desk(method, "/v2/positions/HARD")
    desk("GET", "/v2/orders:by_client_order_id", client_order_id="none")
    desk("GET", "/v2/assets/NONE")
    desk("GET", "/v2/account/activities/FFFFF")
    desk("GET", "/v2/account/portfolio/history", period="7X")
    desk("GET", "/v2/orders", status="some")
    desk("GET", "/v2/calendar", start="x")
    desk("POST", "/v2/orders", b"{")
    for order in (
        {"qty": 100_000},
        {"notional": 5},
        {"symbol": "NONE"},
        {"side": "sell", "qty": 500_000, "symbol": "F"},
        {"type": "stop", "stop_price": 1},
        {"symbol": "BTC/USD", "qty": 4, "time_in_force": "gtc"},
        {"order_class": "bracket", "take_profit": {"limit_price": 300}, "stop_loss": {"stop_price": 299}},
        {"symbol": "SPY", "type": "limit", "limit_price": 600},  # against an own sale at that price
    ):
        assert 400 <= desk.refused(**order)[0] < 500


# --- validating -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def document(shared):
    file = shared / "alpaca/trading-api.openapi.json"
    if not file.is_file():
        pytest.skip("needs the file ../shared/alpaca/trading-api.openapi.json")
    return json.loads(file.read_text(encoding="utf-8"))


@pytest.fixture
def answered(new_desk, document):
    """Every answer, with the path of the description that it belongs to."""
    patterns = [(path, re.compile(re.sub(r"\{\w+\}", "[^/]+", path))) for path in sorted(document["paths"])]
    found = []
    for method, path, status, body in drive(new_desk):
        (spelt,) = [known for known, pattern in patterns if pattern.fullmatch(path)][:1]
        found.append(Answered(method=method, path=spelt, status=status, body=body))
    return found


def modern(node):
    """OpenAPI 3.0 in the words of JSON Schema: what is nullable may be null."""
    if isinstance(node, list):
        return [modern(each) for each in node]
    if not isinstance(node, dict):
        return node
    made = {name: modern(each) for name, each in node.items() if name not in ("nullable", "example", "examples")}
    return {"anyOf": [made, {"type": "null"}]} if node.get("nullable") is True else made


def checker(jsonschema):
    """Formats, which jsonschema does not check by itself."""
    formats = jsonschema.FormatChecker(formats=())
    checks = {
        "uuid": UUID,
        "date-time": lambda text: ("T" in text and parsed(text) is not None) or UUID("no moment"),
        "date": date.fromisoformat,
        "decimal": float,
    }
    for name, check in checks.items():
        formats.checks(name, raises=ValueError)(lambda value, check=check: not isinstance(value, str) or check(value))
    return formats


def parts(document, answer):
    """Name and schema of each part of an answer: one for a body, one an entry for a list."""
    name = lambda schema: schema.get("$ref", "").rpartition("/")[2]  # noqa: E731
    known = document["components"]["schemas"]
    if answer.status >= 400:
        return [("Error", answer.body)]
    described = document["paths"][answer.path][answer.method.lower()]["responses"][str(answer.status)]
    if "content" not in described:
        assert answer.body is None
        return []
    schema = described["content"]["application/json"]["schema"]
    while "$ref" in schema and known[name(schema)]["type"] == "array":
        schema = known[name(schema)]
    if schema.get("type") != "array":
        return [(name(schema), answer.body)]
    if "$ref" in schema["items"]:
        return [(name(schema["items"]), entry) for entry in answer.body]
    # Of activities the description says "one of these", and a fill is valid as either.
    return [("TradingActivities" if e["activity_type"] == "FILL" else "NonTradeActivities", e) for e in answer.body]


def undescribed(known, schema, value, where):
    """Every field that the description does not name, by the schema that lacks it."""
    if "$ref" in schema:
        where = schema["$ref"].rpartition("/")[2]
        schema = known[where]
    if isinstance(value, list):
        for each in value:
            yield from undescribed(known, schema.get("items", {}), each, where)
    elif isinstance(value, dict) and "properties" in schema:
        for field, each in value.items():
            if field in schema["properties"]:
                yield from undescribed(known, schema["properties"][field], each, f"{where}.{field}")
            else:
                yield f"{where}.{field}", "undescribed"


def invalid(validator, name, value):
    """Every field that is not as described, and how it is."""
    for error in validator.iter_errors(value):
        place = ".".join([name, *(part for part in error.absolute_path if isinstance(part, str))])
        if error.validator == "required":
            yield f"{place}.{error.message.split(chr(39))[1]}", "missing"
        else:
            kind = {"type": "null" if error.instance is None else "of another type", "format": "a date"}
            yield place, kind.get(error.validator, str(error.instance))


@pytest.fixture
def differences(document, answered):
    """Where answers are not as described, ``Schema.field``, and how."""
    jsonschema = pytest.importorskip("jsonschema")
    described, components, formats = (
        document["components"]["schemas"],
        modern(document["components"]),
        checker(jsonschema),
    )
    validators = {
        name: jsonschema.Draft202012Validator(
            {"$ref": f"#/components/schemas/{name}", "components": components}, format_checker=formats
        )
        for name in described
    }
    found = set()
    for answer in answered:
        for name, value in parts(document, answer):
            if name == "PositionClosedReponse" and value["status"] != 200:
                found |= {
                    (f"{name}.body", "an error"),
                    *undescribed(described, described["Error"], value["body"], "Error"),
                }
                found |= set(invalid(validators["Error"], "Error", value["body"]))
                value = {field: each for field, each in value.items() if field != "body"}
            found |= {*invalid(validators[name], name, value), *undescribed(described, described[name], value, name)}
    return found


# --- what holds -------------------------------------------------------------------------------------------------------


def test_answers_are_as_described(differences):
    """Apart from what stands in the table, each line of which occurs."""
    assert set(DIFFERENCES.items()) == differences


def test_the_page_has_the_same_differences():
    """The table and the page on differences name the same fields."""
    part = PAGE.read_text(encoding="utf-8").split("## From the description\n")[1].split("\n## ")[0]

    assert sorted(DIFFERENCES) == sorted(re.findall(r"`(\w+\.\w+)`", part))


def test_every_path_was_driven_or_is_not_here(document, answered, desk):
    """Each path and method of the description is answered, or stands in the list of those that are not."""
    spelt = {
        (method.upper(), path)
        for path, methods in document["paths"].items()
        for method in methods
        if method in ("get", "post", "put", "patch", "delete")
    }
    missing = {each for each in spelt if each[1].startswith(NOT_HERE)}
    part = PAGE.read_text(encoding="utf-8").split("## Not here\n")[1].split("\n## ")[0]

    assert spelt - missing == {(answer.method, answer.path) for answer in answered}
    assert set(NOT_HERE) == set(re.findall(r"`(/v\w+/[^`]*)`", part))
    for method, path in missing:
        if not path.startswith(("/v2/assets", "/v2/positions")):  # those read the rest as a name
            assert (404, f"this venue has no {method} {path}") == (
                desk(method, path).status,
                desk(method, path).body["message"],
            )


def test_every_kind_of_order_was_driven(answered):
    """Each type, class and time in force was taken."""
    placed = [
        answer.body for answer in answered if (answer.method, answer.path, answer.status) == ("POST", "/v2/orders", 200)
    ]

    assert {"market", "limit", "stop", "stop_limit", "trailing_stop"} == {order["type"] for order in placed}
    assert {"", "bracket", "oco", "oto"} == {order["order_class"] for order in placed}
    assert {"day", "gtc", "opg", "cls", "ioc", "fok"} == {order["time_in_force"] for order in placed}


def test_every_status_was_driven(answered):
    """So was each status of an answer that is given here, and each of an order."""
    orders = [
        order
        for answer in answered
        for entry in (answer.body if isinstance(answer.body, list) else [answer.body])
        if isinstance(entry, dict) and "client_order_id" in (order := entry.get("body", entry))
    ]

    assert {200, 204, 207, 400, 401, 403, 404, 422, 429} == {answer.status for answer in answered}
    assert {
        "accepted",
        "canceled",
        "expired",
        "filled",
        "held",
        "new",
        "pending_cancel",
        "pending_new",
        "pending_replace",
        "replaced",
    } <= {order["status"] for order in [*orders, *(leg for order in orders for leg in order["legs"] or [])]}
