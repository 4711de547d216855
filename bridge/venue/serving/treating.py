"""What faults make of requests is done here: errors before and after, lost and late answers, old and wrong ones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime

from attrs import evolve
from starlette.types import Scope

from bridge.venue.core import Answer, Request
from bridge.venue.events import Subscription
from bridge.venue.faults.skew import skewed, skewed_headers
from bridge.venue.faults.treatment import Treatment
from bridge.venue.serving.clockwork import Clockwork
from bridge.venue.serving.connections import hang_up
from bridge.venue.shadow import Shadow

__all__ = ["Treating"]

_TURNED_AWAY = frozenset({401, 429})


class Treating:
    """
    Args:
        answer: Answers a request as always.
    """

    def __init__(self, clockwork: Clockwork, answer: Callable[[Request], Answer]) -> None:
        self._clockwork = clockwork
        self._answer = answer
        self._shadow: Shadow | None = None

    async def __call__(self, scope: Scope, request: Request) -> Answer | None:
        """The answer to a request; None: its connection was cut instead."""
        house = self._clockwork.house
        if house.faults.idle:
            return self._answer(request)
        now, key = self._clockwork.now(), house.core.key_of(request)
        treatment = house.faults.request(request.method, request.path, key, now, body=request.body)
        answer = treatment.before or self._handled(request, key, treatment)
        self._clockwork.settle()
        if treatment.delay:
            await self._clockwork.until(now + timedelta(seconds=treatment.delay))
        if treatment.lose is not None or answer is None:
            await hang_up(scope)
            return None
        if treatment.skew:
            date = format_datetime(self._clockwork.now() + timedelta(seconds=treatment.skew), usegmt=True)
            headers = {**skewed_headers(answer.headers, treatment.skew), "Date": date}
            stream = None if answer.stream is None else _skewed_events(answer.stream, treatment.skew)
            answer = evolve(answer, body=skewed(answer.body, treatment.skew), headers=headers, stream=stream)
        return answer

    def _handled(self, request: Request, key: str | None, treatment: Treatment) -> Answer | None:
        if not treatment.handled:
            return None
        if treatment.skew:
            request = evolve(request, query=skewed(request.query, -treatment.skew))
        answer = self._answer(request)
        if treatment.after is not None:
            return treatment.after
        if treatment.lag and key is not None and answer.status not in _TURNED_AWAY and Shadow.covers(request):
            old = self._old(key, request, treatment.lag)
            answer = evolve(answer, status=old.status, body=old.body)
        return answer

    def _old(self, key: str, request: Request, lag: float) -> Answer:
        house = self._clockwork.house
        if self._shadow is None:
            self._shadow = Shadow(house.twin, house.inputs)
        return self._shadow.read(key, request, house.now - timedelta(seconds=lag))


def _skewed_events(stream: Subscription, seconds: float) -> Subscription:
    """The history by a wrong clock; what follows is a matter of the streams."""
    history = [skewed(data, seconds) for data in stream.history]
    return evolve(stream, history=history, since=lambda: [skewed(data, seconds) for data in stream.since()])
