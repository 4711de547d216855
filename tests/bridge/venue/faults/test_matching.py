"""What every fault has: its window, its dice, its count, and the checks of their numbers."""

from __future__ import annotations

from math import inf, nan

import pytest

from bridge.venue.faults.frames import Drop
from bridge.venue.faults.matching import same_symbol
from bridge.venue.faults.rest import ErrorBefore, Slow
from engine.errors import InvalidRequest


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"at": -1}, r"at = -1: expected seconds, 0 <= number <= 100000000"),
        ({"at": nan}, "at = nan: expected seconds"),
        ({"until": inf}, "until = inf: expected seconds"),
        ({"at": True}, "at = True: expected seconds"),
        ({"at": 5, "until": 5}, "until = 5: expected seconds, more than at = 5"),
        ({"probability": 1.1}, r"probability = 1.1: expected a ratio from 0 to 1"),
        ({"count": 0}, "count = 0: expected a whole number >= 1"),
        ({"count": 1.5}, "count = 1.5: expected a whole number >= 1"),
        ({"account": ""}, "account = '': expected text that is not empty, or nothing at all"),
    ],
)
def test_numbers_that_make_no_sense(setting, words):
    """They are refused by name, with what would be right."""
    with pytest.raises(InvalidRequest, match=words):
        Drop(**setting)


@pytest.mark.parametrize(
    ("wanted", "found", "same"),
    [
        (None, None, True),
        ("AAPL", "AAPL", True),
        ("BTCUSD", "BTC/USD", True),
        ("btc/usd", "BTCUSD", True),
        ("AAPL", "MSFT", False),
        ("AAPL", None, False),
    ],
)
def test_symbols(wanted, found, same):
    """A pair is the same with its slash and without; no symbol in particular is any."""
    assert same is same_symbol(wanted, found)


def test_a_window(bench):
    """A fault is in force from its beginning until just before its end."""
    desk = bench(ErrorBefore(at=2, until=4))

    assert [True, False, False, True] == [desk.at(second)().handled for second in (1.9, 2, 3.9, 4)]


def test_a_window_of_a_fault_that_is_switched_on(bench):
    """Its times are counted from the moment at which it was."""
    desk = bench().at(10)
    desk.faults.add(ErrorBefore(at=2, until=4), desk.now)

    assert [True, False, True] == [desk.at(second)().handled for second in (11, 12, 14)]


def test_a_count(bench):
    """The next so many that match are bitten, and then no more."""
    desk = bench(ErrorBefore(method="POST", count=2))

    assert [True, False, False, True] == [desk(method).handled for method in ("GET", "POST", "POST", "POST")]


def test_a_probability(bench):
    """About so many of those that match are bitten; none of none, and all of all."""
    desk = bench(Slow(seconds=1, probability=0.3), Slow(seconds=10, probability=0), Slow(seconds=100))
    delays = [desk().delay for _ in range(1000)]

    assert {100, 101} == set(delays)
    assert 250 < delays.count(101) < 350


def test_a_probability_with_a_count(bench):
    """Chance decides about each until enough were bitten."""
    desk = bench(Slow(seconds=1, probability=0.5, count=3))
    delays = [desk().delay for _ in range(50)]

    assert 3 == sum(delays)
    assert [1, 1, 1] != delays[:3]
