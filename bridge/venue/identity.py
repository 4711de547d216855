"""Ids and stamps of one venue: all from one seed, so that the same calls give the same bytes."""

from __future__ import annotations

from datetime import datetime
from random import Random
from uuid import UUID

from bridge.venue.spelling import NEW_YORK, moment, nanos

__all__ = ["Identity"]

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BITS = 80
_ROUNDED_DOWN = 499  # nanoseconds that a reader may round, and still finds the same microsecond


class Identity:
    """
    Args:
        seed: Of everything that is left to chance here.
        steady: Stamps are left to the moment alone: however many it has, none is cut or rounded to another
            microsecond, and behind the first 500 they are equal.
    """

    def __init__(self, seed: int, *, steady: bool = False) -> None:
        self.chance = Random(seed)
        self._steady = steady
        self._requests = Random(f"{seed}/requests")
        self._last = 0
        self._ulid = 0

    def uuid(self) -> str:
        return str(UUID(int=self.chance.getrandbits(128), version=4))

    def request(self) -> str:
        """The id of a request; nothing else depends on how many there were."""
        return str(UUID(int=self._requests.getrandbits(128), version=4))

    def stamp(self, now: datetime) -> int:
        """A moment with nine digits, later than every one before it: no two of them are equal (but see ``steady``)."""
        if self._steady:
            first = nanos(now)
            self._last = max(first, min(self._last + 1, first + _ROUNDED_DOWN))
            return self._last
        self._last = max(nanos(now) + self.chance.randrange(1000), self._last + 1)
        return self._last

    def ulid(self, at: int) -> str:
        """An id that sorts in the order of the calls; ``at`` as `stamp` gives it."""
        made = (at // 10**6 << _RANDOM_BITS) | self.chance.getrandbits(_RANDOM_BITS - 1)
        # Within a millisecond chance would undo the order.
        self._ulid = max(made, self._ulid + 1)
        return _spread(self._ulid)

    def activity(self, at: int) -> str:
        """The id of an account activity: New York's wall clock to the millisecond, then a uuid of its own."""
        local = moment(at).astimezone(NEW_YORK)
        return f"{local:%Y%m%d%H%M%S}{local.microsecond // 1000:03}::{self.uuid()}"


def _spread(number: int) -> str:
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))
