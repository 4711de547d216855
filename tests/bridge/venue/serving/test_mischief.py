"""Faults of a running venue, switched on and off: in Python, and over HTTP with the token."""

from __future__ import annotations

import json
from decimal import Decimal as D

import pytest

from bridge.venue.faults.frames import Drop
from bridge.venue.faults.happenings import Restart
from engine.errors import InvalidInput, InvalidRequest

FAIL_AFTER = 5.0


@pytest.fixture
def faults(venue):
    return venue.faults


# --- in Python --------------------------------------------------------------------------------------------------------


def test_on_and_off(faults):
    """Each has an id, is listed with what it says, and is gone when it was taken away."""
    first = faults.add(kind="drop", events=["fill"], count=2)
    second = faults.add({"kind": "mute"})
    third = faults.add(Drop(symbol="F"))
    there = [each["id"] for each in faults.active()]
    faults.remove(second)
    then = [each["id"] for each in faults.active()]
    faults.clear()

    assert ["drop-1", "mute-1", "drop-2"] == [first, second, third] == there
    assert (["drop-1", "drop-2"], []) == (then, faults.active())


def test_what_is_said_of_one(faults):
    """What it is as a file would say it, whether it bites now, and how often it still can."""
    faults.add(kind="drop", at=5, events=["fill"], count=2)
    (fault,) = faults.active()

    assert ("drop", 5, ["fill"], 2, False, 2) == (
        *(fault[name] for name in ("kind", "at", "events", "count", "in_force", "left")),
    )


def test_how_often_it_still_bites(faults, call):
    """It is counted down, and one that has bitten its last is not listed."""
    faults.add(kind="error-before", count=2)
    left = []
    for _ in range(2):
        call("GET", "/v2/clock")
        left.append([each["left"] for each in faults.active()])

    assert [[1], []] == left


def test_times_are_counted_from_now(venue, call):
    """One that is switched on later begins later."""
    venue.step(60)
    venue.faults.add(kind="error-before", at=5)
    status = [call("GET", "/v2/clock").status]
    for seconds in (4.9, 0.1):
        venue.step(seconds)
        status.append(call("GET", "/v2/clock").status)

    assert [200, 200, 503] == status


def test_numbers_of_all_kinds(faults):
    """A Decimal is as good as a float."""
    faults.add(kind="correct", price=D("190.25"), at=1)

    assert "190.25" == faults.active()[0]["price"]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({}, "kind"),
        ({"kind": "nonsense"}, "nonsense"),
        ({"kind": "drop", "speed": 1}, "speed"),
        ({"kind": "delay", "seconds": -1}, "seconds"),
        ({"kind": "delay"}, "seconds"),
    ],
)
def test_what_makes_no_sense(faults, fault, words):
    """It is refused with the name of what is wrong, and nothing is on."""
    with pytest.raises(InvalidInput, match=words):
        faults.add(fault)

    assert [] == faults.active()


def test_two_ways_at_once(faults):
    """A fault and keywords beside it are a mistake."""
    with pytest.raises(InvalidRequest, match="either a fault or keywords"):
        faults.add(Drop(), count=1)


def test_an_unknown_id(faults):
    """The error names those that there are."""
    faults.add(kind="mute")
    with pytest.raises(InvalidRequest, match="mute-1"):
        faults.remove("mute-2")


def test_it_takes_effect_before_it_returns(venue, call, new_order):
    """Time stands, and a bust is in the books right away."""
    call("POST", "/v2/orders", new_order().body)
    venue.step(1)
    venue.faults.add(kind="bust")
    (execution,) = venue.oracle()["accounts"]["PAPERKEY"]["executions"]

    assert ("busted", []) == (execution["state"], call("GET", "/v2/positions").body)


def test_after_the_venue(new_venue):
    """Of one that is stopped there are none to be switched."""
    venue = new_venue()
    venue.stop()
    with pytest.raises(RuntimeError, match="stopped"):
        venue.faults.add(kind="mute")


# --- over HTTP --------------------------------------------------------------------------------------------------------


def test_over_http(call, faults):
    """One fault or a list of them; all are listed, one is taken away by its id, and all with an empty body."""
    one = call.admin("POST", "faults", {"kind": "drop", "count": 1})
    two = call.admin("POST", "faults", {"fault": [{"kind": "mute"}, {"kind": "slow", "seconds": 1}]})
    listed = call.admin("GET", "faults").body
    less = call.admin("DELETE", "faults", {"id": "mute-1"}).body
    none = call.admin("DELETE", "faults").body

    assert ({"ids": ["drop-1"]}, {"ids": ["mute-1", "slow-1"]}) == (one.body, two.body)
    assert ["drop-1", "mute-1", "slow-1"] == [each["id"] for each in listed["faults"]]
    assert (["drop-1", "slow-1"], []) == ([each["id"] for each in less["faults"]], none["faults"])
    assert [] == faults.active()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "JSON"),
        (b"[", "JSON"),
        ([], "table"),
        ({"kind": "nonsense"}, "nonsense"),
        ({"fault": [{"kind": "mute"}, {"kind": "delay", "seconds": "x"}]}, "seconds"),
        ({"faults": []}, "faults"),
    ],
)
def test_what_makes_no_sense_over_http(call, faults, body, words):
    """It is answered with 422 and the name of what is wrong; of a list none is on."""
    said = call.admin("POST", "faults", body)

    assert 422 == said.status
    assert words in said.body["message"]
    assert [] == faults.active()


def test_an_unknown_id_over_http(call):
    """So is an id that there is not."""
    assert 422 == call.admin("DELETE", "faults", {"id": "drop-1"}).status


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "faults"), ("POST", "faults"), ("DELETE", "faults"), ("GET", "oracle")]
)
def test_the_token(call, faults, method, path):
    """Who does not have it switches nothing and sees no books."""
    faults.add(kind="mute")
    said = call.admin(method, path, {"kind": "drop"} if method == "POST" else None, token="papersecret")

    assert 401 == said.status
    assert ["mute-1"] == [each["id"] for each in faults.active()]


def test_the_oracle_over_http(call, venue, new_order):
    """It is the same as in Python: books, arrivals, and what has bitten."""
    venue.faults.add(kind="error-after", count=1)
    call("POST", "/v2/orders", new_order().body)
    venue.step(1)
    said = call.admin("GET", "oracle")

    assert json.loads(said.raw) == venue.oracle()
    assert (200, ["error-after-1"]) == (said.status, [each["fault"] for each in said.body["faults"]])


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "restart", "seconds": 5},
        {"kind": "error-before"},
        {"kind": "lost-before"},
        {"kind": "slow", "seconds": 9},
    ],
)
def test_the_owner_is_above_it(call, faults, fault):
    """Whatever befalls clients, who runs the venue is answered: to switch it on, and to switch it off."""
    on = call.admin("POST", "faults", fault)
    off = call.admin("DELETE", "faults")

    assert (200, 200, 200) == (on.status, off.status, call("GET", "/v2/clock").status)


def test_a_restart_ends_the_connections_of_clients(venue, call, connect):
    """Those of streams and those that are kept open between requests."""
    exceptions = pytest.importorskip("websockets.exceptions")
    listener = connect().listen()
    venue.faults.add(Restart(seconds=1))
    with pytest.raises(exceptions.ConnectionClosed) as closed:
        listener.receive()
    with pytest.raises((ConnectionError, OSError)):
        call("GET", "/v2/clock")
    venue.step(1)

    assert (1012, 200) == (closed.value.rcvd.code, call("GET", "/v2/clock").status)
