"""The venue over sockets: what goes through HTTP and websockets, and who is refused."""

from __future__ import annotations

import json
import logging
import socket
from contextlib import closing
from datetime import UTC, datetime
from http.client import HTTPConnection
from urllib.parse import quote

import pytest

FAIL_AFTER = 5.0
NOW = datetime(2024, 1, 2, 15, 30, tzinfo=UTC)


def test_an_order_over_http(call, venue, new_order):
    """It is placed, fills when time goes on, and is a position then; the slash of a pair may be encoded."""
    order = call("POST", "/v2/orders", new_order(symbol="BTC/USD", qty="0.5", time_in_force="gtc").body)
    venue.step(1)
    said = call("GET", "/v2/positions/" + quote("BTC/USD", safe=""))

    assert (200, 200, "BTCUSD") == (order.status, said.status, said.body["symbol"])
    assert "filled" == call("GET", f"/v2/orders/{order.body['id']}").body["status"]


def test_the_date_is_the_venues(call, venue):
    """A header says what time it is there, not here; and there is one of it."""
    venue.step(60)
    said = call("GET", "/v2/clock")

    assert "Tue, 02 Jan 2024 15:31:00 GMT" == said.headers["date"]
    assert "server" not in said.headers


def test_queries_reach_the_venue(call, new_order):
    """Decoded, as names and values."""
    call("POST", "/v2/orders", new_order(client_order_id="a b&c").body)
    said = call("GET", "/v2/orders:by_client_order_id?client_order_id=" + quote("a b&c"))

    assert (200, "a b&c") == (said.status, said.body["client_order_id"])


@pytest.mark.parametrize("trader", ["wrong key", "wrong secret"])
def test_credentials(call, trader):
    """Both have to be right."""
    keys = {"apca-api-key-id": "x"} if trader == "wrong key" else {"apca-api-secret-key": "x"}

    assert 401 == call("GET", "/v2/account", **keys).status


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large(venue, chunked):
    """A client that sends all of it before it reads is answered with 413 too, and can go on."""
    with closing(HTTPConnection("127.0.0.1", venue.port, timeout=FAIL_AFTER)) as connection:
        parts = (b"x" * 100_000 for _ in range(30))
        body = parts if chunked else b"".join(parts)
        connection.request("POST", "/v2/orders", body, encode_chunked=chunked)
        answer = connection.getresponse()
        text = answer.read()
        connection.request("GET", "/v2/clock")
        then = connection.getresponse()
        then.read()

    assert (413, "request body too large: at most 65,536 bytes") == (answer.status, json.loads(text)["message"])
    assert 401 == then.status


@pytest.mark.parametrize("path", ["/stream", "/stream/"])
def test_the_stream(connect, call, venue, new_order, path):
    """Its events come to who listens, up to the one that a step names."""
    listener = connect(path=path).listen()
    call("POST", "/v2/orders", new_order().body)
    last = venue.step(1)
    events = [listener.event() for _ in range(3)]

    assert ["pending_new", "new", "fill"] == [event for event, _, _ in events]
    assert max(name for _, _, name in events) == events[-1][2] == last


def test_a_websocket_where_there_is_none(venue, connect):
    """Its handshake is refused."""
    exceptions = pytest.importorskip("websockets.exceptions")
    with pytest.raises(exceptions.InvalidStatus, match="403"):
        connect(path="/nowhere")


def test_what_a_page_has_a_browser_send(call, connect):
    """A name that leads here from elsewhere, or a page of elsewhere, is refused, over HTTP and over websockets."""
    exceptions = pytest.importorskip("websockets.exceptions")
    said = [call("GET", "/v2/clock", host="evil.com"), call("GET", "/v2/clock", origin="http://evil.com")]
    with pytest.raises(exceptions.InvalidStatus, match="403"):
        connect(origin="http://evil.com")

    assert [403, 403] == [each.status for each in said]
    assert "evil.com" in said[0].body["message"]
    assert 200 == call("GET", "/v2/clock", origin="http://localhost:3000").status


def test_where_it_is_not_on_loopback(new_venue, caller_of):
    """Whoever has it listen for other machines wants it to answer to their names for it."""
    call = caller_of(new_venue(host="0.0.0.0"))

    assert 200 == call("GET", "/v2/clock", host="bot.example:80").status


def test_a_connection_stays_open(venue):
    """It is used again, and a break of some seconds does not end it."""
    with closing(HTTPConnection("127.0.0.1", venue.port, timeout=FAIL_AFTER)) as connection:
        ports = []
        for _ in range(2):
            connection.request("GET", "/v2/clock")
            connection.getresponse().read()
            ports.append(connection.sock.getsockname())

    assert ports[0] == ports[1]
    assert 60 < venue._server._server.config.timeout_keep_alive


def test_what_is_no_http(venue, call):
    """It is answered with 400, and others are served on."""
    with socket.create_connection(("127.0.0.1", venue.port), timeout=FAIL_AFTER) as raw:
        raw.sendall(b"\x00\x01\x02 nonsense\r\n\r\n")
        answer = raw.recv(100)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert 200 == call("GET", "/v2/clock").status


def test_a_client_that_vanishes_in_its_body(venue, call):
    """Half an order is none."""
    head = b"POST /v2/orders HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n{"
    with socket.create_connection(("127.0.0.1", venue.port), timeout=FAIL_AFTER) as raw:
        raw.sendall(head)

    assert [] == call("GET", "/v2/orders").body


def test_a_reader_that_does_not_read(new_venue, new_recipe, new_order, caplog):
    """It is cut when too much waits for it; the stream goes on for the others, and nothing piles up."""
    venue = new_venue(new_recipe())
    trades = venue._server._trades
    head = b"GET /stream HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    head += b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.settimeout(FAIL_AFTER)
        raw.connect(("127.0.0.1", venue.port))
        raw.sendall(head)
        assert raw.recv(4096).startswith(b"HTTP/1.1 101 ")

        async def flood():
            line = next(iter(trades._open.values())).line
            line._within = 0.0
            for _ in range(60_000):
                line.send("x" * 1000)
            return len(line.waiting)

        waiting = venue._thread.call("flood", flood, timeout=FAIL_AFTER)
        got = 0
        try:
            while data := raw.recv(1 << 20):
                got += len(data)
        except ConnectionResetError:
            pass

    assert 0 == waiting
    assert got < 60_000 * 1000


def test_logging_of_others_is_left_alone(caplog, new_venue, caller_of):
    """A program with a server of its own keeps its access log; the venue writes none."""
    access, error = logging.getLogger("uvicorn.access"), logging.getLogger("uvicorn.error")
    before = (access.propagate, list(access.handlers), error.level)
    with caplog.at_level(logging.INFO):
        caller_of(new_venue())("GET", "/v2/clock")

    assert before == (access.propagate, list(access.handlers), error.level)
    assert [] == [record for record in caplog.records if record.name == "uvicorn.access"]
