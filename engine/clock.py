"""
Time as an argument: the market's clock and the machine's.

`Clock` tells market time, which a replay sets; `HostClock` tells the machine's monotonic time, which every liveness
deadline uses, also in a replay. This is the only file of the engine that may ask the operating system for the time.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from engine.errors import ClockError

__all__ = ["EPOCH", "Clock", "HostClock", "SimulatedClock", "SystemClock", "SystemHostClock", "spelled", "utc"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc(moment: datetime) -> datetime:
    """
    The same instant with UTC as its zone.

    Raises:
        ClockError: ``moment`` is naive, so nobody knows which instant it is.
    """
    if moment.tzinfo is UTC:
        return moment
    if moment.utcoffset() is None:
        raise ClockError(
            f"{moment.isoformat()} has no time zone: expected an aware datetime, e.g. 2024-01-02T09:30:00+00:00"
        )
    return moment.astimezone(UTC)


def spelled(length: timedelta) -> str:
    """A length of time for people: "1 d 12 h", "45 min", "0.25 s"; nothing is "0 s"."""
    minutes, rest = divmod(length, timedelta(minutes=1))
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [f"{number} {unit}" for number, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if number]
    if rest or not parts:
        parts.append(f"{rest.total_seconds():g} s")
    return " ".join(parts)


class Clock(Protocol):
    """Market time."""

    def now(self) -> datetime:
        """The present moment, UTC-aware, never before an earlier answer of a simulated clock."""

    def sleep(self, seconds: float) -> None:
        """Return when ``seconds`` >= 0 of market time have passed."""


class HostClock(Protocol):
    """The machine's own time, for deadlines: it does not follow the market and cannot be set."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary point; never goes back."""


class SystemClock:
    """Market time is the wall clock's time: live trading."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class SystemHostClock:
    """The operating system's monotonic clock."""

    def monotonic(self) -> float:
        return time.monotonic()


class SimulatedClock:
    """
    Market time that is set by whoever plays the market; it never goes back.

    Args:
        start: The first moment, aware.

    Raises:
        ClockError: ``start`` is naive.
    """

    __slots__ = ("_now",)

    def __init__(self, start: datetime) -> None:
        self._now = utc(start)

    def now(self) -> datetime:
        return self._now

    def sleep(self, seconds: float) -> None:
        if seconds < 0:
            raise ClockError(f"cannot sleep {seconds:g} s: a simulated clock never goes back")
        self._now += timedelta(seconds=seconds)

    def advance_to(self, moment: datetime) -> None:
        """
        Make ``moment`` the present.

        Raises:
            ClockError: ``moment`` is naive or lies in the past.
        """
        if moment.tzinfo is not UTC:
            moment = utc(moment)
        if moment < self._now:
            raise ClockError(f"cannot go back from {self._now.isoformat()} to {moment.isoformat()}")
        self._now = moment
