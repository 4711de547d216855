"""How the venue's time runs, with a machine's clock in the hands of the test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bridge.venue.serving.pace import Running, Stepped, later
from engine.errors import ClockError, InvalidRequest
from engine.testing import ManualHostClock

START = datetime(2024, 1, 2, 15, 30, tzinfo=UTC)


@pytest.fixture
def clock():
    return ManualHostClock(start=1000.0)


def after(seconds):
    return START + timedelta(seconds=seconds)


@pytest.mark.parametrize(("speed", "expected"), [(1.0, 2), (60.0, 120), (0.5, 1)])
def test_time_runs_with_the_machine(clock, speed, expected):
    """From the start on, so many times as fast."""
    pace = Running(START, speed=speed, host_clock=clock)
    clock.advance(2)

    assert after(expected) == pace.now()


@pytest.mark.parametrize(("speed", "expected"), [(1.0, 60.0), (60.0, 1.0), (0.5, 120.0)])
def test_how_long_the_machine_waits(clock, speed, expected):
    """Seconds of the machine, not of the venue; none for what has passed."""
    pace = Running(START, speed=speed, host_clock=clock)

    assert [expected, 0.0, 0.0] == [pace.wait(after(60)), pace.wait(START), pace.wait(after(-60))]


@pytest.mark.parametrize(("took", "kept_up", "then"), [(0.2, True, 80), (0.3, False, 60)])
def test_a_machine_that_is_too_slow(clock, took, kept_up, then):
    """Where it takes a quarter of a second and more to play what was due, that is no time of the venue."""
    pace = Running(START, speed=100, host_clock=clock)
    clock.advance(0.6)
    played = pace.now()
    clock.advance(took)

    assert kept_up is pace.played(played)
    assert after(then) == pace.now()
    clock.advance(0.1)
    assert after(then + 10) == pace.now()


@pytest.mark.parametrize("speed", [0, -1, float("nan"), float("inf"), 10_001])
def test_speeds_that_are_none(speed):
    """A speed is above nothing, and has an end."""
    with pytest.raises(InvalidRequest, match="speed = .*10,000"):
        Running(START, speed=speed)


def test_time_stands_until_it_is_stepped():
    """What has not come does not come by itself; a step to the present is one."""
    pace = Stepped(START)
    waits = [pace.wait(START), pace.wait(after(1))]
    pace.step(START)
    pace.step(after(1))

    assert ([0.0, None], after(1), 0.0) == (waits, pace.now(), pace.wait(after(1)))


def test_steps_do_not_go_back():
    """A moment that has passed is refused, and the time stays."""
    pace = Stepped(START)
    with pytest.raises(InvalidRequest, match=r"to = '2024-01-02T15:29:59\+00:00'.*from 2024-01-02T15:30:00"):
        pace.step(after(-1))

    assert START == pace.now()


def test_steps_to_a_moment_without_a_zone():
    """Nobody knows when that is."""
    with pytest.raises(ClockError, match="has no time zone"):
        Stepped(START).step(datetime(2024, 1, 3))


@pytest.mark.parametrize("seconds", [1e300, -1e300, float("nan"), 1e12])
def test_seconds_that_lead_nowhere(seconds):
    """Past the last year there is no moment."""
    with pytest.raises(InvalidRequest, match="seconds = .*9999"):
        later(START, seconds)
