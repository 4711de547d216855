"""How the venue's time runs: with the machine's clock, a multiple of it, or step by step."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from engine.clock import HostClock, SystemHostClock, utc
from engine.errors import InvalidRequest

__all__ = ["Pace", "Running", "Stepped", "later"]

_FASTEST = 10_000.0
_BEHIND = 0.25  # seconds of the machine


class Pace(Protocol):
    """Says what time it is at the venue, and how long the machine has to wait for a moment of it."""

    def now(self) -> datetime:
        """The venue's time; it never goes back."""

    def wait(self, due: datetime) -> float | None:
        """Seconds of the machine until the venue's time is ``due``, >= 0; None: it does not come by itself."""

    def played(self, at: datetime) -> bool:
        """All that was due by then has happened; False: that took so long that the venue's time stood meanwhile."""


class Running:
    """
    Time that runs.

    Args:
        start: The venue's time at this moment.
        speed: Seconds of the venue in one of the machine, 0 < speed <= 10,000.
    """

    def __init__(self, start: datetime, *, speed: float = 1.0, host_clock: HostClock | None = None) -> None:
        if not 0 < speed <= _FASTEST:
            raise InvalidRequest("speed", speed, f"a number > 0, at most {_FASTEST:,.0f}")
        self._start = utc(start)
        self._speed = speed
        self._host = host_clock or SystemHostClock()
        self._began = self._host.monotonic()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=(self._host.monotonic() - self._began) * self._speed)

    def wait(self, due: datetime) -> float:
        return max(0.0, (due - self.now()) / timedelta(seconds=1) / self._speed)

    def played(self, at: datetime) -> bool:
        # Otherwise there is more to play each time, and in the end nobody is answered any more.
        behind = (self.now() - at) / timedelta(seconds=1) / self._speed
        if behind <= _BEHIND:
            return True
        self._start, self._began = at, self._host.monotonic()
        return False


class Stepped:
    """Time that stands until somebody moves it on."""

    def __init__(self, start: datetime) -> None:
        self._now = utc(start)

    def now(self) -> datetime:
        return self._now

    def wait(self, due: datetime) -> float | None:
        return 0.0 if due <= self._now else None

    def played(self, at: datetime) -> bool:
        return True

    def step(self, to: datetime) -> None:
        """
        Move on.

        Raises:
            InvalidRequest: That moment has passed.
            ClockError: It has no time zone.
        """
        to = utc(to)
        if to < self._now:
            raise InvalidRequest("to", to.isoformat(), f"a moment from {self._now.isoformat()} on")
        self._now = to


def later(now: datetime, seconds: float) -> datetime:
    """
    The moment so many seconds later.

    Raises:
        InvalidRequest: There is none.
    """
    try:
        return now + timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        raise InvalidRequest("seconds", seconds, "a number that leads to a year up to 9999") from None
