"""What becomes of requests, alone and where faults meet."""

from __future__ import annotations

import pytest

from bridge.venue.faults.rest import (
    ErrorAfter,
    ErrorBefore,
    LostAfter,
    LostBefore,
    Slow,
    StaleReads,
    TooManyRequests,
)
from bridge.venue.faults.treatment import Treatment


def test_without_faults(bench):
    """A request is handled and answered as always."""
    treatment = bench()()

    assert treatment == Treatment()
    assert treatment.handled


@pytest.mark.parametrize(
    ("fault", "handled", "lose", "before", "after"),
    [
        (TooManyRequests(), False, None, 429, None),
        (ErrorBefore(), False, None, 503, None),
        (ErrorBefore(status=500), False, None, 500, None),
        (ErrorAfter(), True, None, None, 504),
        (ErrorAfter(status=502), True, None, None, 502),
        (LostBefore(), False, "before", None, None),
        (LostAfter(), True, "after", None, None),
    ],
)
def test_before_and_after(bench, fault, handled, lose, before, after):
    """Whether it is done, and what is answered, if anything is."""
    treatment = bench(fault)("POST")
    answers = [None if answer is None else answer.status for answer in (treatment.before, treatment.after)]

    assert (handled, lose, [before, after]) == (treatment.handled, treatment.lose, answers)


def test_words(bench):
    """An error says what Alpaca's says, and code and message where they are known."""
    desk = bench(*(ErrorBefore(status=status, count=1) for status in (500, 503)), TooManyRequests())

    assert [
        {"code": 50010000, "message": "internal server error occurred"},
        {"message": "service unavailable"},
        {"code": 42910000, "message": "rate limit exceeded"},
    ] == [desk().before.body for _ in range(3)]


def test_headers_of_429(bench):
    """When to come back is said if the fault has it: never before that moment."""
    desk = bench(TooManyRequests(count=1), TooManyRequests(retry_after=3, reset=30)).at(0.5)
    bare, full = desk().before.headers, desk().before.headers

    assert ["Content-Type"] == list(bare)
    assert {
        "Content-Type": bare["Content-Type"],
        "Retry-After": "3",
        "X-Ratelimit-Limit": "200",
        "X-Ratelimit-Remaining": "0",
        "X-Ratelimit-Reset": str(1704207600 + 31),
    } == full


def test_slow_and_stale(bench):
    """Slow answers add up, with their jitter; of lags the longest counts."""
    desk = bench(Slow(seconds=1), Slow(seconds=2, jitter=0.5), StaleReads(seconds=3), StaleReads(seconds=2))
    treatments = [desk() for _ in range(50)]

    assert {3} == {each.lag for each in treatments}
    assert all(3 <= each.delay <= 3.5 for each in treatments)
    assert 40 < len({each.delay for each in treatments})


def test_faults_that_exclude_each_other(bench):
    """The first one decides, and the others keep their count for the next request."""
    desk = bench(TooManyRequests(count=2), ErrorAfter(count=1), LostAfter(count=1), Slow(seconds=1))
    treatments = [desk() for _ in range(5)]

    assert [429, 429, None, None, None] == [each.before and each.before.status for each in treatments]
    assert [None, None, 504, None, None] == [each.after and each.after.status for each in treatments]
    assert [None, None, None, "after", None] == [each.lose for each in treatments]
    assert [1] * 5 == [each.delay for each in treatments]
