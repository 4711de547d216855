"""Requests that reach a core without a socket."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

requests = pytest.importorskip("requests")
pytest.importorskip("msgspec")

from bridge.venue.recipe import PAPER, Recipe, house_of  # noqa: E402
from bridge.venue.wired import Wire, in_memory  # noqa: E402 - behind what it needs
from engine.session import SessionConfig, market_data  # noqa: E402

HOST = "http://127.0.0.1:1"
NOW = datetime(2024, 1, 2, 15, 31, tzinfo=UTC)


@pytest.fixture
def house():
    return house_of(Recipe(start=NOW.replace(minute=30), hours="exchange"), now=NOW)


@pytest.fixture
def client(house):
    with requests.Session() as session:
        session.headers.update({"APCA-API-KEY-ID": PAPER.key, "APCA-API-SECRET-KEY": PAPER.secret})
        session.mount(HOST, Wire(house, lambda: NOW))
        yield session


def test_an_answer_is_what_the_house_says(house, client):
    """Status, headers, body, and the moment of the request come through."""
    answer = client.get(f"{HOST}/v2/clock")

    assert (200, "199") == (answer.status_code, answer.headers["X-Ratelimit-Remaining"])
    assert answer.json()["timestamp"] == "2024-01-02T10:31:00-05:00"
    assert NOW == house.now


def test_bodies_queries_and_escapes_arrive(client):
    """An order in a pair is placed, found by its id, and its position has the path that the wire has."""
    body = {"symbol": "BTC/USD", "qty": "1", "side": "buy", "type": "market", "time_in_force": "gtc"}
    placed = client.post(f"{HOST}/v2/orders", json=body | {"client_order_id": "a b&c"})
    found = client.get(f"{HOST}/v2/orders:by_client_order_id", params={"client_order_id": "a b&c"})
    missing = client.get(f"{HOST}/v2/positions/ETH%2FUSD")

    assert (200, placed.json()["id"]) == (found.status_code, found.json()["id"])
    assert (404, "position does not exist") == (missing.status_code, missing.json()["message"])


def test_no_body_is_none(client):
    """A 204 has nothing to read."""
    body = {"symbol": "AAPL", "qty": 1, "side": "buy", "type": "limit", "limit_price": 1, "time_in_force": "day"}
    order = client.post(f"{HOST}/v2/orders", json=body).json()
    answer = client.delete(f"{HOST}/v2/orders/{order['id']}")

    assert (204, b"") == (answer.status_code, answer.content)


def test_the_stage_of_a_session():
    """It stands at the session's first moment, with the session's money and symbols."""
    config = SessionConfig()
    data = market_data(config)
    stage = in_memory(config, data)

    assert data.first == stage.clock.now()
    assert config.cash == stage.alpaca.account().cash
    assert {"AAPL", "MSFT", "SPY"} <= {asset.symbol for asset in stage.alpaca.assets()}
