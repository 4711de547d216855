"""
What becomes of a frame: whether it comes, when, how often, and whole or not.

Frames that no fault touches come once each, in the order in which they were told.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any

from attrs import define, evolve, field, frozen

from bridge.venue.faults.armed import Armed, Arsenal
from bridge.venue.faults.frames import Corrupt, Delay, Drop, Duplicate, FrameFault, Reorder

__all__ = ["Connection", "Damage", "Deliveries", "Delivery", "name_of"]


@frozen
class Connection:
    """
    Attributes:
        stream: "trades", "data" or "sse".
        number: From 1, in order of opening on that stream.
    """

    stream: str
    number: int

    def __str__(self) -> str:
        return f"{self.stream} {self.number}"


@frozen(kw_only=True)
class Damage:
    """
    Attributes:
        cut: What is left of the message, as a ratio of its length; None: it is whole.
        flips: Places, as ratios of its length, and what their bytes are changed by, 1 to 255.
    """

    cut: float | None = None
    flips: tuple[tuple[float, int], ...] = ()

    def done_to(self, message: str | bytes) -> str | bytes:
        """The message as it arrives; of one byte or none it is as it was if it is cut."""
        raw = bytearray(message.encode() if isinstance(message, str) else message)
        if self.cut is not None and len(raw) > 1:
            del raw[min(max(int(self.cut * len(raw)), 1), len(raw) - 1) :]
        if raw:
            for place, by in self.flips:
                raw[int(place * len(raw))] ^= by
        # A text frame has to be text, or the client would see a broken websocket and no broken frame.
        return raw.decode(errors="replace") if isinstance(message, str) else bytes(raw)


@frozen(kw_only=True)
class Delivery:
    """
    Attributes:
        delay: Seconds from now, >= 0. Deliveries of one connection are sent by moment, and those of the same moment in
            the order in which they were handed out.
        data: Of the frame; None: a frame that has none.
        damage: What happens to the message that it becomes; None: nothing.
    """

    delay: float
    data: Mapping[str, Any] | None
    damage: Damage | None = None

    def message(self, encoded: str | bytes) -> str | bytes:
        """What is sent of the message that ``data`` becomes."""
        return encoded if self.damage is None else self.damage.done_to(encoded)


@define
class _Held:
    armed: Armed[Reorder]
    deliveries: list[Delivery]
    left: int
    until: datetime


@define
class _Line:
    """
    Attributes:
        free: No frame that keeps the order comes before this moment.
    """

    free: datetime
    held: list[_Held] = field(factory=list)


def name_of(data: Mapping[str, Any] | None) -> str:
    """A frame for people."""
    if data is None:
        return "null"
    event = str(data.get("event", data.get("T", "frame")))
    order = data.get("order")
    named = data.get("event_id") or (order.get("id") if isinstance(order, Mapping) else None) or data.get("S")
    return f"{event} {named}" if named else event


class Deliveries:
    """Of all connections; moments do not go back."""

    def __init__(self, arsenal: Arsenal) -> None:
        self._arsenal = arsenal
        self._lines: dict[Connection, _Line] = {}

    def frame(
        self, connection: Connection, account: str | None, data: Mapping[str, Any] | None, now: datetime, *, lost: bool
    ) -> list[Delivery]:
        """
        Args:
            lost: The connection is mute or worse: faults throw their dice, and nothing comes.
        """
        line = self._lines.setdefault(connection, _Line(free=now))
        thrown = [
            armed
            for armed in self._arsenal.of(FrameFault)
            if armed.fault.matches(connection.stream, connection.number, account, data or {})
            and self._arsenal.thrown(armed, now)
        ]
        if lost:
            return []
        late = self._late(line, now)
        dropped = next((armed for armed in thrown if isinstance(armed.fault, Drop)), None)
        what = f"{name_of(data)} on {connection}"
        if dropped is not None:
            self._arsenal.bites(dropped, now, f"{what}: dropped")
            return late
        due, copies = now, [(0.0, Delivery(delay=0.0, data=data))]
        holds: Armed[FrameFault] | None = None
        for armed in thrown:
            fault = armed.fault
            if isinstance(fault, Delay):
                more = fault.seconds + armed.dice.random() * fault.jitter
                due += timedelta(seconds=more)
                self._arsenal.bites(armed, now, f"{what}: {more:g} s late")
            elif isinstance(fault, Duplicate):
                first = copies[0][1]
                copies += [(fault.seconds * (number + 1), first) for number in range(fault.times)]
                self._arsenal.bites(armed, now, f"{what}: {fault.times + 1} times")
            elif isinstance(fault, Corrupt):
                spoilt = _spoilt(copies[0][1], fault, armed.dice)
                copies = [(after, spoilt) for after, _ in copies]
                self._arsenal.bites(armed, now, f"{what}: {fault.how}")
            elif isinstance(fault, Reorder) and holds is None:
                holds = armed
        due = max(due, line.free)
        deliveries = [
            evolve(each, delay=_seconds(due + timedelta(seconds=after) - now))
            for after, each in sorted(copies, key=lambda copy: copy[0])
        ]
        if holds is not None and isinstance(holds.fault, Reorder):
            self._arsenal.bites(holds, now, f"{what}: behind {holds.fault.behind} others")
            until = due + timedelta(seconds=holds.fault.within)
            line.held.append(_Held(holds, deliveries, holds.fault.behind, until))  # type: ignore[arg-type]
            return late
        line.free = due
        return [*late, *deliveries, *self._overtaken(line, due, now)]

    @staticmethod
    def _overtaken(line: _Line, due: datetime, now: datetime) -> list[Delivery]:
        """What enough others have overtaken comes right behind the last of them."""
        out: list[Delivery] = []
        for held in list(line.held):
            held.left -= 1
            if not held.left:
                line.held.remove(held)
                out += _from(held.deliveries, due, now)
        return out

    @staticmethod
    def _late(line: _Line, now: datetime) -> list[Delivery]:
        """What nobody has overtaken in time."""
        out: list[Delivery] = []
        for held in list(line.held):
            if held.until <= now:
                line.held.remove(held)
                out += _from(held.deliveries, max(held.until, line.free), now)
        return out

    def late(self, now: datetime) -> list[tuple[datetime, str, Connection, list[Delivery]]]:
        """Reordered frames whose time is up: when, because of which fault, and on which connection."""
        out = []
        for connection, line in self._lines.items():
            first = min((held for held in line.held if held.until <= now), key=lambda held: held.until, default=None)
            if first is not None:
                at = first.until
                out.append((at, first.armed.id, connection, self._late(line, now)))
        return out

    def next_due(self) -> datetime | None:
        return min((held.until for line in self._lines.values() for held in line.held), default=None)

    def closed(self, connection: Connection) -> None:
        """What has not come does not come any more."""
        self._lines.pop(connection, None)


def _seconds(length: timedelta) -> float:
    return max(length.total_seconds(), 0.0)


def _from(deliveries: list[Delivery], due: datetime, now: datetime) -> list[Delivery]:
    """The deliveries, the first one at that moment and the others as far behind it as they were."""
    start = _seconds(due - now)
    return [evolve(each, delay=start + each.delay - deliveries[0].delay) for each in deliveries]


def _spoilt(delivery: Delivery, fault: Corrupt, dice: Random) -> Delivery:
    if fault.how == "null":
        return evolve(delivery, data=None)
    before = delivery.damage or Damage()
    if fault.how == "cut":
        return evolve(delivery, damage=evolve(before, cut=dice.random()))
    flips = tuple((dice.random(), dice.randrange(1, 256)) for _ in range(fault.size))
    return evolve(delivery, damage=evolve(before, flips=before.flips + flips))
