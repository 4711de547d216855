"""
How many requests a key may make: pure windows, and a record of what arrived.

Alpaca's headers describe a fixed window. Whether it is a minute of the clock or begins with the first request is not
documented, so both are here, and a sliding one for those who want the strictest.
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta
from typing import Literal

from attrs import Attribute, field, frozen

from engine.errors import InvalidRequest

__all__ = ["Arrival", "RateLimit", "RateWindow", "Verdict"]

Kind = Literal["clock", "first", "sliding"]
_KINDS = ("clock", "first", "sliding")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _at_least_one(instance: object, attribute: Attribute[int], value: object) -> None:
    if type(value) is not int or value < 1:
        raise InvalidRequest(attribute.name, value, "a whole number >= 1")


def _some_time(instance: object, attribute: Attribute[timedelta], value: object) -> None:
    if not isinstance(value, timedelta) or value < timedelta(seconds=1):
        raise InvalidRequest(attribute.name, value, "a timedelta of a second or more")


def _known(instance: object, attribute: Attribute[str], value: object) -> None:
    if value not in _KINDS:
        raise InvalidRequest(attribute.name, value, f"one of {', '.join(_KINDS)}")


@frozen(kw_only=True)
class RateLimit:
    """
    Attributes:
        requests: In one window, all paths and methods together.
        window: Its length.
        kind: "clock": aligned to multiples of the length since 1970; "first": begins with the first request after the
            last one ended; "sliding": every stretch of that length.
    """

    requests: int = field(default=200, validator=_at_least_one)
    window: timedelta = field(default=timedelta(seconds=60), validator=_some_time)
    kind: Kind = field(default="clock", validator=_known)


@frozen(kw_only=True)
class Arrival:
    """
    A request that reached the venue with a good key.

    Attributes:
        key: Whose it was.
        allowed: False: one too many, answered with 429; it did not count.
        method, path: What was asked for; of a path the first hundred characters.
    """

    at: datetime
    key: str
    allowed: bool
    method: str = ""
    path: str = ""


@frozen(kw_only=True)
class Verdict:
    """
    What a window says to a request.

    Attributes:
        remaining: What is left in the window after it.
        reset: Whole seconds since 1970 at which more is left again, never before that moment.
    """

    allowed: bool
    limit: int
    remaining: int
    reset: int

    @property
    def headers(self) -> dict[str, str]:
        return {
            "X-Ratelimit-Limit": str(self.limit),
            "X-Ratelimit-Remaining": str(self.remaining),
            "X-Ratelimit-Reset": str(self.reset),
        }


class RateWindow:
    """One key's window; moments do not go back."""

    def __init__(self, limit: RateLimit) -> None:
        self._limit = limit
        self._start = _EPOCH
        self._count = 0
        self._times: deque[datetime] = deque()

    def arrive(self, now: datetime) -> Verdict:
        """Count a request, if the window still has room for it."""
        limit = self._limit
        if limit.kind == "sliding":
            return self._slide(now)
        if now >= self._start + limit.window:
            since = (now - _EPOCH) % limit.window if limit.kind == "clock" else timedelta(0)
            self._start, self._count = now - since, 0
        allowed = self._count < limit.requests
        self._count += allowed
        return self._verdict(allowed, self._count, self._start + limit.window)

    def _slide(self, now: datetime) -> Verdict:
        limit = self._limit
        while self._times and self._times[0] <= now - limit.window:
            self._times.popleft()
        allowed = len(self._times) < limit.requests
        if allowed:
            self._times.append(now)
        return self._verdict(allowed, len(self._times), self._times[0] + limit.window)

    def _verdict(self, allowed: bool, count: int, ends: datetime) -> Verdict:
        # Rounded up: who waits until then is never early.
        reset = -((_EPOCH - ends) // timedelta(seconds=1))
        return Verdict(allowed=allowed, limit=self._limit.requests, remaining=self._limit.requests - count, reset=reset)
