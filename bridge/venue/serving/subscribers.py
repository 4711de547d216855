"""Who listens to server-sent events of ``/v2/events/trades``."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from typing import Any

from starlette.types import Scope

from bridge.venue.core import Answer, Core
from bridge.venue.events import HEARTBEAT, Subscription, comment, encoded
from bridge.venue.faults.actions import Hangup, Refuse
from bridge.venue.serving.connections import cut, halt
from bridge.venue.serving.switchboard import Call, Switchboard
from bridge.venue.updates import Frame

__all__ = ["Subscribers"]

_MOST_WAITING = 10_000
_SILENCE = 10.0  # seconds after which a heartbeat is sent


class _Subscriber:
    """The `Outlet` of one subscription; closed, its answer ends, for there is no code to close it with."""

    def __init__(self, account: str, scope: Scope) -> None:
        self.account = account
        self.waiting: deque[bytes] = deque(maxlen=_MOST_WAITING)
        self.lost = 0
        self.over = False
        self.more = asyncio.Event()
        self.flows = asyncio.Event()
        self.flows.set()
        self._scope = scope

    def send(self, *messages: bytes) -> None:
        for message in messages:
            self.lost += len(self.waiting) == _MOST_WAITING
            self.waiting.append(message)
        self.more.set()

    def forget(self) -> None:
        self.waiting.clear()

    def close(self, code: int, reason: str) -> None:
        self.over = True
        self.flows.set()
        self.more.set()

    def cut(self) -> None:
        self.waiting.clear()
        self.close(1006, "")
        cut(self._scope)

    def freeze(self) -> None:
        self.flows.clear()
        halt(self._scope, True)

    def thaw(self) -> None:
        self.flows.set()
        halt(self._scope, False)

    async def told(self) -> bool:
        """Wait until something is to be said; False: that it is still there."""
        try:
            async with asyncio.timeout(_SILENCE):
                await self.more.wait()
        except TimeoutError:
            pass
        await self.flows.wait()
        told = self.more.is_set()
        self.more.clear()
        return told


class Subscribers:
    """Each has a queue of its own; of one who reads too slowly the oldest events are dropped, and that is told."""

    def __init__(self, core: Core, switchboard: Switchboard) -> None:
        self._core = core
        self._switchboard = switchboard
        self._open: dict[_Subscriber, Call] = {}
        self._closed = False

    def deliver(self, frames: list[Frame]) -> None:
        """Tell all who are subscribed."""
        for subscriber, call in self._open.items():
            for frame in frames:
                if subscriber.account == frame.account:
                    self._switchboard.send(call, frame.data)

    def close(self) -> None:
        """End every subscription."""
        self._closed = True
        for subscriber in self._open:
            subscriber.close(1001, "the venue stops")

    def refusal(self, subscription: Subscription, scope: Scope) -> Answer | None:
        """What somebody is answered whom faults do not let in; None: they are let in."""
        verdict = self._switchboard.verdict("sse", self._key(subscription))
        if isinstance(verdict, Hangup):
            cut(scope)
        return verdict.answer if isinstance(verdict, Refuse) else None

    async def events(self, subscription: Subscription, scope: Scope) -> AsyncIterator[bytes]:
        """What one subscription is sent: its history, then what happens from the first of these on."""
        subscriber = _Subscriber(subscription.account, scope)
        call = None if subscription.ends else self._listens(subscriber, subscription)
        history = subscription.text
        try:
            await subscriber.flows.wait()
            yield history or HEARTBEAT  # an answer whose first bytes do not come is taken for none
            while call is not None:
                if subscriber.lost:
                    lost, subscriber.lost = subscriber.lost, 0
                    yield comment(f"you are reading too slowly, dropped {lost} messages")
                while subscriber.waiting and subscriber.flows.is_set():
                    yield subscriber.waiting.popleft()
                if subscriber.over or self._closed:
                    return
                if not await subscriber.told():
                    yield HEARTBEAT
        finally:
            if call is not None:
                self._open.pop(subscriber, None)
                self._switchboard.disconnect(call, clean=True)

    def _listens(self, subscriber: _Subscriber, subscription: Subscription) -> Call:
        call = self._open[subscriber] = self._switchboard.connect("sse", subscriber, _encoded)
        self._switchboard.introduce(call, self._key(subscription))
        return call

    def _key(self, subscription: Subscription) -> str:
        return self._core.accounts[subscription.account].credential.key


def _encoded(data: Mapping[str, Any] | None) -> list[str | bytes]:
    return [b"data: null\n\n" if data is None else encoded(data)]
