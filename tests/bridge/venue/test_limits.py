"""Windows: no more than the limit in any of them, and headers that are true."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bridge.venue.limits import RateLimit, RateWindow
from engine.errors import InvalidRequest

START = datetime(2024, 1, 2, 15, 0, 50, tzinfo=UTC)


def after(seconds):
    return START + timedelta(seconds=seconds)


def run(kind, *seconds, requests=2):
    window = RateWindow(RateLimit(requests=requests, kind=kind))
    return [window.arrive(after(each)) for each in seconds]


@pytest.mark.parametrize(
    ("kind", "allowed", "resets"),
    [
        ("clock", [True, True, False, True, True, False, True], [10, 10, 10, 70, 70, 70, 130]),
        ("first", [True, True, False, False, False, True, True], [60, 60, 60, 60, 60, 120, 120]),
        ("sliding", [True, True, False, False, False, True, True], [60, 60, 60, 60, 60, 61, 120]),
    ],
)
def test_windows_end_when_they_say(kind, allowed, resets):
    """By the clock's minute, from the first request on, or behind each request."""
    verdicts = run(kind, 0, 1, 9, 10, 59.5, 60, 75)

    assert allowed == [verdict.allowed for verdict in verdicts]
    assert resets == [verdict.reset - int(START.timestamp()) for verdict in verdicts]


def test_what_remains_is_counted_down():
    """The header says what is left after this request."""
    assert [1, 0, 0] == [verdict.remaining for verdict in run("clock", 0, 1, 2)]


def test_headers_are_texts():
    """All three are on every answer."""
    (verdict,) = run("first", 0)

    assert {
        "X-Ratelimit-Limit": "2",
        "X-Ratelimit-Remaining": "1",
        "X-Ratelimit-Reset": str(int(START.timestamp()) + 60),
    } == verdict.headers


def test_reset_is_never_early():
    """A window that ends within a second is told as ending with it."""
    (verdict,) = run("first", 0.25)

    assert 61 == verdict.reset - int(START.timestamp())


@pytest.mark.parametrize("more", [{"requests": 0}, {"window": timedelta(0)}, {"kind": "leaky"}, {"requests": True}])
def test_nonsense_is_no_limit(more):
    """A limit needs a number, a length and a kind that is known."""
    with pytest.raises(InvalidRequest):
        RateLimit(**more)
