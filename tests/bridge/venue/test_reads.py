"""Listings and their filters; and that every answer has the fields of recorded ones, and of the published schema."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from engine.brokers.alpaca.wire import Account, Asset, CalendarDay, FillActivity, MarketClock, Order, Position, read

LIMIT = {"type": "limit", "limit_price": 180}


@pytest.fixture
def listed(desk):
    """Four orders: a filled one, an open one in a coin, a bracket that is open, a cancelled sell."""
    orders = [desk.buy("F", 5)]
    orders.append(desk.buy("BTC/USD", "0.01", type="limit", limit_price=50_000, time_in_force="gtc"))
    orders.append(
        desk.buy(order_class="bracket", take_profit={"limit_price": 200}, stop_loss={"stop_price": 170}, **LIMIT)
    )
    orders.append(desk.buy("F", 1, side="sell", type="limit", limit_price=15))
    desk("DELETE", f"/v2/orders/{orders[3]['id']}")
    desk.later()
    return orders


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["bracket", "leg", "leg", "coin"]),
        ({"nested": "true"}, ["bracket", "coin"]),
        ({"status": "closed"}, ["sell", "buy"]),
        ({"status": "all", "nested": "true"}, ["sell", "bracket", "coin", "buy"]),
        ({"status": "all", "nested": "true", "direction": "asc"}, ["buy", "coin", "bracket", "sell"]),
        ({"status": "all", "nested": "true", "limit": "2"}, ["sell", "bracket"]),
        ({"status": "all", "symbols": "F,MSFT"}, ["sell", "buy"]),
        ({"status": "all", "symbols": "BTCUSD"}, ["coin"]),
        ({"status": "all", "asset_class": "crypto"}, ["coin"]),
        ({"status": "all", "side": "sell", "nested": "true"}, ["sell"]),
        ({"status": "all", "after": "2024-01-02T15:30:01.5Z", "nested": "true"}, ["sell", "bracket"]),
        ({"status": "all", "until": "2024-01-02T10:30:01.5-05:00", "nested": "true"}, ["coin", "buy"]),
        ({"status": "all", "after": "2024-01-03"}, []),
    ],
)
def test_orders_are_filtered(desk, listed, query, expected):
    """By status, time, symbol, side and class, newest first; legs stand alone or under their entry."""
    names = dict(zip([order["id"] for order in listed], ["buy", "coin", "bracket", "sell"], strict=True))
    found = [names.get(order["id"], "leg") for order in desk.get("/v2/orders", **query)]

    assert expected == found


def test_bounds_are_exclusive(desk, listed):
    """An order is neither after nor before itself, by its moment and by its id."""
    coin = desk.order(listed[1])
    at, name = coin["submitted_at"], coin["id"]
    queries = ({"after": at}, {"until": at}, {"after_order_id": name}, {"before_order_id": name})
    found = [[o["id"] for o in desk.get("/v2/orders", status="all", nested="true", **query)] for query in queries]

    later, before = [listed[3]["id"], listed[2]["id"]], [listed[0]["id"]]
    assert [later, before, later, before] == found


def test_a_listing_can_be_read_page_by_page(desk):
    """By the last moment of submission, and nothing is missed or told twice."""
    placed = [desk.place(symbol="F", type="limit", limit_price=10)["id"] for _ in range(7)]
    found, after = [], "2024-01-01"
    while page := desk.get("/v2/orders", direction="asc", limit=3, after=after):
        found += [order["id"] for order in page]
        after = page[-1]["submitted_at"]

    assert placed == found


@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        ({"status": "done"}, 422, "invalid status: done"),
        ({"direction": "up"}, 422, "invalid direction: up"),
        ({"limit": 501}, 422, "limit must be between 1 and 500"),
        ({"limit": "0"}, 422, "limit must be between 1 and 500"),
        ({"limit": "²"}, 422, "limit must be between 1 and 500"),
        ({"after": "soon"}, 422, "invalid after: soon"),
        ({"side": "long"}, 422, "invalid side: long"),
        ({"nested": "maybe"}, 422, "nested must be true or false"),
        (
            {"after_order_id": "x", "before_order_id": "y"},
            400,
            "only one of after_order_id and before_order_id, without after and until",
        ),
        ({"after_order_id": "x"}, 422, "order_id is missing"),
    ],
)
def test_filters_that_make_no_sense(desk, query, status, message):
    """Each says what is wrong with it."""
    answer = desk("GET", "/v2/orders", **query)

    assert (status, message) == (answer.status, answer.body["message"])


def test_one_order_by_either_id(desk, listed):
    """With its legs only if they are asked for."""
    bracket = listed[2]
    alone, nested = desk.order(bracket), desk.order(bracket, nested="true")
    by_client = desk.get("/v2/orders:by_client_order_id", client_order_id=bracket["client_order_id"])

    assert (None, 2, alone) == (alone["legs"], len(nested["legs"]), by_client)


# --- activities -------------------------------------------------------------------------------------------------------


def test_activities_are_read_page_by_page(desk):
    """The token is the last id seen, in both directions; a short page is the last one."""
    for _ in range(5):
        desk.buy("F")
    path, found = "/v2/account/activities/FILL", []
    query = {"direction": "asc", "page_size": 2}
    while page := desk.get(path, **query):
        found += page
        query["page_token"] = page[-1]["id"]

    backwards, query = [], {"page_size": 2}
    while page := desk.get(path, **query):
        backwards += page
        query["page_token"] = page[-1]["id"]

    assert [each["transaction_time"] for each in found] == sorted(each["transaction_time"] for each in found)
    assert (5, found[::-1]) == (len(found), desk.get(path))
    assert found[::-1] == backwards


def test_a_page_keeps_to_its_ends(desk):
    """A token does not widen what is asked for."""
    for _ in range(4):
        desk.buy("F")
    path = "/v2/account/activities/FILL"
    first, _, third, last = (each["id"] for each in desk.get(path, direction="asc"))
    times = {each["id"]: each["transaction_time"] for each in desk.get(path)}
    upwards = desk.get(path, direction="asc", page_token=first, after=times[third])
    downwards = desk.get(path, page_token=last, until=times[third])

    assert [last] == [each["id"] for each in upwards]
    assert 2 == len(downwards)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, 3),
        ({"activity_types": "FILL"}, 2),
        ({"activity_types": "CFEE,DIV"}, 1),
        ({"category": "trade_activity"}, 2),
        ({"category": "non_trade_activity"}, 1),
        ({"date": "2024-01-02"}, 2),
        ({"date": "2024-01-03"}, 1),
        ({"after": "2024-01-02T15:30:00.9Z"}, 2),
        ({"until": "2024-01-02T15:30:00.9Z"}, 1),
        ({"page_size": 1}, 1),
    ],
)
def test_activities_are_filtered(desk, query, expected):
    """By type, category, day and time."""
    desk.buy("F")
    desk.buy("BTC/USD", "0.01", time_in_force="gtc")
    desk.at(datetime(2024, 1, 3, 6, tzinfo=UTC))

    assert expected == len(desk.get("/v2/account/activities", **query))


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"activity_types": "FILL", "category": "trade_activity"}, 400),
        ({"date": "2024-01-02", "after": "2024-01-02"}, 400),
        ({"page_size": 101}, 422),
        ({"page_token": "x"}, 422),
        ({"category": "fun"}, 422),
    ],
)
def test_activities_cannot_be_asked_for_in_every_way(desk, query, status):
    """Wrong combinations and values are refused."""
    assert status == desk("GET", "/v2/account/activities", **query).status


# --- the market -------------------------------------------------------------------------------------------------------


def test_assets(desk):
    """By status, class and exchange; one of them by symbol, with or without the slash, or by id."""
    counts = [len(desk.get("/v2/assets", **query)) for query in ({}, {"status": "inactive"}, {"asset_class": "crypto"})]
    bitcoin = desk.get("/v2/assets/BTC%2FUSD")

    assert [16, 1, 3] == counts
    assert bitcoin == desk.get("/v2/assets/BTCUSD") == desk.get(f"/v2/assets/{bitcoin['id']}")
    assert ("0.000000002", "crypto") == (bitcoin["min_order_size"], bitcoin["class"])


def test_clock(desk):
    """In New York's time; at night the market opens and closes tomorrow."""
    day = desk.get("/v2/clock")
    desk.at(datetime(2024, 1, 3, 2, tzinfo=UTC))

    assert {
        "timestamp": "2024-01-02T10:30:00-05:00",
        "is_open": True,
        "next_open": "2024-01-03T09:30:00-05:00",
        "next_close": "2024-01-02T16:00:00-05:00",
    } == day
    assert (False, "2024-01-03T16:00:00-05:00") == tuple(desk.get("/v2/clock")[n] for n in ("is_open", "next_close"))


def test_calendar(desk):
    """The days asked for, both included; a half day closes early; settlement is a session later."""
    days = desk.get("/v2/calendar", start="2024-01-11", end="2024-01-31")

    assert [("2024-01-11", "16:00", "2024-01-12"), ("2024-01-12", "13:00", None)] == [
        tuple(day[name] for name in ("date", "close", "settlement_date")) for day in days
    ]
    settled = desk.get("/v2/calendar", start="2024-01-03", end="2024-01-04", date_type="SETTLEMENT")
    assert ["2024-01-02", "2024-01-03"] == [day["date"] for day in settled]
    assert 422 == desk("GET", "/v2/calendar", start="2024-01-31", end="2024-01-11").status


# --- as our own client reads ------------------------------------------------------------------------------------------


def answers(desk):
    """One answer of each kind, each as rich as it can be."""
    bracket = desk.buy(order_class="bracket", take_profit={"limit_price": 200}, stop_loss={"stop_price": 170})
    desk.buy("BTC/USD", "0.01", time_in_force="gtc")
    desk.at(datetime(2024, 1, 3, 6, tzinfo=UTC))
    fee, *fills = desk.get("/v2/account/activities")
    return {
        "order": desk.order(bracket, nested="true"),
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


def test_our_own_client_reads_every_answer(desk):
    """What a strict reader of the wire requires is there."""
    told = {name: json.dumps(body).encode() for name, body in answers(desk).items()}
    kinds = {
        "order": Order,
        "account": Account,
        "position": Position,
        "fill": FillActivity,
        "asset": Asset,
        "coin": Asset,
        "clock": MarketClock,
        "day": CalendarDay,
    }

    assert ("bracket", 2) == (read(told["order"], Order).order_class, len(read(told["order"], Order).legs))
    for name, kind in kinds.items():
        assert isinstance(read(told[name], kind), kind)
