"""
Locks: entries that a protection keeps out for a while, and when that ends.

A lock is a fact (`engine.facts.Locked`), and `Locks` is a fold over them: it reads no clock, so the same journal gives
the same locks at the same moment. A lock holds once it is recorded, up to and without ``until``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

from attrs import field, frozen

from engine.clock import EPOCH, utc
from engine.errors import InvalidRequest
from engine.facts import Locked, LocksReleased
from engine.model import Side
from engine.risk.checks import length, local_time

__all__ = ["Lasting", "Locks"]

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


@frozen(kw_only=True)
class Lasting:
    """
    How long a lock lasts, from the event that caused it.

    Attributes:
        lock_for: How long; one hour where neither this nor ``unlock_at`` is given.
        unlock_at: Instead: until the first such time of day, UTC, after the event; the next day's if that is now.
        candle: Moves the end up to the next multiple of this since 1970, and an end that is one a whole candle further,
            so that a signal of a candle that began under the lock stays out; None: the end stays where it is.

    Raises:
        InvalidRequest: Both ends are given, or a value makes no sense.

    Source: docs/explanation/protections.md, "How long a lock lasts".
    """

    lock_for: timedelta | None = field(default=None, validator=length)
    unlock_at: time | None = field(default=None, validator=local_time)
    candle: timedelta | None = field(default=None, validator=length)

    def __attrs_post_init__(self) -> None:
        if self.lock_for is not None and self.unlock_at is not None:
            raise InvalidRequest("unlock_at", self.unlock_at, "no lock_for beside it: a lock has one end")

    def until(self, event: datetime) -> datetime:
        """The first moment at which a lock from ``event`` on does not hold any more, UTC."""
        event = utc(event)
        if self.unlock_at is None:
            end = event + (self.lock_for or _HOUR)
        else:
            end = datetime.combine(event.date(), self.unlock_at, UTC)
            if end <= event:
                end += _DAY
        if self.candle is not None:
            end = EPOCH + ((end - EPOCH) // self.candle + 1) * self.candle
        return end


class Locks:
    """
    All locks of a journal; belongs to the engine's thread.

    Attributes:
        all: Every lock there ever was, in the order in which they were recorded.
        released: By id, what lifted a lock before its time.
    """

    def __init__(self) -> None:
        self.all: list[Locked] = []
        self.released: dict[str, LocksReleased] = {}
        self._known: set[str] = set()
        self._live: dict[str | None, list[Locked]] = {}  # by symbol; what was over when the last one began is gone

    # --- facts --------------------------------------------------------------------------------------------------------

    def lock(self, fact: Locked) -> None:
        """Take in a lock; one whose id is known already changes nothing."""
        if fact.id in self._known:
            return
        self._known.add(fact.id)
        self.all.append(fact)
        live = [each for each in self._live.get(fact.symbol, ()) if each.until > fact.at]
        self._live[fact.symbol] = [*live, fact]

    def release(self, fact: LocksReleased) -> None:
        """Lift locks."""
        gone = set(fact.ids)
        for lock_id in fact.ids:
            self.released.setdefault(lock_id, fact)
        self._live = {
            symbol: [each for each in live if each.id not in gone] for symbol, live in self._live.items()
        }  # fmt: skip

    # --- looking ------------------------------------------------------------------------------------------------------

    def __contains__(self, lock_id: str) -> bool:
        return lock_id in self._known

    def holding(self, symbol: str, side: Side, now: datetime) -> Locked | None:
        """The lock that keeps an entry of that side out of the symbol now, the longest one; None: none does."""
        if not self._live:
            return None
        longest: Locked | None = None
        for live in (self._live.get(None), self._live.get(symbol)):
            for each in live or ():
                if each.until > now and each.side in (None, side) and (longest is None or each.until > longest.until):
                    longest = each
        return longest

    def active(self, now: datetime) -> Sequence[Locked]:
        """The locks that hold now, in the order in which they were recorded."""
        held = {each.id for live in self._live.values() for each in live if each.until > now}
        return [each for each in self.all if each.id in held]

    def held_by(self, rule: str, symbol: str | None, now: datetime) -> bool:
        """Whether a lock of that rule, with which its id begins, on that symbol (None: on all) holds now."""
        name = f"{rule}/"
        return any(each.until > now and each.id.startswith(name) for each in self._live.get(symbol, ()))

    def cover(self, new: Locked) -> bool:
        """Whether a lock that holds already keeps out all that ``new`` would, at least as long."""
        for live in (self._live.get(None), self._live.get(new.symbol)):
            if any(each.side in (None, new.side) and each.until >= new.until for each in live or ()):
                return True
        return False
