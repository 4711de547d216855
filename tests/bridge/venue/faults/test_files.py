"""Faults as they stand in files: what is read, what is refused and how, and the way back."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest

from bridge.venue.faults.armed import AnyFault
from bridge.venue.faults.files import as_table, from_json, from_toml
from bridge.venue.faults.frames import Delay, Drop
from bridge.venue.faults.happenings import ClockSkew, Correct, ForeignOrder, Restart
from bridge.venue.faults.rest import ErrorAfter, Slow, StaleReads
from bridge.venue.faults.sockets import HalfOpen
from engine.errors import InvalidInput

EXAMPLE = Path(__file__).parents[4] / "docs/examples/faults.toml"
LEAST = {
    Delay: {"seconds": 1.5},
    Slow: {"seconds": 1},
    StaleReads: {"seconds": 2},
    ClockSkew: {"seconds": -3},
    Correct: {"price": "10.50"},
    ForeignOrder: {"symbol": "AAPL", "qty": "0.1"},
}


def test_the_example():
    """The schedule of the docs can be read, with ten kinds of faults."""
    faults = from_toml(EXAMPLE)

    assert (10, 10) == (len(faults), len({type(fault) for fault in faults}))
    assert Drop(events=("fill",), count=1) == faults[0]
    assert ErrorAfter(method="POST", path="/v2/orders", at=60, until=120, count=3) == faults[3]
    assert HalfOpen(stream="trades", at=360) == faults[6]


def test_no_faults(tmp_path):
    """An empty file has none."""
    (tmp_path / "none.toml").write_text("")

    assert () == from_toml(tmp_path / "none.toml") == from_json(b"{}")


def test_toml_and_json(tmp_path):
    """They say the same, in the same order."""
    (tmp_path / "two.toml").write_text('[[fault]]\nkind = "slow"\nseconds = 0.1\n[[fault]]\nkind = "restart"\n')
    same = from_json(b'{"fault": [{"kind": "slow", "seconds": 0.1}, {"kind": "restart"}]}')

    assert (Slow(seconds=0.1), Restart()) == from_toml(tmp_path / "two.toml") == same


@pytest.mark.parametrize("kind", get_args(AnyFault), ids=lambda kind: kind.__name__)
def test_there_and_back(kind):
    """What a file would say of a fault is that fault, whatever kind it is; its name is its class in lower case."""
    least = LEAST.get(kind, {})
    (fault,) = from_json(json.dumps({"fault": [{"kind": as_name(kind), **least}]}).encode())
    again = from_json(json.dumps({"fault": [as_table(fault)]}).encode())

    assert kind is type(fault)
    assert (fault,) == again


def as_name(kind):
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in kind.__name__).removeprefix("-")


def test_numbers_keep_their_digits():
    """A price with a decimal point is what it says."""
    (fault,) = from_json(b'{"fault": [{"kind": "correct", "price": 0.1}]}')

    assert Decimal("0.1") == fault.price


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('kind = "dorp"', r"fault\[1\].kind: found 'dorp', expected one of 'drop', .*\(did you mean 'drop'\?\)"),
        ("count = 1", r"fault\[1\].kind: found nothing, expected one of 'drop', .*; it is required"),
        ('kind = "delay"', r"fault\[1\].seconds: found nothing, expected a number; it is required"),
        ('kind = "delay"\nseconds = -1', r"fault\[1\].seconds: found -1.0, expected seconds, 0 <= number <= 100000000"),
        ('kind = "delay"\nseconds = "1"', r"fault\[1\].seconds: found '1', expected a number"),
        ('kind = "drop"\nat = nan', r"fault\[1\].at: found nan, expected seconds"),
        ('kind = "drop"\nevent = ["fill"]', r"fault\[1\]: found 'event', .*\(did you mean 'events'\?\)"),
        ('kind = "drop"\nevents = "fill"', r"fault\[1\].events: found 'fill', expected a list"),
        ('kind = "drop"\nprobability = 2', r"fault\[1\].probability: found 2.0, expected a ratio from 0 to 1"),
        ('kind = "drop"\ncount = 1.5', r"fault\[1\].count: found 1.5, expected a whole number"),
        ('kind = "close"\ncode = 7', r"fault\[1\].code: found 7, expected 1000, "),
        ('kind = "zombie-session"\nhow = "evict"', r"fault\[1\].how: found 'evict', expected one of 'refuse', 'close'"),
        ('kind = "error-before"\nstatus = 404', r"fault\[1\].status: found 404, expected one of 500, 502, 503, 504"),
        ('kind = "slow"\nseconds = 1\nmethod = "get"', r"fault\[1\].method: found 'get', .*\(did you mean 'GET'\?\)"),
        ('kind = "restart"\ncount = 3', r"fault\[1\].count: found 3, expected 1, or `every` as well"),
        ('kind = "correct"', r"fault\[1\].price: found nothing, expected price, percent or quantity"),
        ('kind = "drop"\nat = 5\nuntil = 4', r"fault\[1\].until: found 4.0, expected seconds, more than at = 5"),
        ('kind = "drop"\n[faults]', r"schedule.toml: found 'faults', expected no other keys than 'fault'"),
    ],
)
def test_what_is_wrong(tmp_path, text, words):
    """The error names file, place in the list, key and value, and what would be right."""
    path = tmp_path / "schedule.toml"
    path.write_text(f'[[fault]]\nkind = "mute"\n[[fault]]\n{text}\n')

    with pytest.raises(InvalidInput, match=words) as caught:
        from_toml(path)
    assert caught.value.where.startswith(str(path))


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"{", "rules: found '{', expected JSON, but: "),
        (b"\xff", "rules: found "),
        (b"[]", r'rules: found \[\], expected a table, {"fault": \[...\]}'),
        (b'{"fault": {}}', r"rules: fault: found {}, expected a list"),
        (b'{"fault": [1]}', r"rules: fault\[0\]: found 1, expected a table"),
        (b"[" * 100_000, "rules: found "),
    ],
)
def test_json_that_is_none(raw, words):
    """It is said to be none, under the name that it was given."""
    with pytest.raises(InvalidInput, match=words):
        from_json(raw, where="rules")


def test_a_file_that_is_not_there(tmp_path):
    """The error names it."""
    with pytest.raises(InvalidInput, match=r"none.toml: found 'no such file', expected a TOML file"):
        from_toml(tmp_path / "none.toml")
