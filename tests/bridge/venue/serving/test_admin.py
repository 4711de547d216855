"""Who runs the venue, over HTTP: the token, the routes, and what is said to what cannot be."""

from __future__ import annotations

import json
import logging

import pytest

START = "2024-01-02T15:30:00+00:00"


@pytest.mark.parametrize(("method", "path"), [("GET", "now"), ("POST", "step"), ("POST", "price")])
@pytest.mark.parametrize("token", ["", "wrong", "papersecret", "é"])
def test_the_token(call, method, path, token):
    """Without the right one nothing is done, whatever the route; a trader's secret is none."""
    said = call("POST" if method == "POST" else "GET", f"/_venue/{path}", {}, **{"X-Venue-Token": token})

    assert (401, "X-Venue-Token") == (said.status, said.body["message"].split()[2])
    assert START == call.admin("GET", "now").body["now"]


def test_what_time_it_is(call):
    """And which event was the last, and whether the market goes on."""
    assert {"now": START, "event_id": "", "market_ended": None} == call.admin("GET", "now").body


def test_steps(call, connect, new_order):
    """By seconds or to a moment; the answer names the last event, and a listener has been told of it."""
    listener = connect().listen()
    call("POST", "/v2/orders", new_order().body)
    first = call.admin("POST", "step", {"seconds": 0.05}).body
    second = call.admin("POST", "step", {"to": "2024-01-02T10:30:01-05:00"}).body
    events = [listener.event() for _ in range(3)]

    assert ["2024-01-02T15:30:00.050000+00:00", "2024-01-02T15:30:01+00:00"] == [first["now"], second["now"]]
    assert ["pending_new", "new", "fill"] == [event for event, _, _ in events]
    assert [events[0][2], events[2][2]] == [first["event_id"], second["event_id"]]


def test_steps_that_stop(call, connect, new_order):
    """In lockstep a step ends behind the next thing that is told, and the answer says whether it came to the moment."""
    listener = connect().listen()
    call("POST", "/v2/orders", new_order().body)
    told, steps = [], []
    while not steps or not steps[-1]["done"]:
        steps.append(call.admin("POST", "step", {"to": "2024-01-02T15:30:10Z", "stop": True}).body)
    told = [listener.event() for _ in range(3)]

    assert ["pending_new", "new", "fill"] == [event for event, _, _ in told]
    assert "2024-01-02T15:30:10+00:00" == steps[-1]["now"]
    assert steps[0]["now"] < steps[-1]["now"]
    assert told[-1][2] == steps[-1]["event_id"] == call.admin("GET", "now").body["event_id"]


def test_a_price(call, connect, new_order):
    """It goes there, and who listens hears what came of it."""
    listener = connect().listen()
    call("POST", "/v2/orders", new_order(type="limit", limit_price="180").body)
    call.admin("POST", "step", {"seconds": 1})
    said = call.admin("POST", "price", {"symbol": "AAPL", "price": "179.5"})
    events = [listener.event() for _ in range(3)]

    assert (200, "fill", said.body["event_id"]) == (said.status, events[-1][0], events[-1][2])


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("step", b"{", "truncated"),
        ("step", b"\xff", "malformed"),
        ("step", {}, "either `to` or `seconds`"),
        ("step", {"to": START, "seconds": 1}, "either `to` or `seconds`"),
        ("step", {"seconds": 1, "minutes": 2}, "unknown field `minutes`"),
        ("step", {"seconds": "1"}, "Expected `float"),
        ("step", {"seconds": 1e300}, "seconds = 1e+300"),
        ("step", {"seconds": -1}, "to = '2024-01-02T15:29:59+00:00'"),
        ("step", {"to": "2024-01-03T00:00:00"}, "has no time zone"),
        ("step", {"to": "0001-01-01T00:00:00+05:00"}, "`$.to`"),
        ("step", {"to": "yesterday"}, "`$.to`"),
        ("price", {"symbol": "AAPL"}, "missing required field `price`"),
        ("price", {"symbol": "NOPE", "price": 1}, "symbol = 'NOPE'"),
        ("price", {"symbol": "AAPL", "price": 0}, "price = "),
        ("price", {"symbol": "AAPL", "price": "NaN"}, "price = "),
        ("price", {"symbol": "AAPL", "price": "x"}, "`$.price`"),
        ("price", {"symbol": "AAPL", "price": 1, "jump": 2}, "`$.jump`"),
        ("price", b'{"symbol": "\xff", "price": 1}', "body is not UTF-8"),
    ],
)
def test_what_cannot_be(call, path, body, words):
    """It is answered with 422 and the name of what is wrong, and nothing has changed."""
    said = call.admin("POST", path, body)

    assert 422 == said.status
    assert words in said.body["message"]
    assert START == call.admin("GET", "now").body["now"]


def test_a_body_that_is_too_large(call):
    """It is not read."""
    assert 413 == call.admin("POST", "step", b" " * 1_000_001).status


def test_steps_where_time_runs(new_venue, caller_of):
    """There is nothing to be stepped, and the answer says so."""
    said = caller_of(new_venue(speed=1.0)).admin("POST", "step", {"seconds": 1})

    assert (422, True) == (said.status, "time runs by itself" in said.body["message"])


def test_an_error_of_ours(venue, call, caplog):
    """500 without a word of the code, logged once; the next request is answered."""
    price = venue._server.clockwork.house.core.price
    venue._server.clockwork.house.core.price = lambda *args, **more: 1 / 0
    with caplog.at_level(logging.ERROR):
        said = call.admin("POST", "price", {"symbol": "AAPL", "price": 1})
    venue._server.clockwork.house.core.price = price

    assert (500, ["POST /_venue/price"]) == (said.status, caplog.messages)
    assert "division" not in json.dumps(said.body)
    assert 200 == call.admin("POST", "price", {"symbol": "AAPL", "price": 1}).status


@pytest.mark.parametrize(("method", "path"), [("GET", "step"), ("POST", "nothing"), ("GET", "")])
def test_routes_that_are_not_there(call, method, path):
    """They are not taken for requests of a trader."""
    assert 404 == call.admin(method, path).status
