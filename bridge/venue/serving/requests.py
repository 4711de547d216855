"""REST over HTTP: an ASGI application that reads requests for the pure venue, and writes its answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from email.utils import format_datetime
from urllib.parse import parse_qsl

import msgspec
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from bridge.venue.core import Answer, Request
from bridge.venue.serving.clockwork import Clockwork
from bridge.venue.serving.subscribers import Subscribers
from bridge.venue.serving.treating import Treating

__all__ = ["LARGEST_BODY", "UNREAD", "Rest", "read_body", "request_of"]

_log = logging.getLogger(__name__)
LARGEST_BODY = 65_536
"""Bytes; a larger one is not read."""

UNREAD = {
    400: "request body broken off",
    408: "request body did not come in time",
    413: f"request body too large: at most {LARGEST_BODY:,} bytes",
}
"""Why a body was not read, by status."""

_JSON = {"Content-Type": "application/json; charset=UTF-8"}
_BROKEN = Answer(status=500, headers=_JSON, body={"code": 50010000, "message": "internal server error occurred"})
_BODY_WITHIN = 30.0
_encode = msgspec.json.Encoder(decimal_format="number").encode


class Rest:
    """
    Args:
        handle: Answers a request, at the venue's time.
        subscribers: To events.
    """

    def __init__(
        self,
        clockwork: Clockwork,
        handle: Callable[[Request], Answer],
        subscribers: Subscribers,
    ) -> None:
        self._subscribers = subscribers
        self._clockwork = clockwork
        self._handle = handle
        self._treat = Treating(clockwork, self._answer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":  # a path that has none
            await send({"type": "websocket.close"})
            return
        body = await read_body(receive)
        answer: Answer | None
        if isinstance(body, int):
            answer = Answer(status=body, headers=_JSON, body={"message": UNREAD[body]})
        else:
            answer = await self._treat(scope, request_of(scope, body))
            if answer is None:
                return
        if answer.stream is not None:
            refusal = self._subscribers.refusal(answer.stream, scope)
            if refusal is None:
                events = self._subscribers.events(answer.stream, scope)
                await StreamingResponse(events, answer.status, answer.headers)(scope, receive, send)
                return
            answer = refusal
        await self._send(answer, send)

    def _answer(self, request: Request) -> Answer:
        try:
            try:
                return self._handle(request)
            finally:
                self._clockwork.settle()
        except Exception:  # noqa: BLE001 - one request must not end the venue
            _log.exception("%s %s", request.method, request.path)
            return _BROKEN

    async def _send(self, answer: Answer, send: Send) -> None:
        body = b"" if answer.body is None else _encode(answer.body)
        headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
        if "Date" not in answer.headers:
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


async def read_body(receive: Receive, *, within: float = _BODY_WITHIN) -> bytes | int:
    """
    All of it, or the status to refuse it with, see `UNREAD`.

    Args:
        within: Seconds that it may take.
    """
    parts, length = [], 0
    try:
        async with asyncio.timeout(within):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return 400  # to nobody
                length += len(message.get("body", b""))
                # Too much is thrown away but read: many clients send all of it before they look at an answer.
                if length <= LARGEST_BODY:
                    parts.append(message.get("body", b""))
                if not message.get("more_body"):
                    return b"".join(parts) if length <= LARGEST_BODY else 413
    except TimeoutError:
        return 408
