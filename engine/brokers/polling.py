"""
A feed for the engine alone: asks the broker every so often what has changed.

It needs no thread: the questions are asked in `get`, in the engine's own thread. A venue's answer that says nothing new
makes no fact.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from engine.clock import Clock, HostClock
from engine.errors import BrokerError, InvalidRequest
from engine.facts import OrderReported, VenueFact
from engine.ports import Broker

__all__ = ["PollingFeed"]


class PollingFeed:
    """
    `Feed` over a `Broker`'s listings.

    Args:
        clock: Sleeps between two questions.
        host_clock: Measures the interval and the caller's deadline.
        interval: Seconds between the end of a question and the next one at least, > 0.
        overlap: How far each question reaches back behind the newest thing known.

    Attributes:
        failures: Questions in a row that got no answer; the reader may look at it, the feed asks on.
    """

    def __init__(
        self,
        broker: Broker,
        clock: Clock,
        host_clock: HostClock,
        *,
        interval: float = 1.0,
        overlap: timedelta = timedelta(minutes=5),
    ) -> None:
        if interval <= 0:
            raise InvalidRequest("interval", interval, "more than 0 seconds")
        self.failures = 0
        self._broker = broker
        self._clock = clock
        self._host = host_clock
        self._interval = interval
        self._overlap = overlap
        self._facts: deque[VenueFact] = deque()
        self._newest = clock.now()
        self._told: dict[VenueFact, datetime] = {}
        self._next = host_clock.monotonic()

    @property
    def waiting(self) -> bool:
        """Whether `get` has a fact without asking."""
        return bool(self._facts)

    def get(self, timeout: float) -> VenueFact | None:
        """The next fact; see `engine.ports.Feed`."""
        deadline, left = self._host.monotonic() + timeout, timeout
        while not self._facts:
            if self._host.monotonic() >= self._next:
                self.ask()
                self._next = self._host.monotonic() + self._interval
                continue
            now = self._host.monotonic()
            left = min(left, deadline - now)
            if left <= 0:
                return None
            # The machine's clock may stand still while simulated time is slept, so what was slept counts by itself.
            pause = min(self._next - now, left)
            self._clock.sleep(pause)
            left -= pause
            if now + pause >= self._next:
                self._next = now
        return self._facts.popleft()

    def ask(self) -> None:
        """Ask now, whatever the interval; what is new waits for `get`."""
        since = self._newest - self._overlap
        try:
            # Executions first: an order that is reported filled then finds its fills already told.
            answers: list[VenueFact] = [*self._broker.executions(since), *self._broker.orders(since=since)]
        except BrokerError:
            self.failures += 1
            return
        self.failures = 0
        fresh = [fact for fact in answers if fact not in self._told]
        for fact in fresh:
            self._told[fact] = fact.at
            if isinstance(fact, OrderReported) and fact.at > self._newest:
                self._newest = fact.at
        self._facts.extend(fresh)
        horizon = self._newest - self._overlap
        self._told = {fact: at for fact, at in self._told.items() if at >= horizon}
