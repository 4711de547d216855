"""The wire without a socket: `requests` on one side, the house of a venue on the other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import requests
from requests.adapters import BaseAdapter

from bridge.venue.core import Request
from bridge.venue.house import House
from bridge.venue.lockstep import Stop
from bridge.venue.recipe import house_of
from bridge.venue.rehearsal import KEY, SECRET, Rehearsal, venue_of
from engine.brokers.alpaca.access import Access
from engine.recipe import SessionConfig
from engine.stage import MarketData, fees_of

__all__ = ["Wire", "in_memory"]

_NOWHERE = "http://127.0.0.1:1"


class Wire(BaseAdapter):
    """
    Takes the requests of a `requests.Session` to a house, each at the moment that ``now`` tells.

    To be mounted where the venue is said to be: ``broker.rest.session.mount(access.host, Wire(house, now))``.

    Attributes:
        requests: How many there were.
    """

    def __init__(self, house: House, now: Callable[[], datetime]) -> None:
        super().__init__()
        self.requests = 0
        self._house = house
        self._now = now

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        self.requests += 1
        parts, body = urlsplit(request.url or ""), request.body or b""
        answer = self._house.handle(
            Request(
                method=request.method or "",
                path=parts.path,
                query=dict(parse_qsl(parts.query, keep_blank_values=True)),
                headers={name.lower(): value for name, value in request.headers.items()},
                body=body.encode() if isinstance(body, str) else body,
            ),
            self._now(),
        )
        response = requests.Response()
        response.status_code = answer.status
        response.headers.update(answer.headers)
        response.raw = BytesIO(b"" if answer.body is None else msgspec.json.encode(answer.body))
        response.url = request.url or ""
        response.request = request
        return response

    def close(self) -> None:
        """There is nothing to close."""


def in_memory(config: SessionConfig, data: MarketData) -> Rehearsal:
    """The stage of a session on the wire, without a socket: ``open_session(config, folder, wired=in_memory)``."""
    house = house_of(venue_of(config), now=data.first)

    def step(to: datetime) -> Stop:
        done = house.step(to)
        return Stop(at=house.now, event_id=house.core.told, done=done)

    stage = Rehearsal(
        Access(key_id=KEY, secret_key=SECRET, url=_NOWHERE),
        step,
        first=data.first,
        fees=fees_of(config.market),
        waived=lambda: house.core.waived,
    )
    stage.alpaca.rest.session.mount(_NOWHERE, Wire(house, lambda: house.now))
    return stage
