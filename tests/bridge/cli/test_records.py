"""What programs get: summaries, orders and their lives as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.books.journal import Journal


@pytest.fixture
def session(run):
    """A session of a made-up day in the folder x, with exits, cancels and market orders."""
    ran = run("paper", "--ideal", "--strategy", "vwap-reversion", "--seed", "3", "--out", "x")
    assert 0 == ran.code
    return run


def test_the_summary(run):
    """--json tells what summary.json has, and the folder, and nothing else on stdout."""
    ran = run("paper", "--json")
    told = json.loads(ran.out)
    directory = Path(told.pop("directory"))

    assert 0 == ran.code
    assert json.loads((directory / "summary.json").read_bytes()) == told
    assert "recording in " in ran.err


def test_the_summary_of_a_session_that_failed(run, strategy):
    """Also where the strategy raised there is one object, with the outcome; the rest is on stderr."""
    name = strategy("class Mine:\n    def on_bar(self, *_): 1 / 0\n    on_event = on_bar\n")
    ran = run("paper", "--json", "--strategy", name, "--out", "x")

    assert (3, "failed: ZeroDiv") == (ran.code, json.loads(ran.out)["outcome"][:15])
    assert "Traceback" in ran.err


def test_a_strategy_that_prints(run, strategy):
    """What a strategy prints goes to stderr: stdout stays the one object."""
    name = strategy("print('loaded')\nclass Mine:\n    def on_bar(self, *_): print('bar')\n    on_event = on_bar\n")
    ran = run("paper", "--json", "--quiet", "--strategy", name, "--out", "x")

    assert "completed" == json.loads(ran.out)["outcome"]
    assert 390 * 3 == ran.err.count("bar\n")


def test_a_mistake(run):
    """A mistake is the one line on stderr that it always is, and stdout stays empty."""
    for arguments in (("paper", "--json", "--cash", "x"), ("explain", "--json", "absent")):
        ran = run(*arguments)

        assert (2, "", 1) == (ran.code, ran.out, ran.err.count("\n"))


def test_all_orders(session):
    """Every order of the session is there, with what it asked for and how it stands."""
    told = json.loads(session("explain", "--json", "x").out)
    first = told["orders"][0]
    ids = [line.split()[0] for line in session("explain", "x").out.splitlines()[1:]]

    assert ids == [order["id"] for order in told["orders"]]
    assert (told["session_id"] + "-1", None) == (first["id"], told["failure"])
    assert ("entry", "filled", None, "0") == tuple(first[key] for key in ("role", "status", "refusal", "remaining"))
    assert {"take_profit", "stop_loss", "stop_limit"} == set(first["request"]["exits"])
    assert ("limit", "buy", "gtc", "PT300S") == tuple(
        first["request"][key] for key in ("type", "side", "time_in_force", "time_to_live")
    )
    assert first["filled"] == first["request"]["quantity"]
    assert {"single", "entry", "take_profit", "stop_loss"} == {order["role"] for order in told["orders"]}


def test_a_life(session):
    """One order has all its facts, each with its kind, its words, its details and what the order was after it."""
    order_id = json.loads(session("explain", "--json", "x").out)["orders"][0]["id"]
    told = json.loads(session("explain", "--json", "x", order_id).out)
    facts = told["facts"]

    assert order_id == told["order"]["id"]
    assert ["Intended", "OrderReported", "OrderReported"] == [fact["fact"] for fact in facts]
    assert ["sent", "working", "filled"] == [fact["after"]["status"] for fact in facts]
    assert facts[2]["text"].startswith("filled ")
    assert told["order"]["average"] == facts[2]["details"]["execution"]["price"] == facts[2]["after"]["average"]
    assert sorted(fact["at"] for fact in facts) == [fact["at"] for fact in facts]


def test_a_denied_order(run):
    """The gate's refusal is there with code, value and bound."""
    run("paper", "--set", "share=1", "--out", "x")
    denied = [order for order in json.loads(run("explain", "--json", "x").out)["orders"] if order["refusal"]]

    assert {"denied"} == {order["status"] for order in denied}
    assert "INSUFFICIENT_CASH" == denied[0]["refusal"]["code"]
    assert float(denied[0]["refusal"]["value"]) > float(denied[0]["refusal"]["bound"])


def test_every_fact_can_be_told(session):
    """The lives of all orders of a session are JSON."""
    for order in json.loads(session("explain", "--json", "x").out)["orders"]:
        told = json.loads(session("explain", "--json", "x", order["id"]).out)

        assert told["order"] == order
        assert told["facts"][-1]["after"]["status"] == order["status"]
    with Journal(Path("x/journal.sqlite")) as journal:
        assert len(journal) > len(told["facts"])
