"""Faults that are switched on: ids, dice of their own, and a list of what has bitten."""

from __future__ import annotations

import pytest

from bridge.venue.faults.armed import Trip
from bridge.venue.faults.frames import Drop
from bridge.venue.faults.rest import ErrorBefore, Slow
from engine.errors import InvalidRequest

SLOW = Slow(seconds=1, probability=0.5)


def delays(desk, requests=60):
    return [desk().delay for _ in range(requests)]


def test_ids(bench):
    """A kind and a number, which is not given again."""
    desk = bench(Drop(), Drop())
    desk.faults.remove("drop-2", desk.now)

    assert ["slow-1", "drop-3"] == [desk.faults.add(fault, desk.now) for fault in (SLOW, Drop())]
    assert ["drop-1", "slow-1", "drop-3"] == [each.id for each in desk.faults.active(desk.now)]


def test_the_same_seed(bench):
    """It makes the same of the same requests; another one does not."""
    assert delays(bench(SLOW, seed=1)) == delays(bench(SLOW, seed=1)) != delays(bench(SLOW, seed=2))


def test_dice_of_its_own(bench):
    """Other faults before it, behind it or biting the same request change nothing of what one does."""
    alone = delays(bench(SLOW))
    crowd = bench(Slow(seconds=0, probability=0.7), SLOW, Slow(seconds=0, jitter=0.0), ErrorBefore(probability=0.2))

    assert alone == delays(crowd)


def test_equal_faults(bench):
    """Two that say the same do not do the same."""
    both = delays(bench(SLOW, SLOW))

    assert {0, 1, 2} == set(both)


def test_switching_off(bench):
    """What is switched off bites no more, by its id or with all others."""
    desk = bench(ErrorBefore(method="GET"), ErrorBefore(method="POST"))
    desk.faults.remove("error-before-1", desk.now)
    assert [True, False] == [desk("GET").handled, desk("POST").handled]
    desk.faults.clear(desk.now)

    assert desk("POST").handled
    assert [] == desk.faults.active(desk.now)


def test_switching_off_what_is_not_there(bench):
    """The error names those that are."""
    desk = bench(Drop())
    with pytest.raises(InvalidRequest, match="fault = 'x': expected one of drop-1"):
        desk.faults.remove("x", desk.now)
    desk.faults.clear(desk.now)

    with pytest.raises(InvalidRequest, match="no fault is switched on"):
        desk.faults.remove("drop-1", desk.now)


def test_what_is_active(bench):
    """Those to come are, those that are over by time or by count are not."""
    desk = bench(ErrorBefore(count=2), Drop(at=5), Drop(until=1)).at(1)
    desk()
    first, second = desk.faults.active(desk.now)

    assert ("error-before-1", True, 1) == (first.id, first.in_force, first.left)
    assert ("drop-1", False, Drop(at=5)) == (second.id, second.in_force, second.fault)
    desk()
    assert ["drop-1"] == [each.id for each in desk.faults.active(desk.now)]


def test_what_has_bitten(bench):
    """When, which fault, and what of it; what did not bite is not there."""
    desk = bench(ErrorBefore(count=1)).at(3)
    desk("POST")
    desk("POST")

    assert [Trip(at=desk.now, fault="error-before-1", what="POST /v2/orders: 503, not done")] == desk.faults.tripped
