"""What came from outside, as it is written down and read again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal as D

import msgspec
import pytest

from bridge.venue.inputs import Asked, Busted, Corrected, Input, Ordered, Priced, Reached

NOW = datetime(2024, 1, 2, 15, 30, 0, 123456, tzinfo=UTC)

INPUTS = [
    Asked(at=NOW, key="K", method="POST", path="/v2/orders", query={"a": "b"}, body=b'{"symbol": "\xff"}'),
    Asked(at=NOW, key="", method="DELETE", path="/v2/orders"),
    Priced(at=NOW, symbol="BTC/USD", price=D("61000.10"), jump=True),
    Busted(at=NOW),
    Busted(at=NOW, account="K", symbol="AAPL"),
    Corrected(at=NOW, price=D("0.1")),
    Corrected(at=NOW, account="K", symbol="AAPL", percent=D("-2.5"), quantity=D("3")),
    Ordered(at=NOW, body={"symbol": "AAPL", "qty": "1"}),
    Reached(at=NOW, event="01HK"),
]


@pytest.mark.parametrize("entry", INPUTS, ids=lambda entry: type(entry).__name__)
def test_what_is_written_is_read(entry):
    """Kind, moment to the microsecond, digits and bytes; on one line."""
    line = msgspec.json.encode(entry)

    assert entry == msgspec.json.decode(line, type=Input)
    assert b"\n" not in line


def test_digits_stay():
    """A price is written as it was said, and so is read."""
    line = msgspec.json.encode(Priced(at=NOW, symbol="F", price=D("12.3400")))
    read = msgspec.json.decode(line, type=Input)

    assert ("12.3400", False) == (str(read.price), read.jump)


def test_each_has_a_kind_of_its_own():
    """The type of a line tells what it is."""
    kinds = {msgspec.json.decode(msgspec.json.encode(entry))["type"] for entry in INPUTS}

    assert {"request", "price", "bust", "correct", "order", "reached"} == kinds


def test_moments_of_other_zones():
    """They are the same moments."""
    entry = Reached(at=NOW.astimezone(timezone(timedelta(hours=-5))), event="")

    assert NOW == msgspec.json.decode(msgspec.json.encode(entry), type=Input).at


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b'{"type": "wish", "at": "2024-01-02T15:30:00Z"}', "wish"),
        (b'{"type": "price", "at": "2024-01-02T15:30:00Z", "symbol": "F"}', "price"),
        (b'{"type": "price", "at": "now", "symbol": "F", "price": "1"}', "at"),
    ],
)
def test_what_is_none(line, words):
    """An unknown kind, a field that is missing and a moment that is none are errors that say so."""
    with pytest.raises(msgspec.ValidationError, match=words):
        msgspec.json.decode(line, type=Input)
