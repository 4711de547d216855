"""Who listens to server-sent events: what came before, what comes, and how it ends."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from bridge.venue.core import Request
from bridge.venue.events import HEARTBEAT
from bridge.venue.faults.frames import Corrupt, Delay, Drop
from bridge.venue.faults.sockets import Close, ConnectionLimit, HalfOpen, Mute, RefuseHandshake
from bridge.venue.recipe import PAPER
from bridge.venue.serving import subscribers as module
from bridge.venue.serving.subscribers import Subscribers
from bridge.venue.serving.switchboard import Switchboard

FAIL_AFTER = 5.0
NOW = datetime(2024, 1, 2, 15, 30, tzinfo=UTC)
PATH = "/v2/events/trades"
SINCE = "2024-01-02T00:00:00Z"


def at(seconds):
    return NOW + timedelta(seconds=seconds)


class Crowd:
    """Subscribers of a house, with time in the hands of the test."""

    def __init__(self, house):
        self.house = house
        self.now = NOW
        self.cuts = 0
        self.halts = []
        self.switchboard = Switchboard(lambda: house.faults, lambda: self.now, lambda: None, lambda: None)
        self.subscribers = Subscribers(house.core, self.switchboard)

    def subscription(self, trader=PAPER, **query):
        headers = {"apca-api-key-id": trader.key, "apca-api-secret-key": trader.secret}
        return self.house.handle(Request(method="GET", path=PATH, query=query, headers=headers), self.now).stream

    def _cut(self):
        self.cuts += 1

    @property
    def scope(self):
        return {"state": {"cut": self._cut, "halt": self.halts.append}}

    def refusal(self):
        return self.subscribers.refusal(self.subscription(), self.scope)

    def events(self, subscription):
        return self.subscribers.events(subscription, self.scope)

    def at(self, seconds):
        """Time has come so far, and what happened by then is told."""
        self.now = at(seconds)
        self.house.advance(self.now)
        self.subscribers.deliver(self.house.frames())
        self.switchboard.act(self.house.fallen())
        self.switchboard.flush(self.now)


@pytest.fixture
def run(new_house):
    """``run(main, *faults)``: main(crowd) in a loop, with these faults switched on."""

    def ran(main, *faults):
        async def within():
            house = new_house()
            house.arm(1, faults)
            crowd = Crowd(house)
            async with asyncio.timeout(FAIL_AFTER):
                result = await main(crowd)
            assert {} == crowd.subscribers._open
            return result

        return asyncio.run(within())

    return ran


def names(*texts):
    """The events in what was sent."""
    return [json.loads(line[6:])["event"] for line in b"".join(texts).splitlines() if line.startswith(b"data: ")]


async def take(events, count):
    return [await anext(events) for _ in range(count)]


# --- what is sent -----------------------------------------------------------------------------------------------------


def test_history_and_then_what_happens(run, new_order):
    """What has happened comes first, what happens then behind it, each once and in order."""

    async def main(crowd):
        crowd.house.handle(new_order(), NOW)
        crowd.at(1)
        events = crowd.events(crowd.subscription(since=SINCE))
        first = await anext(events)
        crowd.house.handle(new_order(symbol="F"), at(2))
        crowd.at(3)
        then = await take(events, 3)
        await events.aclose()
        return first, b"".join(then)

    first, then = run(main)

    assert ["pending_new", "new", "fill"] == names(first) == names(then)
    assert (b'"AAPL"' in first, b'"F"' in then) == (True, True)


def test_nothing_lost_in_between(run, new_order):
    """What happens after the answer was made and before it begins is told too, and only once."""

    async def main(crowd):
        crowd.house.handle(new_order(), NOW)
        subscription = crowd.subscription(since=SINCE)
        crowd.at(1)  # the answer was slow
        events = crowd.events(subscription)
        first = await anext(events)
        crowd.house.handle(new_order(), at(2))
        crowd.at(2)
        then = await anext(events)
        await events.aclose()
        return names(first), names(then)

    assert (["pending_new", "new", "fill"], ["pending_new"]) == run(main)


def test_a_slow_answer_loses_nothing(venue, call, new_order):
    """Over HTTP too: an order that is filled while the answer is held up is in it."""
    venue.faults.add(kind="slow", seconds=5, path=PATH, count=1)
    headers = {"apca-api-key-id": PAPER.key, "apca-api-secret-key": PAPER.secret}
    with closing(HTTPConnection("127.0.0.1", venue.port, timeout=FAIL_AFTER)) as connection:
        connection.request("GET", f"{PATH}?since={SINCE}", headers=headers)
        for _ in range(10_000):
            if venue.oracle()["faults"]:  # it has come
                break
        call("POST", "/v2/orders", new_order().body)
        venue.step(5)
        answer = connection.getresponse()
        text = b""
        while text.count(b"data: ") < 3:
            text += answer.read1()

    assert ["pending_new", "new", "fill"] == names(text)


def test_a_subscription_without_a_past(run, new_order):
    """It begins with a heartbeat, so that the other side sees that it began."""

    async def main(crowd):
        crowd.house.handle(new_order(), NOW)
        crowd.at(1)
        events = crowd.events(crowd.subscription())
        first = await anext(events)
        crowd.house.handle(new_order(), at(2))
        crowd.at(2)
        then = await anext(events)
        await events.aclose()
        return first, names(then)

    assert (HEARTBEAT, ["pending_new"]) == run(main)


def test_a_stretch_of_the_past(run, new_order):
    """Where it has an end nothing follows."""

    async def main(crowd):
        crowd.house.handle(new_order(), NOW)
        crowd.at(1)
        return [text async for text in crowd.events(crowd.subscription(since=SINCE, until="2024-01-03T00:00:00Z"))]

    (text,) = run(main)

    assert ["pending_new", "new", "fill"] == names(text)


def test_others_do_not_hear_it(run, new_order):
    """Each is told of their own account, and each of its subscribers is."""

    async def main(crowd):
        (other,) = [each for each in crowd.house.core.accounts.values() if each.credential.key == "OTHER"]
        mine, too, others = (crowd.events(crowd.subscription()) for _ in range(3))
        others = crowd.subscribers.events(_of(crowd.subscription(), other.id), crowd.scope)
        for each in (mine, too, others):
            await anext(each)
        crowd.house.handle(new_order(), NOW)
        crowd.at(0)
        heard = [names(await anext(each)) for each in (mine, too)]
        waiting = asyncio.ensure_future(anext(others))
        await asyncio.sleep(0)
        heard.append(waiting.done())
        crowd.subscribers.close()
        with pytest.raises(StopAsyncIteration):
            await waiting
        for each in (mine, too):
            await each.aclose()
        return heard

    assert [["pending_new"], ["pending_new"], False] == run(main)


def _of(subscription, account):
    return type(subscription)(account=account, history=[], ends=False)


def test_corrections_come_here_alone(run, new_order):
    """A bust, which the websocket does not tell, is told."""

    async def main(crowd):
        crowd.house.handle(new_order(), NOW)
        crowd.at(1)
        events = crowd.events(crowd.subscription())
        await anext(events)
        (execution,) = crowd.house.core.executions
        crowd.house.core.bust(execution.ids[0], at(2))
        crowd.at(2)
        told = await anext(events)
        await events.aclose()
        return names(told)

    assert ["trade_bust"] == run(main)


# --- silence, slowness, ends ------------------------------------------------------------------------------------------


def test_heartbeats(run, monkeypatch):
    """While nothing happens a comment comes now and then."""
    monkeypatch.setattr(module, "_SILENCE", 0.001)

    async def main(crowd):
        events = crowd.events(crowd.subscription())
        told = await take(events, 4)
        await events.aclose()
        return told

    assert [HEARTBEAT] * 4 == run(main)


def test_who_reads_too_slowly(run, new_order, monkeypatch):
    """Of what waits for it the oldest is dropped, and it is told how many; then it hears on."""
    monkeypatch.setattr(module, "_MOST_WAITING", 2)

    async def main(crowd):
        events = crowd.events(crowd.subscription())
        await anext(events)
        crowd.house.handle(new_order(), NOW)
        crowd.at(1)
        told = await take(events, 3)
        crowd.house.handle(new_order(), at(2))
        crowd.at(2)
        told += await take(events, 1)
        await events.aclose()
        return told

    told = run(main)

    assert b": you are reading too slowly, dropped 1 messages\n\n" == told[0]
    assert ["new", "fill", "pending_new"] == names(*told[1:])


def test_the_venue_stops(run, new_order):
    """What waits is sent, and then the answer is complete."""

    async def main(crowd):
        events, idle = crowd.events(crowd.subscription()), crowd.events(crowd.subscription())
        await anext(events)
        await anext(idle)
        crowd.house.handle(new_order(), NOW)
        crowd.at(1)
        first = await anext(events)
        waiting = asyncio.ensure_future(anext(idle))
        crowd.subscribers.close()
        rest = [text async for text in events]
        return names(first, *rest), names(await waiting, *[text async for text in idle])

    assert [["pending_new", "new", "fill"]] * 2 == list(run(main))


def test_who_comes_when_it_stops(run):
    """It gets its history, and no more."""

    async def main(crowd):
        crowd.subscribers.close()
        return [text async for text in crowd.events(crowd.subscription())]

    assert [HEARTBEAT] == run(main)


def test_who_leaves_over_http(venue, call, connect, new_order):
    """Nothing is kept for a client that is gone."""
    headers = {"apca-api-key-id": PAPER.key, "apca-api-secret-key": PAPER.secret}
    with closing(HTTPConnection("127.0.0.1", venue.port, timeout=FAIL_AFTER)) as connection:
        connection.request("GET", PATH, headers=headers)
        answer = connection.getresponse()
        first = answer.read1()
        there = len(venue._server._subscribers._open)
        answer.close()
    for _ in range(10_000):
        if not venue._server._subscribers._open:  # the venue has heard of it
            break
        venue.oracle()

    assert (HEARTBEAT, 1, {}) == (first, there, venue._server._subscribers._open)


# --- faults -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Drop(stream="sse", events=("new",)), ["pending_new", "fill"]),
        (Drop(stream="trades"), ["pending_new", "new", "fill"]),
        (Drop(stream="sse", account="OTHER"), ["pending_new", "new", "fill"]),
        (Mute(stream="sse", at=0.05), []),
        (HalfOpen(stream="sse", at=0.05), []),
    ],
)
def test_faults_of_frames(run, new_order, fault, expected):
    """Those of this stream are carried out here too."""

    async def main(crowd):
        events = crowd.events(crowd.subscription())
        await anext(events)
        crowd.at(0.05)
        crowd.house.handle(new_order(), at(0.05))
        crowd.at(1)
        crowd.house.faults.clear(crowd.now)
        crowd.at(1)
        crowd.subscribers.close()
        return names(*[text async for text in events])

    assert expected == run(main, fault)


def test_damaged_events(run, new_order):
    """A null is told as one, and what is cut lacks its end."""

    async def main(crowd):
        events = crowd.events(crowd.subscription())
        await anext(events)
        crowd.house.handle(new_order(), NOW)
        crowd.at(1)
        told = await take(events, 2)
        await events.aclose()
        return told

    null, cut = run(main, Corrupt(stream="sse", how="null", count=1), Corrupt(stream="sse", events=("new",)))

    assert b"data: null\n\n" == null
    assert not cut.endswith(b"\n\n")


def test_late_events(run, new_order):
    """They come when they are due."""

    async def main(crowd):
        events = crowd.events(crowd.subscription())
        await anext(events)
        crowd.house.handle(new_order(), NOW)
        crowd.at(0)
        waiting = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        before = waiting.done()
        crowd.at(5)
        told = names(await waiting)
        await events.aclose()
        return before, told

    assert (False, ["pending_new"]) == run(main, Delay(stream="sse", seconds=5))


@pytest.mark.parametrize(("code", "cuts"), [(1011, 0), (1006, 1)])
def test_it_is_closed(run, new_order, code, cuts):
    """The answer ends, or is broken off; who comes later stays."""

    async def main(crowd):
        events = crowd.events(crowd.subscription())
        await anext(events)
        crowd.at(1)
        told = [text async for text in events]
        later = crowd.events(crowd.subscription())
        await anext(later)
        there = len(crowd.subscribers._open)
        await later.aclose()
        return names(*told), crowd.cuts, there

    assert ([], cuts, 1) == run(main, Close(stream="sse", at=1, code=code))


def test_it_is_held(run, new_order):
    """Half open not even a heartbeat comes, and the connection is not read; afterwards it goes on."""

    async def main(crowd):
        events = crowd.events(crowd.subscription())
        await anext(events)
        crowd.at(1)
        waiting = asyncio.ensure_future(anext(events))
        for _ in range(5):
            await asyncio.sleep(0.001)
        before = waiting.done(), set(crowd.halts)
        crowd.at(2)
        crowd.house.handle(new_order(), at(2))
        crowd.at(2)
        told = names(await waiting, await anext(events))
        await events.aclose()
        return before, told, crowd.halts[-1]

    module_silence = module._SILENCE
    module._SILENCE = 0.001
    try:
        assert ((False, {True}), ["pending_new"], False) == run(main, HalfOpen(stream="sse", at=1, until=2))
    finally:
        module._SILENCE = module_silence


@pytest.mark.parametrize("fault", [RefuseHandshake(count=1), ConnectionLimit(stream="sse")])
def test_who_is_not_let_in(run, fault):
    """It is answered with the error of the fault; whom it does not concern is let in."""

    async def main(crowd):
        events = crowd.events(crowd.subscription())
        await anext(events)
        answer = crowd.refusal()
        await events.aclose()
        return answer.status, crowd.refusal()

    assert (429, None) == run(main, fault)


def test_refused_over_http(venue, call):
    """The status is that of the fault, and the body says so."""
    venue.faults.add(kind="refuse-handshake", stream="sse", status=503, count=1)
    said = call("GET", PATH)

    assert (503, "service unavailable") == (said.status, said.body["message"])
