"""A venue that outlives its process."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from pathlib import Path

import pytest
from attrs import evolve

import bridge
from bridge.venue.faults.happenings import Bust, Correct, ForeignOrder
from bridge.venue.frictions import Terms
from bridge.venue.oracle import oracle
from bridge.venue.recipe import PAPER, Recipe
from bridge.venue.statefile import StateFile
from engine.errors import InvalidInput

NOW = datetime(2024, 1, 2, 15, 30, tzinfo=UTC)


def at(seconds):
    return NOW + timedelta(seconds=seconds)


@pytest.fixture
def recipe():
    """A market that moves, with partial fills and latency left to chance."""
    return Recipe(start=NOW, seed=7, terms=Terms(latency=(0.05, 0.4), partials=0.5))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "venue.jsonl"


def trade(house, new_order, first=0):
    """Some of everything that comes from outside."""
    house.handle(new_order(qty=30), at(first))
    house.handle(new_order(symbol="BTC/USD", qty="0.5", time_in_force="gtc"), at(first + 1))
    house.handle(new_order(type="limit", limit_price="100"), at(first + 2))
    house.price("AAPL", D(195), at(first + 3), jump=True)
    house.arm(1, [Bust(symbol="AAPL"), Correct(at=1, symbol="BTC/USD", percent=D(1)), ForeignOrder(at=2, symbol="F")])
    house.advance(at(first + 20))


def after(house, new_order):
    """What a venue does next: an order's frames with all ids, and its books."""
    house.handle(new_order(symbol="MSFT", qty=3), at(100))
    house.advance(at(110))
    return [frame.data for frame in house.frames()], oracle(house.core)["accounts"]


@pytest.fixture
def never_stopped(recipe, tmp_path, new_order):
    """``never_stopped()``: what the venue does next whose process has not ended."""

    def ran():
        with StateFile(tmp_path / "another.jsonl", recipe, now=NOW) as state:
            trade(state.house, new_order)
            state.house.frames()
            return after(state.house, new_order)

    return ran


# --- going on ---------------------------------------------------------------------------------------------------------


def test_a_venue_goes_on(path, recipe, new_order, never_stopped):
    """After a clean stop its books, ids and event ids are those of a venue that never stopped."""
    with StateFile(path, recipe, now=NOW) as state:
        trade(state.house, new_order)
        first = state.resumed
    with StateFile(path, recipe, now=at(3600)) as state:
        then, now = state.resumed, state.house.now
        next_frames, books = after(state.house, new_order)

    assert (False, True, at(20)) == (first, then, now)
    assert never_stopped() == (next_frames, books)
    assert {"AAPL", "BTCUSD", "F", "MSFT"} & books["PAPERKEY"]["positions"].keys()


def test_a_venue_that_was_killed(path, recipe, new_order, never_stopped):
    """Without a word of farewell it goes on from the last thing that came from outside, to the same future."""
    state = StateFile(path, recipe, now=NOW)
    trade(state.house, new_order)
    state._file.close()  # as the end of a process does
    with StateFile(path, recipe, now=NOW) as state:
        now = state.house.now
        again = after(state.house, new_order)
        state.house.frames()

    assert at(2) < now < at(20)
    frames, books = never_stopped()
    assert (frames, books) == (again[0][-len(frames) :], again[1])


def test_a_line_that_was_cut(path, recipe, new_order):
    """What was being written when the process died has not happened, and the file is whole again."""
    state = StateFile(path, recipe, now=NOW)
    state.house.handle(new_order(), at(1))
    whole = path.read_bytes()
    state.house.handle(new_order(symbol="F"), at(2))
    state._file.close()
    path.write_bytes(path.read_bytes()[:-20])
    with StateFile(path, recipe, now=NOW) as state:
        symbols = [json.loads(entry.body)["symbol"] for entry in state.house.inputs]
        told = path.read_bytes()

    assert ["AAPL"] == symbols
    assert whole == told
    with StateFile(path, recipe, now=NOW) as state:
        assert at(1) == state.house.now


def test_a_first_line_that_was_cut(path, recipe):
    """A venue that died while it was born begins anew."""
    path.write_bytes(b'{"tradebridge_venue":1,"sta')
    with StateFile(path, recipe, now=NOW) as state:
        assert not state.resumed
    with StateFile(path, recipe, now=NOW) as state:
        assert state.resumed


def test_each_input_is_in_the_file_at_once(path, recipe, new_order):
    """A process that is killed right after an answer has it on disk."""
    with StateFile(path, recipe, now=NOW) as state:
        before = path.read_bytes().count(b"\n")
        state.house.handle(new_order(), at(1))
        then = path.read_bytes().count(b"\n")

    assert [1, 2, 3] == [before, then, path.read_bytes().count(b"\n")]


def test_closing_twice(path, recipe):
    """It writes once how far time had come."""
    with StateFile(path, recipe, now=NOW) as state:
        state.close()

    assert 1 == path.read_bytes().count(b"reached")


def test_a_present_of_its_own(path):
    """A recipe without a first moment goes on from the one that it began with."""
    with StateFile(path, Recipe(), now=NOW) as state:
        state.house.advance(at(30))
    with StateFile(path, Recipe(), now=at(86_400)) as state:
        assert at(30) == state.house.now


def test_secrets_stay_out(path, new_order):
    """Whose a request was is told by the key alone."""
    with StateFile(path, Recipe(start=NOW), now=NOW) as state:
        state.house.handle(new_order(), at(1))

    assert b"PAPERKEY" in path.read_bytes()
    assert PAPER.secret.encode() not in path.read_bytes()


def test_another_secret_is_no_other_venue(path, recipe):
    """Nor are other limits: an account goes on with a secret that was changed."""
    with StateFile(path, recipe, now=NOW):
        pass
    with StateFile(path, evolve(recipe, traders=(evolve(PAPER, secret="new"),)), now=NOW) as state:
        assert state.resumed


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"seed": 8}, "seed"),
        ({"hours": "exchange"}, "hours"),
        ({"terms": Terms(latency=(0, 0))}, "terms"),
        ({"traders": (evolve(PAPER, cash=D(5)),)}, "traders"),
        ({"start": at(60)}, "market.of.start"),
    ],
)
def test_another_recipe(path, recipe, change, name):
    """It is refused, with the name of what is not as it was, and the file stays as it is."""
    if name == "hours":
        pytest.importorskip("holidays")
    with StateFile(path, recipe, now=NOW):
        pass
    before = path.read_bytes()
    with pytest.raises(InvalidInput, match=rf"venue.jsonl: {name}: found "):
        StateFile(path, evolve(recipe, **change), now=NOW)

    assert before == path.read_bytes()


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"{}",
        b'{"type":"wish"}',
        b'{"type":"price","at":"2024-01-02T15:30:05Z","symbol":"NOPE","price":"1"}',
        b'{"type":"request","at":"2024-01-02T15:30:05Z","key":"NOBODY","method":"POST","path":"/v2/orders"}',
        b'{"type":"reached","at":"2024-01-02T15:30:05","event":""}',
        b"\xff\xfe",
    ],
)
def test_a_damaged_line(path, recipe, new_order, line):
    """It is named by its number, whatever it is that cannot be."""
    with StateFile(path, recipe, now=NOW) as state:
        state.house.handle(new_order(), at(1))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], line + b"\n", *lines[2:]]))

    with pytest.raises(InvalidInput, match=r"venue.jsonl, line 3: found "):
        StateFile(path, recipe, now=NOW)


@pytest.mark.parametrize("text", [b"a,b\n1,2\n", b"a,b", b"a,b\n1", b'{"tradebridge_venue":1}\n', b"\x00\x01\n"])
def test_a_file_of_something_else(path, recipe, text):
    """It is refused and left alone."""
    path.write_bytes(text)
    with pytest.raises(InvalidInput, match=r"line 1: found .*the state of a venue, or no file yet"):
        StateFile(path, recipe, now=NOW)

    assert text == path.read_bytes()


def test_another_format(path, recipe):
    """A file of a later release says which format it has."""
    with StateFile(path, recipe, now=NOW):
        pass
    path.write_bytes(path.read_bytes().replace(b'"tradebridge_venue":1', b'"tradebridge_venue":2'))
    with pytest.raises(InvalidInput, match="format 2.*format 1"):
        StateFile(path, recipe, now=NOW)


def test_a_file_whose_run_went_another_way(path, recipe, new_order):
    """Where replaying it tells other events than were told then, it is refused."""
    with StateFile(path, recipe, now=NOW) as state:
        state.house.handle(new_order(), at(1))
        state.house.advance(at(9))
        asked = state.house.last_event
    path.write_bytes(path.read_bytes().replace(state.house.last_event.encode(), b"01HK5V00000000000000000000"))
    with pytest.raises(InvalidInput, match="line 3: found .*01HK5V.*the release of tradebridge that wrote it"):
        StateFile(path, recipe, now=NOW)

    assert "" == asked  # nobody took frames by then; the end did


@pytest.mark.skipif(sys.platform == "win32", reason="nobody guards against it there")
def test_two_processes(path, recipe):
    """The second one is refused while the first runs, and not afterwards."""
    code = f"""
from datetime import UTC, datetime
from pathlib import Path
from bridge.venue.recipe import Recipe
from bridge.venue.statefile import StateFile
state = StateFile(Path({str(path)!r}), Recipe(), now=datetime(2024, 1, 2, tzinfo=UTC))
print("there", flush=True)
input()
"""
    root = Path(bridge.__file__).parents[1]
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert "there\n" == other.stdout.readline()
        with pytest.raises(InvalidInput, match="in use by another process"):
            StateFile(path, recipe, now=NOW)
        other.communicate("\n")
    path.unlink()
    with StateFile(path, recipe, now=NOW) as state:
        assert not state.resumed


def test_a_file_that_is_refused_is_let_go(path, recipe):
    """Who was refused holds no lock: the right recipe goes on."""
    with StateFile(path, recipe, now=NOW):
        pass
    with pytest.raises(InvalidInput):
        StateFile(path, evolve(recipe, seed=8), now=NOW)
    with StateFile(path, recipe, now=NOW) as state:
        assert state.resumed


@pytest.mark.parametrize("where", ["nowhere/state", "."])
def test_a_file_that_cannot_be_opened(tmp_path, recipe, where):
    """It is named, with why, and not taken for a port that cannot be had."""
    with pytest.raises(InvalidInput, match="(?i)no such file|is a directory|permission denied"):
        StateFile(tmp_path / where, recipe, now=NOW)


def test_what_was_told_is_not_taken_back(path, recipe, new_order):
    """A venue that was killed right behind a fill goes on behind it: it is written before anybody hears of it."""
    with StateFile(path, recipe, now=NOW) as state:
        state.house.handle(new_order(), at(1))
        state.house.advance(at(9))
        told = [frame.data["event"] for frame in state.house.frames()]
        last, killed = state.house.last_event, path.read_bytes()
    path.write_bytes(killed)
    with StateFile(path, recipe, now=NOW) as state:
        again = (state.house.now, state.house.last_event)

    assert "fill" in told
    assert (at(9), last) == again


def test_time_without_events_is_written_now_and_then(path, recipe):
    """Of the time in which nothing was told at most ten seconds are gone after a crash."""
    with StateFile(path, recipe, now=NOW) as state:
        for second in range(1, 26):
            state.house.advance(at(second))
            state.house.frames()
        killed = path.read_bytes()
    path.write_bytes(killed)
    with StateFile(path, recipe, now=NOW) as state:
        reached = state.house.now

    assert at(15) <= reached <= at(25)
