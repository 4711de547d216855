"""The wire without a socket: `requests` on one side, the venue's core on the other, and what a session needs of both."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from io import BytesIO
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


class Wire(BaseAdapter):
    """
    Takes the requests of a `requests.Session` to a core, at the moment that ``now`` tells.

    Mount it where the venue is said to be: ``broker.rest.session.mount(access.host, Wire(core, lambda: core.now))``.
    """

    def __init__(self, core: Core, now: Callable[[], datetime]) -> None:
        super().__init__()
        self.requests = 0
        self._core = core
        self._now = now

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        parts = urlsplit(request.url or "")
        body = request.body or b""
        self.requests += 1
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
    """The stage of a session on the wire, without the wire: ``open_session(…, wired=in_memory)``."""
    market = market_data(config)
    groups = iter(market.bars)
    first = next(groups)
    core = Core(**venue_of(config, data, first))
    lockstep = Lockstep(core, _again(first, groups))
    access = Access(key_id=KEY, secret_key=SECRET, url="http://127.0.0.1:1")
    stage = Rehearsal(access, lockstep.step, first=data.first, fees=fees_of(config.market))
    wire = Wire(core, lambda: core.now)
    stage.alpaca.rest.session.mount("http://", wire)
    stage.core, stage.wire = core, wire  # to be looked at
    return stage


def _again(first, rest):
    yield first
    yield from rest
