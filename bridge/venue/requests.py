"""REST over HTTP: an ASGI application that reads requests for the pure venue, and writes its answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from email.utils import format_datetime
from urllib.parse import parse_qsl

import msgspec
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from bridge.venue.clockwork import Clockwork
from bridge.venue.core import Answer, Request
from bridge.venue.events import Subscription

__all__ = ["LARGEST_BODY", "Rest", "read_body", "request_of"]

LARGEST_BODY = 1_000_000
"""Bytes; a larger one is not read."""

_TOO_LARGE = Answer(
    status=413, headers={"Content-Type": "application/json; charset=UTF-8"}, body={"message": "request body too large"}
)
_encode = msgspec.json.Encoder(decimal_format="number").encode


class Rest:
    """
    Args:
        handle: Answers a request, at the venue's time.
        events: What a subscription to events is sent.
    """

    def __init__(
        self,
        clockwork: Clockwork,
        handle: Callable[[Request], Answer],
        events: Callable[[Subscription], AsyncIterator[bytes]],
    ) -> None:
        self._events = events
        self._clockwork = clockwork
        self._handle = handle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive)
        if body is None:
            await self._send(_TOO_LARGE, send)
            return
        answer = self._handle(request_of(scope, body))
        self._clockwork.settle()
        if answer.stream is not None:
            await StreamingResponse(self._events(answer.stream), answer.status, answer.headers)(scope, receive, send)
            return
        await self._send(answer, send)

    async def _send(self, answer: Answer, send: Send) -> None:
        body = b"" if answer.body is None else _encode(answer.body)
        headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
        headers.append((b"date", format_datetime(self._clockwork.now(), usegmt=True).encode()))
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def request_of(scope: Scope, body: bytes) -> Request:
    """The request of an ASGI scope."""
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return Request(
        method=scope["method"],
        path=scope["raw_path"].partition(b"?")[0].decode("latin-1"),
        query=dict(query),
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        body=body,
    )


async def read_body(receive: Receive) -> bytes | None:
    """All of it; None: it is too large, or the client went away."""
    parts, length = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        length += len(parts[-1])
        if length > LARGEST_BODY:
            return None
        if not message.get("more_body"):
            return b"".join(parts)
