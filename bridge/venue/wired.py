"""The wire without a socket: `requests` on one side, the core of a venue on the other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from itertools import chain
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import requests
from requests.adapters import BaseAdapter

from bridge.venue.core import Core, Request
from bridge.venue.lockstep import Lockstep
from bridge.venue.rehearsal import KEY, SECRET, Rehearsal, venue_of
from engine.brokers.alpaca.access import Access
from engine.recipe import SessionConfig
from engine.stage import MarketData, fees_of, market_data

__all__ = ["Wire", "in_memory"]

_NOWHERE = "http://127.0.0.1:1"


class Wire(BaseAdapter):
    """
    Takes the requests of a `requests.Session` to a core, each at the moment that ``now`` tells.

    To be mounted where the venue is said to be: ``broker.rest.session.mount(access.host, Wire(core, now))``.

    Attributes:
        requests: How many there were.
    """

    def __init__(self, core: Core, now: Callable[[], datetime]) -> None:
        super().__init__()
        self.requests = 0
        self._core = core
        self._now = now

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        self.requests += 1
        parts, body = urlsplit(request.url or ""), request.body or b""
        answer = self._core.handle(
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
    bars = iter(market_data(config).bars)
    first = next(bars)
    core = Core(**venue_of(config, data, first))
    stage = Rehearsal(
        Access(key_id=KEY, secret_key=SECRET, url=_NOWHERE),
        Lockstep(core, chain([first], bars)).step,
        first=data.first,
        fees=fees_of(config.market),
        waived=core.waived,
    )
    stage.alpaca.rest.session.mount(_NOWHERE, Wire(core, lambda: core.now))
    return stage
