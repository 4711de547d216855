"""Who listens to the user stream hears of their own account, in the encoding they asked for; without sockets."""

from __future__ import annotations

import asyncio
import json
import logging

import msgspec
import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from starlette.websockets import WebSocket

from bridge.stream.frames import Encoding
from bridge.venue.serving.switchboard import Switchboard
from bridge.venue.serving.trades import TradeStream
from bridge.venue.updates import Frame

FAIL_AFTER = 5.0
SECRETS = {"PAPERKEY": "papersecret", "OTHER": "othersecret"}
LISTEN = {"action": "listen", "data": {"streams": ["trade_updates"]}}


def auth(name="PAPERKEY"):
    return {"action": "auth", "key": name, "secret": SECRETS.get(name, "x")}


def legacy(name="PAPERKEY"):
    return {"action": "authenticate", "data": {"key_id": name, "secret_key": SECRETS.get(name, "x")}}


class Crowd:
    """Clients of one stream."""

    def __init__(self, house, new_socket, **more):
        self.core = house.core
        self.switchboard = Switchboard(lambda: house.faults, lambda: house.now, lambda: None, lambda: None)
        self.stream = TradeStream(self.core, self.switchboard, **more)
        self.sockets = []
        self.tasks = []
        self._new_socket = new_socket

    def frame(self, name="PAPERKEY", number=1):
        account = self.core.authenticate(name, SECRETS[name])
        return Frame(account=account, data={"event": "new", "event_id": f"event {number}", "order": {}})

    def enter(self, *says, **more):
        socket = self._new_socket(**more)
        for message in says:
            socket.say(message)
        self.sockets.append(socket)
        websocket = WebSocket(socket.scope, socket.receive, socket.send)
        self.tasks.append(asyncio.create_task(self.stream.serve(websocket)))
        return socket

    async def listening(self, *says, **more):
        """A client that has been told that it listens."""
        socket = self.enter(*says or (auth(), LISTEN), **more)
        await socket.hears()
        await socket.hears()
        return socket

    async def leave(self):
        for socket in self.sockets:
            socket.leave()
        await asyncio.gather(*self.tasks)


@pytest.fixture
def run(new_socket, new_house):
    """Run ``main(crowd)``; afterwards all leave, and nothing may be left."""

    def ran(main, **more):
        async def within():
            crowd = Crowd(new_house(), new_socket, **more)
            async with asyncio.timeout(FAIL_AFTER):
                result = await main(crowd)
                await crowd.leave()
            assert {} == crowd.stream._open
            assert 1 == len(asyncio.all_tasks())
            return result

        return asyncio.run(within())

    return ran


def data(message):
    return json.loads(message.get("text") or message["bytes"])["data"]


@pytest.mark.parametrize("form", [auth, legacy])
def test_both_forms_of_authentication(run, form):
    """The current form and the older one are taken, each with keys that are right."""

    async def main(crowd):
        good, bad = crowd.enter(form()), crowd.enter(form("NOBODY"))
        return data(await good.hears())["status"], data(await bad.hears())["status"]

    assert ("authorized", "unauthorized") == run(main)


@pytest.mark.parametrize("encoding", [Encoding.TEXT, Encoding.BINARY])
def test_frames_as_they_are_asked_for(run, encoding):
    """JSON in text or binary frames, as the venue is set up."""

    async def main(crowd):
        socket = await crowd.listening()
        crowd.stream.deliver([crowd.frame()])
        return await socket.hears()

    message = run(main, encoding=encoding)
    kind = "text" if encoding is Encoding.TEXT else "bytes"

    assert "event 1" == json.loads(message[kind])["data"]["event_id"]


def test_messagepack_for_who_asks(run):
    """A client that says so in its handshake gets MessagePack, and its neighbour does not."""

    async def main(crowd):
        packed = await crowd.listening(
            msgspec.msgpack.encode(auth()),
            msgspec.msgpack.encode(LISTEN),
            headers={"content-type": "application/msgpack"},
        )
        plain = await crowd.listening()
        crowd.stream.deliver([crowd.frame()])
        return await packed.hears(), await plain.hears()

    packed, plain = run(main)

    assert msgspec.msgpack.decode(packed["bytes"]) == json.loads(plain["bytes"])


def test_frames_go_to_the_listeners_of_the_account(run):
    """Each of them, in order; not to another account, nor to who does not listen."""

    async def main(crowd):
        first, second = await crowd.listening(), await crowd.listening()
        other = await crowd.listening(auth("OTHER"), LISTEN)
        deaf = crowd.enter(auth())
        await deaf.hears()
        crowd.stream.deliver([crowd.frame(number=1), crowd.frame("OTHER", 2), crowd.frame(number=3)])
        heard = [data(await first.hears()), data(await first.hears()), data(await second.hears())]
        heard += [data(await second.hears()), data(await other.hears())]
        return [event["event_id"] for event in heard], [socket.told.empty() for socket in crowd.sockets]

    heard, silent = run(main)

    assert ["event 1", "event 3", "event 1", "event 3", "event 2"] == heard
    assert [True, True, True] == silent[:3]


def test_who_does_not_authenticate_is_closed(run):
    """Ten seconds have to be enough, here none; who has done so stays."""

    async def main(crowd):
        late = crowd.enter()
        return await late.hears()

    closed = run(main, patience=0.0)

    assert (1008, "not authenticated in time") == (closed["code"], closed["reason"])


def test_who_authenticates_in_time_stays(run):
    """The patience is for those who have not authenticated."""

    async def main(crowd):
        socket = await crowd.listening()
        (protocol,) = crowd.stream._open
        crowd.stream._expired(protocol)  # as the timer does
        crowd.stream.deliver([crowd.frame()])
        return await socket.hears()

    assert "event 1" == data(run(main))["event_id"]


def test_who_leaves_first_is_not_looked_for(run):
    """The time to authenticate ends with the connection."""

    async def main(crowd):
        failed = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: failed.append(context))
        crowd.enter().leave()
        await crowd.leave()
        await asyncio.sleep(0)
        return failed

    assert [] == run(main, patience=0.0)


def test_a_message_that_cannot_be_read(run):
    """It is answered, and the connection is closed."""

    async def main(crowd):
        socket = crowd.enter("{")
        return await socket.hears(), await socket.hears()

    answer, closed = run(main)

    assert ("websocket.send", 1008) == (answer["type"], closed["code"])


def test_an_error_of_ours(run, caplog):
    """It is logged once, the client is closed with 1011, and the others hear on."""

    async def main(crowd):
        other = await crowd.listening(auth("OTHER"), LISTEN)
        frame = crowd.frame("OTHER")
        crowd.core.authenticate = lambda *keys: 1 / 0
        socket = crowd.enter(auth())
        closed = await socket.hears()
        crowd.stream.deliver([frame])
        return closed, await other.hears()

    with caplog.at_level(logging.ERROR):
        closed, heard = run(main)

    assert (1011, "event 1") == (closed["code"], data(heard)["event_id"])
    assert ["a connection to the user stream"] == caplog.messages


def test_how_many_listen(run):
    """Who asks for a number of listeners is held until they are there; one that has only authenticated is none."""

    async def main(crowd):
        waiting = asyncio.create_task(crowd.stream.listening(2))
        await crowd.listening()
        await crowd.enter(auth()).hears()
        before = waiting.done()
        await crowd.listening(auth("OTHER"), LISTEN)
        await waiting
        return before

    assert not run(main)


def test_all_are_closed(run):
    """When the venue stops every client is told."""

    async def main(crowd):
        sockets = [await crowd.listening(), await crowd.listening(auth("OTHER"), LISTEN)]
        crowd.stream.close(1001, "the venue stops")
        return [(await socket.hears())["code"] for socket in sockets]

    assert [1001, 1001] == run(main)
