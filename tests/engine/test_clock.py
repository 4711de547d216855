"""Market time and the machine's time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from freezegun import freeze_time

from engine.clock import EPOCH, Clock, HostClock, SimulatedClock, SystemClock, SystemHostClock, spelled, utc
from engine.errors import ClockError

START = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)


def test_epoch_is_the_unix_epoch():
    """EPOCH is second zero of Unix time."""
    assert 0 == EPOCH.timestamp()


def test_utc_keeps_a_moment_that_is_utc():
    """A moment in UTC comes back as the same object."""
    assert START is utc(START)


@pytest.mark.parametrize("zone", [timezone(timedelta(hours=-5)), ZoneInfo("America/New_York")])
def test_utc_converts_other_zones(zone):
    """A moment of another zone becomes the same instant with UTC as its zone."""
    moment = utc(datetime(2024, 1, 2, 9, 30, tzinfo=zone))

    assert START == moment
    assert UTC is moment.tzinfo


def test_utc_takes_a_zone_that_equals_utc():
    """A zone that is UTC under another name is replaced by UTC itself."""
    moment = utc(START.replace(tzinfo=ZoneInfo("UTC")))

    assert START == moment
    assert UTC is moment.tzinfo


def test_utc_refuses_a_naive_moment():
    """A moment without a zone is an error that shows the moment and what an aware one looks like."""
    with pytest.raises(ClockError, match=r"2024-01-02T14:30:00 has no time zone: expected an aware datetime"):
        utc(START.replace(tzinfo=None))


def test_system_clock_tells_the_wall_clock_in_utc():
    """SystemClock tells the machine's date and time, aware."""
    clock: Clock = SystemClock()
    with freeze_time(START):
        now = clock.now()

    assert START == now
    assert UTC is now.tzinfo


def test_system_clock_follows_the_wall_clock_back():
    """A wall clock that is set back takes SystemClock along: it is no monotonic clock."""
    clock = SystemClock()
    with freeze_time(START) as wall:
        wall.move_to(START - timedelta(hours=1))

        assert START - timedelta(hours=1) == clock.now()


def test_system_clock_sleeps_for_real():
    """SystemClock hands the wait to the operating system, which refuses a negative one."""
    clock = SystemClock()
    clock.sleep(0)

    with pytest.raises(ValueError, match="non-negative"):
        clock.sleep(-1)


def test_host_clock_counts_seconds():
    """SystemHostClock tells seconds that pass with the machine's monotonic clock."""
    clock: HostClock = SystemHostClock()
    with freeze_time(START) as machine:
        before = clock.monotonic()
        machine.tick(2.5)
        after = clock.monotonic()

    assert 2.5 == pytest.approx(after - before)


def test_host_clock_never_goes_back():
    """Later answers of the host clock are never smaller."""
    clock = SystemHostClock()
    answers = [clock.monotonic() for _ in range(100)]

    assert sorted(answers) == answers


def test_simulated_clock_stands_still():
    """A simulated clock shows its start until it is moved."""
    clock = SimulatedClock(START)

    assert [START, START] == [clock.now(), clock.now()]


def test_simulated_clock_starts_in_utc():
    """The start may be given in any zone; the clock answers in UTC."""
    clock = SimulatedClock(datetime(2024, 1, 2, 9, 30, tzinfo=ZoneInfo("America/New_York")))

    assert START == clock.now()
    assert UTC is clock.now().tzinfo


def test_simulated_clock_refuses_a_naive_start():
    """A simulated clock cannot start at a moment without a zone."""
    with pytest.raises(ClockError, match="has no time zone"):
        SimulatedClock(START.replace(tzinfo=None))


def test_sleeping_advances_a_simulated_clock():
    """Sleeping moves simulated time by the seconds slept, to the microsecond, without waiting."""
    clock = SimulatedClock(START)
    clock.sleep(90.000001)

    assert START + timedelta(seconds=90, microseconds=1) == clock.now()


def test_simulated_clock_sleeps_no_time_at_all():
    """A sleep of 0 s is allowed and changes nothing."""
    clock = SimulatedClock(START)
    clock.sleep(0)

    assert START == clock.now()


def test_simulated_clock_cannot_sleep_backwards():
    """A negative sleep is refused and leaves the time as it was."""
    clock = SimulatedClock(START)
    with pytest.raises(ClockError, match="cannot sleep -1 s"):
        clock.sleep(-1)

    assert START == clock.now()


def test_advance_to_sets_the_present():
    """advance_to makes a later moment of any zone the present, in UTC."""
    clock = SimulatedClock(START)
    clock.advance_to(datetime(2024, 1, 2, 16, 0, tzinfo=ZoneInfo("America/New_York")))

    assert datetime(2024, 1, 2, 21, 0, tzinfo=UTC) == clock.now()


def test_advance_to_the_present_is_allowed():
    """Advancing to the very moment that it is changes nothing."""
    clock = SimulatedClock(START)
    clock.advance_to(START)

    assert START == clock.now()


def test_advance_to_never_goes_back():
    """An earlier moment is refused, with both moments in the message, and leaves the time as it was."""
    clock = SimulatedClock(START)
    with pytest.raises(
        ClockError, match=r"cannot go back from 2024-01-02T14:30:00\+00:00 to 2024-01-02T14:29:59\+00:00"
    ):
        clock.advance_to(START - timedelta(seconds=1))

    assert START == clock.now()


def test_advance_to_refuses_a_naive_moment():
    """A later moment without a zone is refused too."""
    clock = SimulatedClock(START)
    with pytest.raises(ClockError, match="has no time zone"):
        clock.advance_to(datetime(2025, 1, 1))

    assert START == clock.now()


@pytest.mark.parametrize(
    ("length", "text"),
    [
        ({"days": 1, "hours": 12}, "1 d 12 h"),
        ({"minutes": 45}, "45 min"),
        ({"hours": 24}, "1 d"),
        ({"minutes": 61, "seconds": 1}, "1 h 1 min 1 s"),
        ({"milliseconds": 250}, "0.25 s"),
        ({}, "0 s"),
    ],
)
def test_lengths_in_words(length, text):
    """A length of time as people say it."""
    assert text == spelled(timedelta(**length))
