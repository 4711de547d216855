"""What the stream told, kept and told again."""

from __future__ import annotations

import pytest

from bridge.venue.eventlog import EventLog, Span
from bridge.venue.spelling import zulu

SECOND = 10**9


def log_of(count, kept=100_000):
    """One event a second from 1970 on."""
    log = EventLog(kept)
    for number in range(count):
        log.write({"at": zulu(number * SECOND), "event_id": f"{number:026}", "event": "new\n"})
    return log


def numbers(log, **ends):
    return [int(data["event_id"]) for data in log.read(Span(**ends))]


@pytest.mark.parametrize("count", [0, 1, 255, 256, 257, 1000])
def test_everything_is_told_again_in_order(count):
    """As it was, be it in a block already or not."""
    log = log_of(count)

    assert list(range(count)) == numbers(log)
    assert count == len(log)
    assert {"new\n"} >= {data["event"] for data in log.read(Span())}


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ({"since": 300 * SECOND, "until": 302 * SECOND}, [300, 301, 302]),
        ({"since": 998 * SECOND + 1}, [999]),
        ({"until": SECOND}, [0, 1]),
        ({"since_id": f"{511:026}", "until_id": f"{512:026}"}, [511, 512]),
        ({"since_id": f"{255:025}Z"}, []),
        ({"since": 10_000 * SECOND}, []),
    ],
)
def test_both_ends_belong_to_a_span(ends, expected):
    """By moment and by id; an end need not be the moment or id of an event."""
    assert expected == numbers(log_of(1000), **ends)


def test_the_oldest_are_forgotten():
    """The newest so many are there, and no more than a block beyond."""
    found = numbers(log_of(5000, kept=1000))

    assert list(range(found[0], 5000)) == found
    assert 1000 <= len(found) < 1000 + 256
