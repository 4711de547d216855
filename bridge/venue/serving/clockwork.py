"""Keeps the house on time within an event loop: advances it when something is due, and has told what came of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count

from bridge.venue.house import House
from bridge.venue.lockstep import Stop
from bridge.venue.serving.pace import Pace, Stepped
from bridge.venue.updates import Frame
from engine.clock import utc
from engine.errors import InvalidRequest

__all__ = ["Clockwork"]

_log = logging.getLogger(__name__)
_AT_ONCE = timedelta(minutes=1)
_FARTHEST = timedelta(days=366)
_LAST = datetime(2199, 12, 31, tzinfo=UTC)


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
        self._stopped = False
        self._told_end = False
        self._told_slow = False
        self._playing: datetime | None = None
        self._counter = count()  # of the same moment who asked first is woken first
        self._waiting: list[tuple[datetime, int, asyncio.Future[None]]] = []

    @property
    def steps(self) -> bool:
        """Whether time stands until it is moved on."""
        return isinstance(self._pace, Stepped)

    def now(self) -> datetime:
        """The venue's time; it stands while what is due is being played."""
        return self._playing or self._pace.now()

    def settle(self) -> None:
        """Let happen what is due, have it told, and wake again when more is."""
        now = self._pace.now()
        try:
            self._playing = self._stop(now)
            while self._playing < now:
                self._play(self._playing)
                self._playing = self._stop(now)
            self._play(now)
        finally:
            kept_up = self._pace.played(now)
            self._playing = None
        if not kept_up and not self._told_slow:
            self._told_slow = True
            _log.warning("this machine does not play the market so fast: the venue's time stands while it is played")
        if (self.house.over or self.house.ended is not None) and not self._told_end:
            self._told_end = True
            _log.warning("the market has ended, its prices stand: %s", self.house.ended or "it was played to its end")
        self._wake()
        self._arm()

    def _stop(self, now: datetime) -> datetime:
        """How far to play at once: faults decide about what is told at its moment, and not when a long step is over."""
        if self.house.data.listening:
            now = min(now, self.house.now + _AT_ONCE)  # or all that is to be shown would be gathered first
        if self.house.faults.idle:
            return now
        due = min((each for each in (self.house.next_due(), self._more) if each is not None), default=now)
        return due if self.house.now < due < now else now

    def _play(self, moment: datetime) -> None:
        try:
            self.house.advance(moment)
        finally:  # what happened before something went wrong has happened
            frames = self.house.frames()
            if frames:
                self._deliver(frames)
        self._more = self._tell(self.house.now)

    def stop(self) -> None:
        """Nothing happens by itself any more; who waits for a moment is cancelled."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        for _, _, future in self._waiting:
            future.cancel()
        self._waiting.clear()

    def step(self, to: datetime) -> str:
        """
        Move time on, where it is stepped.

        Returns:
            Id of the last event told by then.

        Raises:
            InvalidRequest: It runs by itself, or that moment has passed, or is more than a year away.
        """
        if not isinstance(self._pace, Stepped):
            raise InvalidRequest("step", to.isoformat(), "a venue that is stepped: time runs by itself here")
        # Nobody is answered before all of it has been played: a slip of the pen would be the venue's end.
        farthest = min(self._pace.now() + _FARTHEST, _LAST)
        if utc(to) > farthest:
            expected = f"a moment up to {farthest.isoformat()}: a year at once, and none after 2199"
            raise InvalidRequest("to", to.isoformat(), expected)
        self._pace.step(to)
        self.settle()
        return self.house.last_event

    def step_within(self, to: datetime) -> Stop:
        """
        Move time on at most to a moment, and not beyond the next thing that is told; see `House.step`.

        Raises:
            InvalidRequest: It runs by itself, or that moment has passed.
        """
        if not isinstance(self._pace, Stepped):
            raise InvalidRequest("step", to.isoformat(), "a venue that is stepped: time runs by itself here")
        if to < self._pace.now():
            raise InvalidRequest("to", to.isoformat(), f"a moment from {self._pace.now().isoformat()} on")
        try:
            done = self.house.step(to)
        finally:
            self._pace.step(max(self.house.now, self._pace.now()))
            self.settle()
        return Stop(at=self.house.now, event_id=self.house.core.told, done=done)

    async def until(self, due: datetime) -> None:
        """Return when the venue's time is that moment."""
        if due <= self._pace.now():
            return
        if self._stopped:
            raise asyncio.CancelledError
        future = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (due, next(self._counter), future))
        self._arm()
        await future

    def _wake(self) -> None:
        now = self._pace.now()
        # Who was cancelled leaves with the moment it waited for, or earlier when it is the next one.
        while self._waiting and (self._waiting[0][0] <= now or self._waiting[0][2].done()):
            _, _, future = heappop(self._waiting)
            if not future.done():
                future.set_result(None)

    def _arm(self) -> None:
        moments = (self.house.next_due(), self._more, self._waiting[0][0] if self._waiting else None)
        due = min((moment for moment in moments if moment is not None), default=None)
        if due == self._armed or self._stopped:
            return
        if self._timer is not None:
            self._timer.cancel()
        wait = None if due is None else self._pace.wait(due)
        self._armed = None if wait is None else due
        self._timer = None if wait is None else asyncio.get_running_loop().call_later(wait, self._ring)

    def _ring(self) -> None:
        self._armed = self._timer = None
        self.settle()
