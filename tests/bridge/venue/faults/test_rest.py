"""The faults of REST as values: what they match, and what they refuse."""

from __future__ import annotations

import pytest

from bridge.venue.faults.rest import ErrorAfter, ErrorBefore, LostAfter, Slow, StaleReads, TooManyRequests
from engine.errors import InvalidRequest

BODY = b'{"symbol": "BTC/USD"}'


@pytest.mark.parametrize(
    ("setting", "matches"),
    [
        ({}, True),
        ({"method": "POST", "path": "/v2/orders", "account": "K", "symbol": "BTCUSD"}, True),
        ({"path": "/v2/*"}, True),
        ({"path": "*"}, True),
        ({"method": "GET"}, False),
        ({"path": "/v2"}, False),
        ({"path": "/v2/ORDERS"}, False),
        ({"account": "L"}, False),
        ({"symbol": "AAPL"}, False),
    ],
)
def test_requests(setting, matches):
    """By method, path with stars, account, and the symbol in the body."""
    assert matches is LostAfter(**setting).matches("POST", "/v2/orders", "K", BODY)


@pytest.mark.parametrize(
    ("path", "body", "matches"),
    [
        ("/v2/positions/BTC%2FUSD", b"", True),
        ("/v2/positions/BTCUSD", b"", True),
        ("/v2/positions/AAPL", b"", False),
        ("/v2/positions", b"", False),
        ("/v2/orders", b"[]", False),
        ("/v2/orders", b"\xff", False),
        ("/v2/orders", b'{"symbol": 7}', False),
        ("/v2/orders", b"[" * 100_000, False),
    ],
)
def test_symbols(path, body, matches):
    """In a path they stand at its end; whatever a body is, it names one or none."""
    assert matches is LostAfter(symbol="BTC/USD").matches("DELETE", path, None, body)


@pytest.mark.parametrize(
    ("method", "path", "setting", "matches"),
    [
        ("GET", "/v2/orders:by_client_order_id", {}, True),
        ("GET", "/v2/positions/AAPL", {}, True),
        ("GET", "/v2/account", {}, True),
        ("GET", "/v2/clock", {}, False),
        ("GET", "/v2/clock", {"path": "/v2/clock"}, True),
        ("GET", "/v2/account", {"path": "/v2/orders*"}, False),
        ("POST", "/v2/orders", {}, False),
        ("POST", "/v2/orders", {"path": "/v2/orders"}, False),
    ],
)
def test_stale_reads(method, path, setting, matches):
    """Only a GET can be; of orders, positions and the account if no path says otherwise."""
    assert matches is StaleReads(seconds=1, **setting).matches(method, path, None, b"")


@pytest.mark.parametrize(
    ("kind", "setting", "words"),
    [
        (ErrorBefore, {"status": 501}, "status = 501: expected one of 500, 502, 503, 504"),
        (ErrorAfter, {"status": 404}, "status = 404: expected one of 500, 502, 503, 504"),
        (ErrorBefore, {"method": "HEAD"}, "method = 'HEAD': expected one of None, 'GET'"),
        (ErrorBefore, {"path": "v2"}, "path = 'v2': expected a path with \\* for any part of it"),
        (TooManyRequests, {"retry_after": 1.5}, "retry_after = 1.5: expected a whole number >= 0"),
        (TooManyRequests, {"reset": -1}, "reset = -1"),
        (Slow, {"seconds": -1}, "seconds = -1"),
        (Slow, {"seconds": 1, "jitter": 10**9}, "jitter = 1000000000"),
        (StaleReads, {"seconds": "5"}, "seconds = '5'"),
    ],
)
def test_what_makes_no_sense(kind, setting, words):
    """It is refused by name."""
    with pytest.raises(InvalidRequest, match=words):
        kind(**setting)
