"""Which names are of this machine, and who is refused."""

from __future__ import annotations

import asyncio
import json

import pytest

pytest.importorskip("starlette")

from bridge.venue.serving.local import LocalOnly, is_loopback, stranger


def scope_of(kind="http", **headers):
    return {"type": kind, "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]}


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "bot.localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_names_of_this_machine(host):
    """Whoever asks, they lead here."""
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "evil.com", "localhost.evil.com", "127.0.0.1.evil.com", "0.0.0.0", "10.0.0.1"])
def test_names_of_elsewhere(host):
    """They may lead here too, and anywhere."""
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": "127.0.0.1:8765"},
        {"host": "localhost"},
        {"host": "[::1]:8765"},
        {"host": "localhost:8765", "origin": "http://localhost:3000"},
    ],
)
def test_who_is_let_in(headers):
    """Programs of this machine, and pages of a server on it."""
    assert None is stranger(scope_of(**headers))


@pytest.mark.parametrize(
    ("headers", "named"),
    [
        ({"host": "evil.com:8765"}, "Host is 'evil.com:8765'"),
        ({"host": ""}, "Host is ''"),
        ({"host": "127.0.0.1@evil.com"}, "Host"),
        ({"host": "[::1"}, "Host"),
        ({"host": "127.0.0.1", "origin": "https://evil.com"}, "Origin is 'https://evil.com'"),
        ({"host": "127.0.0.1", "origin": "null"}, "Origin is 'null'"),
        ({"host": "é"}, "Host"),
    ],
)
def test_who_is_not(headers, named):
    """Whoever names a host of elsewhere, in either header; and it is said which."""
    assert named in stranger(scope_of(**headers))


@pytest.mark.parametrize(
    ("headers", "kind", "expected"),
    [
        ({"host": "localhost"}, "http", ["the application"]),
        ({"host": "evil.com"}, "http", ["http.response.start", "http.response.body"]),
        ({"host": "localhost", "origin": "http://evil.com"}, "websocket", ["websocket.close"]),
    ],
)
def test_what_is_answered(headers, kind, expected):
    """403 that says why, or a handshake that fails; the application does not hear of it."""
    sent = []

    async def app(scope, receive, send):
        await send({"type": "the application"})

    async def send(message):
        sent.append(message)

    asyncio.run(LocalOnly(app)(scope_of(kind, **headers), None, send))

    assert expected == [message["type"] for message in sent]
    if len(sent) == 2:
        assert (403, "evil.com") == (sent[0]["status"], json.loads(sent[1]["body"])["message"].split("'")[1])
