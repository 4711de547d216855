"""Time in the hands of a test."""

from __future__ import annotations

from engine.errors import ClockError

__all__ = ["ManualHostClock"]


class ManualHostClock:
    """A `HostClock` that stands still until it is told to go on."""

    def __init__(self, start: float = 0.0) -> None:
        self._now = start

    def monotonic(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` >= 0 pass."""
        if seconds < 0:
            raise ClockError(f"cannot go back {-seconds:g} s: a monotonic clock never does")
        self._now += seconds
