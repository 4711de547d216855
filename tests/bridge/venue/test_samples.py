"""
Every recorded payload of Alpaca's trading API beside what the venue answers: the same fields, of the same JSON types.

What is deliberately different stands in the tables here, each line with its reason, and each of them occurs.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

FILES = ("orders", "positions", "account", "activities", "assets", "clock_calendar", "errors", "trade_updates")

SKIPPED = {
    ("orders", "request.ipo"): "public offerings are not traded here",
    ("orders", "request.multilegoptions"): "options are not traded here",
    ("orders", "request.options"): "options are not traded here",
    ("orders", "response.post.ipo"): "public offerings are not traded here",
    ("orders", "response.post.multilegoptions"): "options are not traded here",
    ("orders", "response.post.options"): "options are not traded here",
    ("errors", "error.No Available Position"): "exercise of options",
    ("errors", "error.Short Position"): "exercise of options",
    ("errors", "error.Invalid Symbol"): "exercise of options",
    ("trade_updates", "sse.broker.v1.new"): "the Broker API's; its frames have other fields",
    **dict.fromkeys(
        [
            ("trade_updates", "ws.client.listen"),
            ("trade_updates", "ws.client.authenticate"),
            ("trade_updates", "ws.server.listening.ok"),
            ("trade_updates", "ws.server.authorization.authorized"),
            ("trade_updates", "ws.server.authorization.unauthorized"),
        ],
        "the dialogue: bridge.stream",
    ),
}
"""Recordings without a counterpart."""

LESS = {
    ("account", "bod_dtbp"): "deprecated with the rules for day traders",
    ("account", "daytrade_count"): "deprecated, and not sent by accounts of 2026",
    ("account", "daytrading_buying_power"): "deprecated, and not sent by accounts of 2026",
    ("account", "pattern_day_trader"): "deprecated, and not sent by accounts of 2026",
    ("fee", "activity_sub_type"): "of dividends, which are not paid here",
    ("fee", "per_share_amount"): "of dividends, which are not paid here",
}
"""Fields that were recorded and are not sent."""

MORE = {
    ("order", "expires_at"): "newer than the recordings of whole orders",
    ("order", "position_intent"): "newer than the recordings",
    ("configurations", "ptp_no_exception_entry"): "newer than the recordings",
    ("configurations", "max_options_trading_level"): "newer than the recordings",
    ("fee", "description"): "newer than the recordings",
    ("fee", "price"): "of fees in coins, which were not recorded",
    ("asset", "attributes"): "newer than the recordings",
    ("asset", "margin_requirement_long"): "newer than the recordings",
    ("asset", "margin_requirement_short"): "newer than the recordings",
    ("coin", "attributes"): "newer than the recordings",
    ("coin", "maintenance_margin_requirement"): "as of shares",
    ("coin", "margin_requirement_long"): "as of shares",
    ("coin", "margin_requirement_short"): "as of shares",
    ("day", "settlement_date"): "newer than the recordings",
    ("frame", "at"): "newer than the recordings",
    ("frame", "event_id"): "newer than the recordings",
    ("frame", "settle_date"): "newer than the recordings",
    ("frame", "swap_rate"): "newer than the recordings",
    ("order in a frame", "position_intent"): "newer than the recordings",
    ("order in a frame", "expires_at"): "newer than the recordings",
}
"""Fields that are sent and were not recorded."""

OTHER = {}
"""Fields of another type than recorded."""

MARKS = {
    "frame": {"event", "order"},
    "order in a frame": {"client_order_id", "cancel_requested_at"},
    "order": {"client_order_id", "submitted_at"},
    "account": {"account_number", "cash"},
    "configurations": {"suspend_trade"},
    "history": {"base_value"},
    "position": {"avg_entry_price"},
    "fill": {"cum_qty"},
    "fee": {"net_amount"},
    "coin": {"min_trade_increment"},
    "asset": {"shortable"},
    "clock": {"is_open"},
    "day": {"date", "open"},
    "error": {"code", "message"},
}
"""What a payload is, by fields that only it has."""


@pytest.fixture(scope="module")
def samples(shared):
    folder = shared / "alpaca/samples"
    if not folder.is_dir():
        pytest.skip("needs the folder ../shared/alpaca/samples")
    return {name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in FILES}


def kind_of(payload):
    return next((kind for kind, names in MARKS.items() if names <= set(payload)), None)


def parts(payload):
    """The objects in a payload: entries of a list, what an entry is about, the legs and the order of a frame."""
    for each in payload if isinstance(payload, list) else [payload]:
        each = each.get("body", each.get("data", each))
        yield each
        yield from each.get("legs") or []
        if "event" in each:
            yield each["order"]


def counterparts(desk):
    """One answer of each kind, each as rich as it can be."""
    desk.place(order_class="bracket", take_profit={"limit_price": 200}, stop_loss={"stop_price": 170})
    desk.later()
    frame = desk.core.frames()[2].data
    desk.buy("BTC/USD", "0.01", time_in_force="gtc")
    desk.at(datetime(2024, 1, 3, 6, tzinfo=UTC))
    fee, *fills = desk.get("/v2/account/activities")
    return {
        "frame": frame,
        "order in a frame": frame["order"],
        "order": desk.get("/v2/orders", status="all", nested="true")[1],
        "account": desk.get("/v2/account"),
        "configurations": desk.get("/v2/account/configurations"),
        "history": desk.get("/v2/account/portfolio/history"),
        "position": desk.get("/v2/positions/AAPL"),
        "fill": fills[0],
        "fee": fee,
        "asset": desk.get("/v2/assets/AAPL"),
        "coin": desk.get("/v2/assets/BTCUSD"),
        "clock": desk.get("/v2/clock"),
        "day": desk.get("/v2/calendar")[0],
    }


@pytest.fixture
def compared(samples, desk):
    """Of each kind: our fields, and for each field that was recorded the JSON types it had."""
    recorded = {}
    for file, entries in samples.items():
        for sample in entries:
            if (file, sample["kind"]) in SKIPPED or sample["kind"].startswith("request.") or sample["payload"] is None:
                continue
            for part in parts(sample["payload"]):
                kind = kind_of(part)
                assert kind is not None, (file, sample["kind"], sorted(part))
                for field, value in part.items():
                    recorded.setdefault(kind, {}).setdefault(field, set()).add(json_type(value))
    del recorded["error"]  # compared as a whole, below
    return counterparts(desk), recorded


def json_type(value):
    names = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


# --- fields and types -------------------------------------------------------------------------------------------------


def test_every_recording_is_accounted_for(samples):
    """A kind that was passed over stands in the table, and nothing else does."""
    there = {(file, sample["kind"]) for file, entries in samples.items() for sample in entries}

    assert set() == set(SKIPPED) - there


def test_every_kind_was_recorded(compared):
    """What is compared was found among the recordings."""
    ours, recorded = compared

    assert set(ours) == set(recorded)


def test_no_recorded_field_is_missing(compared):
    """But for those in the table."""
    ours, recorded = compared
    missing = {(kind, field) for kind, fields in recorded.items() for field in fields if field not in ours[kind]}

    assert set(LESS) == missing


def test_no_field_is_new(compared):
    """But for those in the table, which are younger than the recordings."""
    ours, recorded = compared
    new = {(kind, field) for kind, fields in ours.items() for field in fields if field not in recorded[kind]}

    assert set(MORE) == new


def test_every_field_has_its_type(compared):
    """Null is as good as any where either side has it."""
    ours, recorded = compared
    other = {
        (kind, field): (json_type(value), sorted(recorded[kind][field]))
        for kind, fields in ours.items()
        for field, value in fields.items()
        if field in recorded[kind]
        and value is not None
        and json_type(value) not in recorded[kind][field]
        and recorded[kind][field] != {"null"}
    }

    assert OTHER == other


# --- requests and errors ----------------------------------------------------------------------------------------------

DIFFERENT_WORDS = {
    "error.order.create_422": {"code": 42210000, "message": 'asset "FACEBOOK" not found'},  # as answered since 2021
    "error.order.create_403": {"buying_power": "399850", "cost_basis": "2050000000"},  # the price of today
}
"""What is answered today in other words than recorded."""


def test_recorded_errors_are_answered(samples, desk):
    """The recorded request gets the recorded status and body."""
    old = desk.place(type="limit", limit_price=150)
    compared = 0
    for sample in samples["errors"]:
        if ("errors", sample["kind"]) in SKIPPED:
            continue
        method, path = sample["request"].replace("ebfc1c74-fd4a-46e1-b4e7-7f6f8ab1ef7a", old["id"]).split(" ")
        path, _, query = path.partition("?")
        desk.headers = {} if sample["status"] == 401 else {"apca-api-key-id": "PKTEST", "apca-api-secret-key": "secret"}
        answer = desk(method, path, sample.get("request_body"), **dict(p.split("=") for p in query.split("&") if p))
        compared += 1

        expected = sample["payload"] | DIFFERENT_WORDS.get(sample["kind"], {})
        assert (sample["status"], expected) == (answer.status, answer.body), sample["kind"]
    assert 12 == compared


def test_recorded_requests_are_taken(samples, desk):
    """Orders as they were posted place orders that say the same."""
    taken = 0
    for sample in samples["orders"]:
        if sample["kind"] not in ("request.crypto", "request.equity") or "PATCH" in sample["source"]:
            continue
        answer = desk("POST", "/v2/orders", sample["payload"])
        taken += 1

        assert sample["payload"] == {name: answer.body[name] for name in sample["payload"]}
    assert 2 == taken


def test_a_recorded_change_is_taken(samples, desk):
    """And the new order says so."""
    (change,) = (s["payload"] for s in samples["orders"] if s["kind"] == "request.equity" and "PATCH" in s["source"])
    order = desk.place(type="limit", limit_price=150)
    desk.later()
    answer = desk("PATCH", f"/v2/orders/{order['id']}", change)

    assert change == {name: answer.body[name] for name in change}
