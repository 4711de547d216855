"""REST without sockets: requests as they stand on the wire, bodies that do not end well, errors of ours."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime

import pytest

pytest.importorskip("starlette")

from bridge.venue.core import Answer, Request
from bridge.venue.serving.clockwork import Clockwork
from bridge.venue.serving.pace import Stepped
from bridge.venue.serving.requests import LARGEST_BODY, Rest, read_body, request_of

NOW = datetime(2024, 1, 2, 15, 30, tzinfo=UTC)
FAIL_AFTER = 5.0


def scope_of(method="GET", path="/v2/clock", query="", headers=()):
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers],
    }


def saying(*messages):
    """The receiving half of ASGI: these messages, and then silence."""
    waiting = list(messages)

    async def receive():
        if waiting:
            return waiting.pop(0)
        await asyncio.Event().wait()

    return receive


def part(body=b"", more=False):
    return {"type": "http.request", "body": body, "more_body": more}


class Exchange:
    """A `Rest` and what was sent of it."""

    def __init__(self, house, handle):
        self.sent = []
        self.told = []
        self.clockwork = Clockwork(house, Stepped(NOW), self.told.extend)
        self.rest = self.resting(handle)

    def resting(self, handle):
        return Rest(self.clockwork, handle, self)

    def refusal(self, subscription, scope):
        return Answer(status=429, headers={}, body={}) if subscription == ["refused"] else None

    async def events(self, subscription, scope):
        for text in subscription:
            yield text

    async def send(self, message):
        self.sent.append(message)

    def ask(self, scope, *messages):
        async def main():
            async with asyncio.timeout(FAIL_AFTER):
                await self.rest(scope, saying(*messages), self.send)

        asyncio.run(main())
        return self.sent

    @property
    def headers(self):
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}


@pytest.fixture
def exchange(new_house):
    """``exchange(handle)``; without one the house answers."""

    def made(handle=None):
        house = new_house()
        return Exchange(house, handle or (lambda request: house.handle(request, NOW)))

    return made


def test_a_request_as_it_stands_on_the_wire():
    """The path keeps its percent signs, names of headers are in lower case, the query is decoded."""
    scope = scope_of("DELETE", "/v2/positions/BTC%2FUSD", "qty=1&side=&after=a%20b", [("apca-api-key-id", "K")])

    expected = Request(
        method="DELETE",
        path="/v2/positions/BTC%2FUSD",
        query={"qty": "1", "side": "", "after": "a b"},
        headers={"apca-api-key-id": "K"},
        body=b"{}",
    )
    assert expected == request_of(scope, b"{}")


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([part()], b""),
        ([part(b"ab", True), part(b"c")], b"abc"),
        ([part(b"x" * LARGEST_BODY)], b"x" * LARGEST_BODY),
        ([part(b"x" * LARGEST_BODY, True), part(b"x", True), part(b"x")], 413),
        ([part(b"ab", True), {"type": "http.disconnect"}], 400),
        ([part(b"ab", True)], 408),
    ],
    ids=["none", "in parts", "as large as it may be", "too large", "broken off", "does not come"],
)
def test_bodies(messages, expected):
    """All of it, or why not; what does not come is not waited for without end."""
    assert expected == asyncio.run(read_body(saying(*messages), within=0.05))


def test_an_answer_on_the_wire(exchange):
    """Status, headers of the core in lower case, a length, and the venue's own date."""
    desk = exchange()
    start, body = desk.ask(scope_of(headers=[("apca-api-key-id", "x")]), part())

    assert (401, NOW) == (
        start["status"],
        datetime.strptime(desk.headers["date"], "%a, %d %b %Y %X %Z").replace(tzinfo=UTC),
    )
    assert str(len(body["body"])) == desk.headers["content-length"]
    assert {"message"} <= json.loads(body["body"]).keys()


def test_an_answer_without_a_body(exchange):
    """It has none, and says so."""
    desk = exchange(lambda request: Answer(status=204, headers={}, body=None))
    start, body = desk.ask(scope_of(), part())

    assert (204, b"", "0") == (start["status"], body["body"], desk.headers["content-length"])


@pytest.mark.parametrize(
    ("messages", "status"), [([part(b"x" * LARGEST_BODY, True), part(b"x")], 413), ([{"type": "http.disconnect"}], 400)]
)
def test_what_is_not_whole_does_not_happen(exchange, messages, status):
    """A request whose body is too large or breaks off is not given to the venue."""
    seen = []
    start, _ = exchange(seen.append).ask(scope_of("POST"), *messages)

    assert (status, []) == (start["status"], seen)


def test_what_an_order_tells_is_told_before_its_answer(exchange, new_order):
    """The frames of a request are on their way when it is answered."""
    desk = exchange()
    order = new_order()
    desk.ask(scope_of("POST", "/v2/orders", headers=order.headers.items()), part(order.body))

    assert (200, ["pending_new"]) == (desk.sent[0]["status"], [frame.data["event"] for frame in desk.told])


def test_an_error_of_ours(exchange, caplog):
    """It is answered as 500 without a word of the code, logged once, and what happened before is told."""
    desk = exchange()
    order = desk.clockwork.house

    def broken(request):
        order.price("AAPL", 191, NOW)

    desk.rest = desk.resting(broken)
    with caplog.at_level(logging.ERROR):
        start, body = desk.ask(scope_of("POST", "/v2/orders"), part(b"{}"))

    assert (500, 50010000) == (start["status"], json.loads(body["body"])["code"])
    assert b"Traceback" not in body["body"]
    assert ["POST /v2/orders"] == caplog.messages


def test_frames_of_a_request_that_failed(exchange, new_order):
    """An order was placed and then something went wrong: its frames are told all the same."""
    desk = exchange()

    def broken(request):
        desk.clockwork.house.handle(new_order(), NOW)
        raise ZeroDivisionError

    desk.rest = desk.resting(broken)
    desk.ask(scope_of("POST", "/v2/orders"), part(b"{}"))

    assert ["pending_new"] == [frame.data["event"] for frame in desk.told]


def test_an_answer_that_goes_on(exchange):
    """A subscription is sent piece by piece, as its events come."""
    desk = exchange(lambda request: Answer(status=200, headers={}, body=None, stream=[b"a", b"b"]))
    start, *parts = desk.ask(scope_of() | {"asgi": {"spec_version": "2.4"}}, part())

    assert (200, b"ab") == (start["status"], b"".join(message["body"] for message in parts))


def test_a_subscription_that_is_refused(exchange):
    """It is answered with what the subscribers say, and nothing follows."""
    desk = exchange(lambda request: Answer(status=200, headers={}, body=None, stream=["refused"]))
    start, body = desk.ask(scope_of(), part())

    assert (429, b"{}") == (start["status"], body["body"])


def test_a_websocket_where_there_is_none(exchange):
    """It is refused in its handshake."""
    sent = exchange().ask(scope_of(path="/nowhere") | {"type": "websocket"}, {"type": "websocket.connect"})

    assert ["websocket.close"] == [message["type"] for message in sent]
