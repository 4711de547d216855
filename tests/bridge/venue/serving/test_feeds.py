"""The websockets of market data: who is let in, what they are told, and what faults make of it."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from decimal import Decimal as D

import msgspec
import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from starlette.websockets import WebSocket

from bridge.venue.data.streams import DataStreams
from bridge.venue.faults.frames import Corrupt, Delay, Drop, Duplicate, Reorder
from bridge.venue.faults.happenings import ClockSkew
from bridge.venue.faults.sockets import Close, ConnectionLimit, HalfOpen, Mute
from bridge.venue.serving.feeds import Feeds
from bridge.venue.serving.switchboard import Switchboard

FAIL_AFTER = 5.0
NOW = datetime(2024, 1, 2, 15, 30, tzinfo=UTC)
PATH = "/v2/iex"
AUTH = {"action": "auth", "key": "PAPERKEY", "secret": "papersecret"}
TRADES = {"action": "subscribe", "trades": ["AAPL", "F"]}
KEYS = {"apca-api-key-id": "PAPERKEY", "apca-api-secret-key": "papersecret"}


class Crowd:
    """Clients of market data, with time in the hands of the test."""

    def __init__(self, house, new_socket, **more):
        self.house = house
        self.woken = 0
        self.switchboard = Switchboard(lambda: house.faults, lambda: house.now, lambda: None, lambda: None)
        self.feeds = Feeds(DataStreams(house.data), house.core, self.switchboard, self._wake, **more)
        self.sockets = []
        self.tasks = []
        self._new_socket = new_socket

    def _wake(self):
        self.woken += 1

    def enter(self, *says, path=PATH, **more):
        socket = self._new_socket(path=path, **more)
        for message in says:
            socket.say(message)
        self.sockets.append(socket)
        websocket = WebSocket(socket.scope, socket.receive, socket.send)
        self.tasks.append(asyncio.create_task(self.feeds.serve(websocket)))
        return socket

    async def listening(self, *says, answers=3, **more):
        """A client that has been told that it gets what it asked for."""
        socket = self.enter(*says or (AUTH, TRADES), **more)
        for _ in range(answers):
            await socket.hears()
        return socket

    def price(self, symbol, price):
        """A trade at another price, which all are told of."""
        self.house.price(symbol, D(price), self.house.now)
        self.deliver()

    def deliver(self):
        self.switchboard.act(self.house.fallen())
        due = self.switchboard.flush(self.house.now)
        return due, self.feeds.deliver(self.house.now)

    async def heard(self, socket):
        """Symbols and prices of the trades that have come; closes with their codes."""
        for _ in range(20):
            await asyncio.sleep(0)
        out = []
        while not socket.told.empty():
            message = socket.told.get_nowait()
            if message["type"] == "websocket.close":
                out.append(message["code"])
                continue
            out += [each and (each["S"], each["p"]) for each in decoded(message)]
        return out


def decoded(message):
    if message.get("text") is not None:
        return json.loads(message["text"])
    return msgspec.msgpack.decode(message["bytes"])


@pytest.fixture
def run(new_house, new_socket):
    """``run(main, *faults)``: main(crowd) in a loop, with these faults; afterwards nothing may be left."""

    def ran(main, *faults, **more):
        async def within():
            house = new_house()
            house.arm(1, faults)
            crowd = Crowd(house, new_socket, **more)
            async with asyncio.timeout(FAIL_AFTER):
                result = await main(crowd)
                for socket in crowd.sockets:
                    socket.leave()
                await asyncio.gather(*crowd.tasks)
            assert {} == crowd.feeds._open
            assert 1 == len(asyncio.all_tasks())
            return result

        return asyncio.run(within())

    return ran


# --- who is let in ----------------------------------------------------------------------------------------------------


def test_the_dialogue(run):
    """Connected, authenticated, subscribed; and somebody is woken for it."""

    async def main(crowd):
        socket = crowd.enter(AUTH, TRADES)
        return [decoded(await socket.hears())[0] for _ in range(3)], crowd.woken

    (first, second, third), woken = run(main)

    assert ({"T": "success", "msg": "connected"}, {"T": "success", "msg": "authenticated"}) == (first, second)
    assert ("subscription", ["AAPL", "F"], True) == (third["T"], third["trades"], woken >= 1)


def test_credentials_in_the_handshake(run):
    """They spare a message."""

    async def main(crowd):
        socket = crowd.enter(headers=KEYS)
        return [decoded(await socket.hears())[0]["msg"] for _ in range(2)]

    assert ["connected", "authenticated"] == run(main)


def test_who_does_not_authenticate(run):
    """The time for it is over, here at once: an error says so, and the connection is closed."""

    async def main(crowd):
        socket = crowd.enter()
        await socket.hears()
        return decoded(await socket.hears())[0]["code"], (await socket.hears())["code"]

    assert (404, 1008) == run(main, patience=0.0)


def test_who_authenticates_in_time_stays(run):
    """The patience is for those who have not."""

    async def main(crowd):
        socket = await crowd.listening()
        (protocol,) = crowd.feeds._open
        crowd.feeds._expired(protocol)  # as the timer does
        crowd.price("AAPL", 191)
        return await crowd.heard(socket)

    assert [("AAPL", 191)] == run(main)


def test_ten_seconds(venue):
    """A venue has the patience of Alpaca."""
    assert 10.0 == venue._server._feeds._patience


def test_a_path_without_a_feed(run):
    """Its handshake is refused."""

    async def main(crowd):
        return (await crowd.enter(path="/v2/nothing").hears())["type"]

    assert "websocket.close" == run(main)


# --- what they are told -----------------------------------------------------------------------------------------------


def test_trades(run):
    """Who subscribed to a symbol hears of it, in JSON or MessagePack as they asked, and nobody else does."""

    async def main(crowd):
        plain = await crowd.listening()
        packed = await crowd.listening(
            msgspec.msgpack.encode(AUTH),
            msgspec.msgpack.encode(TRADES),
            headers={"content-type": "application/msgpack"},
        )
        other = await crowd.listening(AUTH, {"action": "subscribe", "trades": ["MSFT"]})
        crowd.price("AAPL", 191)
        crowd.price("F", 13)
        return [await crowd.heard(each) for each in (plain, packed, other)]

    assert [[("AAPL", 191), ("F", 13)]] * 2 + [[]] == run(main)


def test_an_error_of_ours(run, caplog):
    """It is logged, the client is closed with 1011, and the others hear on."""

    async def main(crowd):
        other = await crowd.listening()
        crowd.house.data.authenticate = lambda *keys: 1 / 0
        socket = crowd.enter(AUTH)
        await socket.hears()
        closed = await socket.hears()
        crowd.price("AAPL", 191)
        return closed["code"], await crowd.heard(other)

    assert (1011, [("AAPL", 191)]) == run(main)
    assert ["a connection to market data"] == caplog.messages


def test_all_are_closed(run):
    """When the venue stops every client is told."""

    async def main(crowd):
        sockets = [await crowd.listening(), await crowd.listening()]
        crowd.feeds.close(1001, "the venue stops")
        return [(await socket.hears())["code"] for socket in sockets]

    assert [1001, 1001] == run(main)


def test_over_a_socket(venue, connect):
    """A client subscribes and hears of a trade."""
    listener = connect(path=PATH)
    said = [listener.receive()[0]["msg"]]
    listener.send(AUTH)
    said.append(listener.receive()[0]["msg"])
    listener.send(TRADES)
    listener.receive()
    venue.price("AAPL", 191)
    (trade,) = listener.receive()

    assert ["connected", "authenticated"] == said
    assert ("t", "AAPL", 191) == (trade["T"], trade["S"], trade["p"])


def test_the_feed_test(venue, connect):
    """It tells something every second of the venue's time, though nothing moves."""
    listener = connect(path="/v2/test")
    for message in (AUTH, {"action": "subscribe", "trades": ["FAKEPACA"]}):
        listener.send(message)
    for _ in range(3):
        listener.receive()
    venue.step(2)

    assert "FAKEPACA" == listener.receive()[0]["S"]


# --- faults -----------------------------------------------------------------------------------------------------------

PRICES = [("AAPL", 191), ("F", 13), ("AAPL", 192)]


@pytest.mark.parametrize("packed", [False, True], ids=["JSON", "MessagePack"])
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Drop(stream="data", count=1), PRICES[1:]),
        (Drop(stream="data", symbol="F"), [PRICES[0], PRICES[2]]),
        (Drop(stream="data", events=("q",)), PRICES),
        (Drop(stream="trades"), PRICES),
        (Duplicate(stream="data", events=("t",), count=1), [PRICES[0], *PRICES]),
        (Reorder(stream="data", count=1), [PRICES[1], PRICES[0], PRICES[2]]),
        (Mute(stream="data", new=True), []),
        (HalfOpen(stream="data", at=0.001), []),
        (Close(stream="data", at=0.001, code=4001), [4001]),
        (ClockSkew(seconds=60), PRICES),
    ],
)
def test_faults_of_messages(run, fault, expected, packed):
    """Each trade is a frame, whatever it shared a message with."""

    async def main(crowd):
        says, more = (AUTH, TRADES), {}
        if packed:
            says, more = map(msgspec.msgpack.encode, says), {"headers": {"content-type": "application/msgpack"}}
        socket = await crowd.listening(*says, **more)
        crowd.house.advance(crowd.house.now.replace(microsecond=1000))
        crowd.deliver()
        for symbol, price in PRICES:
            crowd.house.price(symbol, D(price), crowd.house.now)
        crowd.deliver()
        return await crowd.heard(socket)

    assert expected == run(main, fault)


def test_what_no_fault_touches_is_as_it_was(run):
    """Digits, order of fields and moments are those that it was written with."""

    async def main(crowd):
        first, second = await crowd.listening(), await crowd.listening()
        crowd.price("AAPL", "191.10")
        whole = [(await socket.hears())["text"] for socket in (first, second)]
        crowd.house.faults.clear(crowd.house.now)
        return whole

    untouched, touched = run(main, Drop(stream="data", connection=1, events=("q",)))

    assert untouched == touched
    assert '"t":"2024-01-02T15:30:00' in touched


@pytest.mark.parametrize("packed", [False, True], ids=["JSON", "MessagePack"])
def test_a_wrong_clock(run, packed):
    """The moment of a trade is shifted, and nothing else of it."""

    async def main(crowd):
        says, more = (AUTH, TRADES), {}
        if packed:
            says, more = map(msgspec.msgpack.encode, says), {"headers": {"content-type": "application/msgpack"}}
        socket = await crowd.listening(*says, **more)
        crowd.house.advance(NOW)
        crowd.price("AAPL", "191.10")
        crowd.house.faults.clear(NOW)
        crowd.price("AAPL", "191.10")
        return decoded(await socket.hears())[0], decoded(await socket.hears())[0]

    wrong, right = run(main, ClockSkew(seconds=3600))
    moments = [each.pop("t") for each in (wrong, right)]
    hour = [each.hour if packed else int(each[11:13]) for each in moments]

    assert [16, 15] == hour
    assert (wrong["p"], wrong["S"], list(wrong)) == (right["p"], right["S"], list(right))


@pytest.mark.parametrize(("how", "expected"), [("null", "[null]"), ("cut", None)])
def test_damaged_messages(run, how, expected):
    """A null, or what lacks its end."""

    async def main(crowd):
        socket = await crowd.listening()
        crowd.price("AAPL", 191)
        return (await socket.hears())["text"]

    text = run(main, Corrupt(stream="data", how=how))
    if expected is not None:
        assert expected == text
    else:
        with pytest.raises(json.JSONDecodeError):
            json.loads(text)


def test_late_messages(run):
    """They come when they are due, and somebody is told when that is."""

    async def main(crowd):
        socket = await crowd.listening()
        crowd.price("AAPL", 191)
        before, (due, _) = await crowd.heard(socket), crowd.deliver()
        crowd.house.advance(due)
        crowd.deliver()
        return before, (due - NOW).total_seconds(), await crowd.heard(socket)

    assert ([], 3, [("AAPL", 191)]) == run(main, Delay(stream="data", seconds=3))


@pytest.mark.parametrize("headers", [{}, KEYS], ids=["message", "handshake"])
def test_a_limit_of_connections(run, headers):
    """The first is evicted as soon as the second has authenticated, however it did."""

    async def main(crowd):
        first = await crowd.listening()
        crowd.enter(*() if headers else (AUTH,), headers=headers)
        return await crowd.heard(first)

    assert [1008] == run(main, ConnectionLimit(stream="data", how="evict"))


def test_a_feed_that_refuses(venue, connect):
    """Handshakes of market data are refused by a fault of theirs alone."""
    exceptions = pytest.importorskip("websockets.exceptions")
    venue.faults.add(kind="refuse-handshake", stream="data", count=1)
    connect().listen()
    with pytest.raises(exceptions.InvalidStatus, match="429"):
        connect(path=PATH)

    assert "connected" == connect(path=PATH).receive()[0]["msg"]
