"""Keeps the house on time within an event loop: advances it when something is due, and has told what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from bridge.venue.house import House
from bridge.venue.pace import Pace, Stepped
from bridge.venue.updates import Frame
from engine.errors import InvalidRequest

__all__ = ["Clockwork"]


class Clockwork:
    """
    Belongs to the loop in which it was started.

    Args:
        deliver: Given the frames that came of what happened, in order of emission.
        tell: Called after everything that may have happened; when there is more to tell although nothing happens.

    Attributes:
        house: As given; moved only through here.
    """

    def __init__(
        self,
        house: House,
        pace: Pace,
        deliver: Callable[[list[Frame]], None],
        tell: Callable[[datetime], datetime | None] = lambda now: None,
    ) -> None:
        self.house = house
        self._pace = pace
        self._deliver = deliver
        self._tell = tell
        self._more: datetime | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._armed: datetime | None = None
        self._waiting: list[tuple[datetime, asyncio.Future[None]]] = []

    @property
    def steps(self) -> bool:
        """Whether time stands until it is moved on."""
        return isinstance(self._pace, Stepped)

    def now(self) -> datetime:
        """The venue's time."""
        return self._pace.now()

    def settle(self) -> None:
        """Let happen what is due, have it told, and wake again when more is."""
        self.house.advance(self._pace.now())
        frames = self.house.frames()
        if frames:
            self._deliver(frames)
        self._more = self._tell(self.house.now)
        if self._waiting:
            self._wake()
        self._arm()

    def stop(self) -> None:
        """Nothing happens by itself any more."""
        if self._timer is not None:
            self._timer.cancel()
        for _, future in self._waiting:
            future.cancel()

    def step(self, to: datetime) -> str:
        """
        Move time on, where it is stepped.

        Returns:
            Id of the last event told by then.

        Raises:
            InvalidRequest: It runs by itself, or that moment has passed.
        """
        if not isinstance(self._pace, Stepped):
            raise InvalidRequest("step", to.isoformat(), "a venue that is stepped: time runs by itself here")
        self._pace.step(to)
        self.settle()
        return self.house.last_event

    async def until(self, due: datetime) -> None:
        """Return when the venue's time is that moment."""
        if due <= self._pace.now():
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((due, future))
        self._arm()
        await future

    def _wake(self) -> None:
        now = self._pace.now()
        due = [future for moment, future in self._waiting if moment <= now]
        self._waiting = [(moment, future) for moment, future in self._waiting if moment > now and not future.done()]
        for future in due:
            if not future.done():
                future.set_result(None)

    def _arm(self) -> None:
        moments = [moment for moment, _ in self._waiting]
        moments += [moment for moment in (self.house.next_due(), self._more) if moment is not None]
        due = min(moments, default=None)
        if due == self._armed:
            return
        if self._timer is not None:
            self._timer.cancel()
        wait = None if due is None else self._pace.wait(due)
        self._armed = None if wait is None else due
        self._timer = None if wait is None else asyncio.get_running_loop().call_later(wait, self._ring)

    def _ring(self) -> None:
        self._armed = self._timer = None
        self.settle()
