"""
Only programs of this machine: what a web page had a browser send is refused.

A page from anywhere can make a browser send requests to 127.0.0.1, and with a name of its own that leads there it could
read the answers too. Such a request names the page's host in ``Host`` or in ``Origin``; one of a program names neither,
or a loopback one.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["LocalOnly", "is_loopback", "stranger"]


class LocalOnly:
    """An ASGI application that lets through what is of this machine."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        named = stranger(scope)
        if named is None:
            await self._app(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})  # before it was accepted: 403
            return
        message = f"{named}: this venue listens on loopback, and answers those who call it localhost or 127.0.0.1"
        body = msgspec.json.encode({"message": message})
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 403, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def stranger(scope: Scope) -> str | None:
    """The header that names a host other than this machine; None: there is none."""
    for name, value in scope["headers"]:
        if name in (b"host", b"origin"):
            text = value.decode("latin-1")
            if not is_loopback(_host(text if name == b"origin" else f"//{text}")):
                return f"the header {name.decode().title()} is {text[:100]!r}"
    return None


def is_loopback(host: str) -> bool:
    """Whether a name or an address is of this machine whoever asks."""
    host = host.lower().rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
