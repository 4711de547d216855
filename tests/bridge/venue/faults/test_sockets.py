"""The faults of connections as values: what they match, and what they refuse."""

from __future__ import annotations

import pytest

from bridge.venue.faults.sockets import Close, ConnectionLimit, HalfOpen, Mute, RefuseHandshake, ZombieSession
from engine.errors import InvalidRequest


@pytest.mark.parametrize(
    ("setting", "matches"),
    [
        ({}, True),
        ({"stream": "trades", "connection": 2, "account": "K"}, True),
        ({"stream": "data"}, False),
        ({"connection": 1}, False),
        ({"account": "L"}, False),
    ],
)
def test_connections(setting, matches):
    """By stream, number and account; any where nothing is said."""
    assert matches is Mute(**setting).matches("trades", 2, "K")


@pytest.mark.parametrize(
    ("kind", "setting", "words"),
    [
        (Close, {"code": 1005}, "code = 1005: expected 1000, .* or from 3000 to 4999; 1006 ends it without a close"),
        (Close, {"code": 5000}, "code = 5000"),
        (Close, {"reason": "x" * 124}, "text of at most 123 bytes"),
        (Close, {"after": -1}, "after = -1"),
        (HalfOpen, {"stream": "news"}, "stream = 'news': expected one of None, 'trades', 'data', 'sse'"),
        (RefuseHandshake, {"status": 200}, "status = 200: expected a status from 400 to 599"),
        (RefuseHandshake, {"retry_after": -1}, "retry_after = -1"),
        (ConnectionLimit, {"most": 0}, "most = 0"),
        (ConnectionLimit, {"how": "ask"}, "how = 'ask': expected one of 'refuse', 'close', 'evict'"),
        (ZombieSession, {"how": "evict"}, "how = 'evict': expected one of 'refuse', 'close'"),
        (ZombieSession, {"seconds": -1}, "seconds = -1"),
    ],
)
def test_what_makes_no_sense(kind, setting, words):
    """It is refused by name."""
    with pytest.raises(InvalidRequest, match=words):
        kind(**setting)


@pytest.mark.parametrize("code", [1000, 1006, 1011, 1012, 3000, 4999])
def test_codes(code):
    """Those that may be sent, own ones, and the one that means that none is."""
    assert code == Close(code=code).code
