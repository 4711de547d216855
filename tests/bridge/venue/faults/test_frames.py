"""The faults of frames as values: what they match, and what they refuse."""

from __future__ import annotations

import pytest

from bridge.venue.faults.frames import Corrupt, Delay, Drop, Duplicate, Reorder
from engine.errors import InvalidRequest

FILL = {"event": "fill", "order": {"id": "o1", "client_order_id": "c1", "symbol": "BTC/USD"}}
BAR = {"T": "b", "S": "AAPL"}


@pytest.mark.parametrize(
    ("setting", "data", "matches"),
    [
        ({}, FILL, True),
        ({}, {}, True),
        ({"events": ("fill", "partial_fill")}, FILL, True),
        ({"events": ("new",)}, FILL, False),
        ({"events": ("new",)}, {}, False),
        ({"symbol": "BTCUSD"}, FILL, True),
        ({"symbol": "AAPL"}, FILL, False),
        ({"order": "o1"}, FILL, True),
        ({"order": "c1"}, FILL, True),
        ({"order": "o2"}, FILL, False),
        ({"account": "K"}, FILL, True),
        ({"account": "L"}, FILL, False),
        ({"connection": 2}, FILL, True),
        ({"connection": 1}, FILL, False),
        ({"stream": "data"}, FILL, False),
    ],
)
def test_frames_of_the_user_stream(setting, data, matches):
    """By event, symbol, order under either id, account and number of the connection; of that stream alone."""
    assert matches is Drop(**setting).matches("trades", 2, "K", data)


@pytest.mark.parametrize(
    ("setting", "matches"), [({}, True), ({"events": ("b",), "symbol": "AAPL"}, True), ({"events": ("t",)}, False)]
)
def test_frames_of_market_data(setting, matches):
    """Their kind is in "T" and the symbol in "S"."""
    assert matches is Drop(stream="data", **setting).matches("data", 1, None, BAR)


@pytest.mark.parametrize(
    ("kind", "setting", "words"),
    [
        (Drop, {"events": ("",)}, 'events = .*: expected names of events, e.g. \\["fill", "partial_fill"\\]'),
        (Drop, {"events": "fill"}, "events = 'fill': expected names of events"),
        (Drop, {"stream": "news"}, "stream = 'news': expected one of 'trades', 'data', 'sse'"),
        (Drop, {"connection": 0}, "connection = 0: expected a whole number >= 1"),
        (Delay, {"seconds": -1}, "seconds = -1"),
        (Delay, {"seconds": 1, "jitter": -1}, "jitter = -1"),
        (Duplicate, {"times": 0}, "times = 0: expected a whole number from 1 to 100"),
        (Reorder, {"behind": 0}, "behind = 0"),
        (Reorder, {"within": -1}, "within = -1"),
        (Corrupt, {"how": "melt"}, "how = 'melt': expected one of 'cut', 'flip', 'null'"),
        (Corrupt, {"size": 0}, "size = 0"),
    ],
)
def test_what_makes_no_sense(kind, setting, words):
    """It is refused by name."""
    with pytest.raises(InvalidRequest, match=words):
        kind(**setting)
