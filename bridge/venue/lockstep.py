"""
A venue that waits for its client: market time goes on when it is told to, and stops behind every thing that happens.

So whoever trades here reacts at the very place of the path where it happened, as in a process of its own, however long
its answer takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from attrs import frozen

from bridge.venue.core import Core
from engine.clock import utc
from engine.market.bars import Bar

__all__ = ["Lockstep", "Stop"]


@frozen(kw_only=True)
class Stop:
    """
    Where a step has led.

    Attributes:
        at: Market time.
        event_id: The highest so far, of the stream's events; "": there was none.
        done: All that was asked for has been played; False: something happened on the way, and the next step goes on
            from there.
    """

    at: datetime
    event_id: str
    done: bool


class Lockstep:
    """
    Args:
        bars: What the market plays: bars of the same moment together, oldest first.
    """

    def __init__(self, core: Core, bars: Iterable[tuple[Bar, ...]]) -> None:
        self._core = core
        self._bars = iter(bars)
        self._next = next(self._bars, None)
        self._playing: Iterator[None] | None = None

    def step(self, to: datetime) -> Stop:
        """
        Play on, at most to that moment.

        Args:
            to: The end of a bar; bars that begin before it are played to their end.
        """
        core, to = self._core, utc(to)
        told = core.told
        while True:
            if self._playing is None and (self._next is None or self._next[0].start >= to):
                core.advance(to)
                break
            if self._playing is None:
                assert self._next is not None  # or there is nothing to play
                self._playing = core.playing(*self._next)
            for _ in self._playing:
                if core.told != told:
                    return self._stop(done=False)
            self._playing, self._next = None, next(self._bars, None)
        return self._stop(done=core.told == told)

    def _stop(self, *, done: bool) -> Stop:
        return Stop(at=self._core.now, event_id=self._core.told, done=done)
