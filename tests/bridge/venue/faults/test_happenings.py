"""The venue's own faults as values: what they refuse."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bridge.venue.faults.happenings import Bust, ClockSkew, Correct, ForeignOrder, Restart
from engine.errors import InvalidRequest


@pytest.mark.parametrize(
    ("kind", "setting", "words"),
    [
        (Restart, {"seconds": -1}, "seconds = -1"),
        (Restart, {"code": 1}, "code = 1"),
        (Restart, {"status": 302}, "status = 302: expected a status from 400 to 599"),
        (Restart, {"every": 0}, "every = 0: expected seconds, 0.1 <= number"),
        (Restart, {"count": 2}, "count = 2: expected 1, or `every` as well"),
        (Restart, {"count": None}, "count = None: expected 1, or `every` as well"),
        (Restart, {"count": 0, "every": 1}, "count = 0: expected a whole number >= 1"),
        (Bust, {"probability": 2}, "probability = 2"),
        (Correct, {}, "price = None: expected price, percent or quantity: something that changes"),
        (Correct, {"price": Decimal(1), "percent": Decimal(1)}, "expected either price or percent"),
        (Correct, {"price": Decimal(0)}, "price"),
        (Correct, {"percent": Decimal(-100)}, "per cent, -100 < number <= 1000 and not 0"),
        (Correct, {"percent": Decimal(0)}, "per cent, -100 < number <= 1000 and not 0"),
        (ForeignOrder, {"symbol": ""}, "symbol = ''"),
        (ForeignOrder, {"symbol": "AAPL", "side": "short"}, "side = 'short': expected one of 'buy', 'sell'"),
        (ForeignOrder, {"symbol": "AAPL", "qty": Decimal(0)}, "qty"),
        (ForeignOrder, {"symbol": "AAPL", "type": "best"}, "type = 'best'"),
        (ForeignOrder, {"symbol": "AAPL", "time_in_force": "week"}, "time_in_force = 'week'"),
        (ClockSkew, {"seconds": 10**9}, "seconds = 1000000000"),
    ],
)
def test_what_makes_no_sense(kind, setting, words):
    """It is refused by name."""
    with pytest.raises(InvalidRequest, match=words):
        kind(**setting)
