"""Faults that are switched on: since when, with dice of their own, and how often they have bitten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Generic, TypeVar

from attrs import define, frozen

from bridge.venue.faults.frames import Corrupt, Delay, Drop, Duplicate, Reorder
from bridge.venue.faults.happenings import Bust, ClockSkew, Correct, ForeignOrder, Restart
from bridge.venue.faults.matching import Fault, Window
from bridge.venue.faults.rest import (
    ErrorAfter,
    ErrorBefore,
    LostAfter,
    LostBefore,
    Slow,
    StaleReads,
    TooManyRequests,
)
from bridge.venue.faults.sockets import Close, ConnectionLimit, HalfOpen, Mute, RefuseHandshake, ZombieSession
from engine.errors import InvalidRequest

__all__ = ["AnyFault", "Armed", "Arsenal", "Trip"]

AnyFault = (
    Drop
    | Delay
    | Duplicate
    | Reorder
    | Corrupt
    | Close
    | HalfOpen
    | Mute
    | RefuseHandshake
    | ConnectionLimit
    | ZombieSession
    | TooManyRequests
    | ErrorBefore
    | ErrorAfter
    | LostBefore
    | LostAfter
    | Slow
    | StaleReads
    | Restart
    | Bust
    | Correct
    | ForeignOrder
    | ClockSkew
)

F = TypeVar("F", bound=Window, covariant=True)


@frozen(kw_only=True)
class Trip:
    """
    A fault has bitten.

    Attributes:
        fault: Its id.
        what: Whom and how, for people.
    """

    at: datetime
    fault: str
    what: str


@define(kw_only=True, eq=False)
class Armed(Generic[F]):
    """
    Attributes:
        id: Its kind and a number, "drop-1"; never given twice.
        since: What ``at`` and ``until`` are counted from.
        dice: Nobody else throws them: what other faults do changes nothing here.
        left: How many times it can still bite; None: without end.
    """

    id: str
    fault: F
    since: datetime
    dice: Random
    left: int | None

    @property
    def begins(self) -> datetime:
        return self.since + timedelta(seconds=self.fault.at)

    @property
    def ends(self) -> datetime | None:
        return None if self.fault.until is None else self.since + timedelta(seconds=self.fault.until)

    def in_force(self, now: datetime) -> bool:
        ends = self.ends
        return self.begins <= now and (ends is None or now < ends) and self.left != 0

    def throws(self, probability: float) -> bool:
        """Whether chance lets it bite; thrown for everything that it matches, whether it then bites or not."""
        return self.dice.random() < probability


class Arsenal:
    """
    All faults that are switched on, in the order in which they were.

    Attributes:
        tripped: What has bitten, oldest first.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._armed: dict[str, Armed[Window]] = {}
        self._kinds: Counter[str] = Counter()
        self._equal: Counter[str] = Counter()
        self.tripped: list[Trip] = []

    def __len__(self) -> int:
        return len(self._armed)

    def __iter__(self) -> Iterator[Armed[Window]]:
        return iter(list(self._armed.values()))

    def __contains__(self, armed: object) -> bool:
        return isinstance(armed, Armed) and armed.id in self._armed

    def add(self, fault: AnyFault, now: datetime) -> str:
        self._kinds[fault.kind] += 1
        # Seeded by what it says, not by its place: what stands before it in a file changes nothing.
        said = repr(fault)
        self._equal[said] += 1
        name = f"{fault.kind}-{self._kinds[fault.kind]}"
        self._armed[name] = Armed(
            id=name,
            fault=fault,
            since=now,
            dice=Random(f"{self._seed}:{said}:{self._equal[said]}"),
            left=getattr(fault, "count", None),
        )
        return name

    def remove(self, name: str) -> None:
        if name not in self._armed:
            raise InvalidRequest("fault", name, f"one of {', '.join(self._armed) or 'none: no fault is switched on'}")
        del self._armed[name]

    def clear(self) -> None:
        self._armed.clear()

    def of(self, *kinds: type[F]) -> list[Armed[F]]:
        """Those of some kinds, in force or not."""
        return [armed for armed in self._armed.values() if isinstance(armed.fault, kinds)]  # type: ignore[misc]

    def thrown(self, armed: Armed[Fault], now: datetime) -> bool:
        """Whether a fault would bite what it matches now: it is in force, and chance lets it."""
        return armed.in_force(now) and armed.throws(armed.fault.probability)

    def bites(self, armed: Armed[Window], now: datetime, what: str) -> None:
        """It does bite, and that counts."""
        if armed.left is not None:
            armed.left -= 1
        self.tripped.append(Trip(at=now, fault=armed.id, what=what))
