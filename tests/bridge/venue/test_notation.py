"""Settings of a venue as people write them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from bridge.venue.limits import RateLimit
from bridge.venue.notation import amount, latency, rate_limit
from engine.errors import InvalidRequest


@pytest.mark.parametrize(
    ("written", "expected"),
    [("0.05-0.4", (0.05, 0.4)), ("0", (0.0, 0.0)), (" 2 ", (2.0, 2.0)), ("1-2", (1.0, 2.0))],
)
def test_latency(written, expected):
    """A latency is a span, or one number for both of its ends."""
    assert expected == latency(written)


@pytest.mark.parametrize("written", ["", "-1", "0.1-", "a", "0.1-0.2-0.3", "1e3", "٣"])
def test_no_latency(written):
    """What is no latency is refused with what one looks like."""
    with pytest.raises(InvalidRequest, match=r"latency = .* expected seconds as 0\.05-0\.4"):
        latency(written)


@pytest.mark.parametrize(
    ("written", "requests", "seconds", "kind"),
    [
        ("200/60", 200, 60, "clock"),
        ("5/1:first", 5, 1, "first"),
        ("10/1.5:sliding", 10, 1.5, "sliding"),
        ("200/60:clock", 200, 60, "clock"),
    ],
)
def test_rate_limit(written, requests, seconds, kind):
    """A limit is requests and seconds, with the kind of window behind them where it is not the clock's."""
    expected = RateLimit(requests=requests, window=timedelta(seconds=seconds), kind=kind)

    assert expected == rate_limit(written)


@pytest.mark.parametrize("written", ["", "200", "200/", "/60", "200/60:", "200/60:minute", "-1/60", "1.5/60"])
def test_no_rate_limit(written):
    """What is no limit is refused with what one looks like."""
    with pytest.raises(InvalidRequest, match="rate_limit = .* expected requests and seconds as 200/60"):
        rate_limit(written)


@pytest.mark.parametrize(("written", "field"), [("0/60", "requests"), ("200/0.5", "window")])
def test_a_rate_limit_that_cannot_be(written, field):
    """A limit of nothing, or in less than a second, is refused as the value itself refuses it."""
    with pytest.raises(InvalidRequest, match=field):
        rate_limit(written)


@pytest.mark.parametrize(
    ("written", "expected"), [(0.1, "0.1"), (150, "150"), ("99.50", "99.50"), (Decimal("1.23"), "1.23")]
)
def test_amount(written, expected):
    """An amount is exact: of a float it is what the float shows."""
    assert expected == str(amount("price", written))


@pytest.mark.parametrize("written", ["", "x", 0, -1, float("nan"), "inf", None])
def test_no_amount(written):
    """What is no number above zero is refused with the name of its field."""
    with pytest.raises(InvalidRequest, match="price of AAPL = .* expected a number > 0"):
        amount("price of AAPL", written)
