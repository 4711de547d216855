"""Connections that are idle, too many, or cut."""

from __future__ import annotations

import socket

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("websockets")

from bridge.venue.serving import connections

FAIL_AFTER = 5.0
HEAD = b"GET /v2/clock HTTP/1.1\r\nhost: localhost\r\n"


@pytest.fixture
def dial(venue):
    """``dial()``: a connection to the venue that says nothing yet."""
    opened = []

    def made():
        opened.append(socket.create_connection(("127.0.0.1", venue.port), timeout=FAIL_AFTER))
        return opened[-1]

    yield made
    for each in opened:
        each.close()


def ended(connection):
    """Whether the venue ended it; an open one takes until the deadline, and fails."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        pass
    return True


def answer(connection):
    """The first line of what comes."""
    return connection.recv(65536).partition(b"\r\n")[0]


@pytest.mark.parametrize("head", [b"", b"GET /v2", HEAD], ids=["nothing", "a part of a line", "headers without end"])
def test_who_does_not_say_what_they_want(monkeypatch, dial, head):
    """A connection without a whole request is ended in a while."""
    monkeypatch.setattr(connections, "PATIENCE", 0.02)
    connection = dial()
    connection.sendall(head)

    assert ended(connection)


def test_who_stops_in_their_second_request(monkeypatch, dial):
    """That they were answered before does not help them."""
    monkeypatch.setattr(connections, "PATIENCE", 0.02)
    connection = dial()
    connection.sendall(HEAD + b"\r\n")
    first = answer(connection)
    connection.sendall(HEAD)

    assert (b"HTTP/1.1 401 Unauthorized", True) == (first, ended(connection))


def test_a_head_without_end(dial):
    """It is ended when it is longer than a head can be, however fast it comes."""
    connection = dial()
    try:
        connection.sendall(HEAD)
        for _ in range(1000):
            connection.sendall(b"x-more: " + b"x" * 1000 + b"\r\n")
    except (ConnectionResetError, BrokenPipeError):
        pass

    assert ended(connection)


def test_too_many(monkeypatch, dial):
    """One more than there may be is told so and ended; when one leaves there is room again."""
    monkeypatch.setattr(connections, "MOST", 2)
    first, second, third = dial(), dial(), dial()
    refused = answer(third), ended(third)
    first.sendall(HEAD + b"connection: close\r\n\r\n")
    served = answer(first), ended(first)
    fourth = dial()
    fourth.sendall(HEAD + b"\r\n")

    assert (b"HTTP/1.1 503 Service Unavailable", True) == refused
    assert (b"HTTP/1.1 401 Unauthorized", True) == served
    assert b"HTTP/1.1 401 Unauthorized" == answer(fourth)
    assert second.fileno() > 0


def test_a_connection_is_cut(venue, connect):
    """Nothing more comes on it, not even a close."""
    exceptions = pytest.importorskip("websockets.exceptions")
    listener = connect().listen()

    async def cut_all():
        for call in venue._server._trades._open.values():
            connections.cut(call.line._socket.scope)

    venue._thread.call("cut", cut_all, timeout=FAIL_AFTER)
    with pytest.raises(exceptions.ConnectionClosedError) as closed:
        listener.receive()

    assert None is closed.value.rcvd


UPGRADE = (
    b"GET /stream HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
NO_TEXT = b"\x81\x81\0\0\0\0\xff"
THE_END = b"\x88\x80\0\0\0\0"


@pytest.mark.parametrize("said", [NO_TEXT, NO_TEXT + THE_END], ids=["alone", "and the end right behind it"])
def test_text_that_is_none(dial, venue, call, caplog, said):
    """It ends the websocket it came on; it is no error of the venue, which has nothing to log of it or to raise."""
    connection = dial()
    connection.sendall(UPGRADE)
    assert answer(connection).endswith(b"101 Switching Protocols")
    connection.sendall(said)

    assert ended(connection)
    assert 200 == call("GET", "/v2/clock").status
    venue.stop()
    assert [] == [record for record in caplog.records if record.exc_info]


def test_a_connection_is_halted(venue, connect):
    """What is sent on it is not read, and is when it goes on; it stays open meanwhile."""
    listener = connect().listen()

    def scopes():
        return [call.line._socket.scope for call in venue._server._trades._open.values()]

    async def halt(stands):
        for scope in scopes():
            connections.halt(scope, stands)

    venue._thread.call("halt", halt, True, timeout=FAIL_AFTER)
    listener.send({"action": "listen", "data": {"streams": []}})
    with pytest.raises(TimeoutError):
        listener.socket.recv(timeout=0.05)
    venue._thread.call("go on", halt, False, timeout=FAIL_AFTER)

    assert {"streams": []} == listener.receive()["data"]
