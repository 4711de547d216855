"""Who listens to server-sent events of ``/v2/events/trades``."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from bridge.venue.events import HEARTBEAT, Subscription, comment, encoded
from bridge.venue.updates import Frame

__all__ = ["Subscribers"]

_MOST_WAITING = 10_000
_SILENCE = 10.0  # seconds after which a heartbeat is sent


class _Subscriber:
    def __init__(self, account: str) -> None:
        self.account = account
        self.waiting: deque[bytes] = deque(maxlen=_MOST_WAITING)
        self.lost = 0
        self.more = asyncio.Event()

    def tell(self, event: bytes) -> None:
        self.lost += len(self.waiting) == _MOST_WAITING
        self.waiting.append(event)
        self.more.set()


class Subscribers:
    """Each has a queue of its own; of one who reads too slowly the oldest events are dropped, and that is told."""

    def __init__(self) -> None:
        self._open: dict[_Subscriber, None] = {}
        self._closed = False

    def deliver(self, frames: list[Frame]) -> None:
        """Tell all who are subscribed."""
        if not self._open:
            return
        for frame in frames:
            event = encoded(frame.data)
            for subscriber in self._open:
                if subscriber.account == frame.account:
                    subscriber.tell(event)

    def close(self) -> None:
        """End every subscription."""
        self._closed = True
        for subscriber in self._open:
            subscriber.more.set()

    async def events(self, subscription: Subscription) -> AsyncIterator[bytes]:
        """What one subscription is sent: its history, then what happens from the first of these on."""
        subscriber = _Subscriber(subscription.account)
        if not subscription.ends:
            self._open[subscriber] = None
        try:
            yield subscription.text or HEARTBEAT  # an answer whose first bytes do not come is taken for none
            while subscriber in self._open and not self._closed:
                try:
                    async with asyncio.timeout(_SILENCE):
                        await subscriber.more.wait()
                except TimeoutError:
                    yield HEARTBEAT
                subscriber.more.clear()
                if subscriber.lost:
                    lost, subscriber.lost = subscriber.lost, 0
                    yield comment(f"you are reading too slowly, dropped {lost} messages")
                while subscriber.waiting:
                    yield subscriber.waiting.popleft()
        finally:
            self._open.pop(subscriber, None)
