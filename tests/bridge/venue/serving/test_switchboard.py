"""What faults make of handshakes, messages and connections is carried out."""

from __future__ import annotations

import asyncio
import logging
import socket
from datetime import UTC, datetime, timedelta

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from starlette.websockets import WebSocket

from bridge.venue.faults.frames import Corrupt, Delay, Drop, Duplicate, Reorder
from bridge.venue.faults.happenings import ClockSkew, Restart
from bridge.venue.faults.sockets import Close, ConnectionLimit, HalfOpen, Mute
from bridge.venue.serving.line import Line
from bridge.venue.serving.switchboard import Switchboard

FAIL_AFTER = 5.0
NOW = datetime(2024, 1, 2, 15, 30, tzinfo=UTC)


def at(seconds):
    return NOW + timedelta(seconds=seconds)


def encoded(data):
    return ["null"] if data is None else [data["event"] + data.get("at", "")]


class Board:
    """A switchboard with time in the hands of the test."""

    def __init__(self, house, new_socket):
        self.house = house
        self.woken = self.all_cut = 0
        self.now = NOW
        self._new_socket = new_socket
        self.switchboard = Switchboard(lambda: house.faults, lambda: self.now, self._wake, self._cut_all)
        self.sockets = {}

    def _wake(self):
        self.woken += 1

    def _cut_all(self):
        self.all_cut += 1

    async def connect(self, key="PAPERKEY", stream="trades"):
        """A connection that has authenticated."""
        socket = self._new_socket()
        line = Line(WebSocket(socket.scope, socket.receive, socket.send), within=0.01)
        assert await line.open()
        call = self.switchboard.connect(stream, line, encoded)
        self.sockets[call] = socket
        self.switchboard.introduce(call, key)
        return call

    def say(self, call, *events, **more):
        for event in events:
            self.switchboard.send(call, {"event": event, "event_id": event, **more})

    def at(self, seconds):
        """Time has come so far, and what is due is done; when more is, in seconds from the start."""
        self.now = at(seconds)
        self.house.advance(self.now)
        self.switchboard.act(self.house.fallen())
        due = self.switchboard.flush(self.now)
        return None if due is None else (due - NOW).total_seconds()

    async def heard(self, call):
        """What has come since the last call: texts, and codes of closes."""
        for _ in range(20):
            await asyncio.sleep(0)  # what can be sent is
        told, out = self.sockets[call].told, []
        while not told.empty():
            message = told.get_nowait()
            if message["type"] != "websocket.accept":
                out.append(message.get("text", message.get("code")))
        return out


@pytest.fixture
def run(new_house, new_socket):
    """``run(main, *faults)``: main(board) in a loop, with these faults switched on."""

    def ran(main, *faults):
        async def within():
            house = new_house()
            house.arm(1, faults)
            board = Board(house, new_socket)
            async with asyncio.timeout(FAIL_AFTER):
                result = await main(board)
                for call, each in board.sockets.items():
                    board.switchboard.disconnect(call, clean=True)
                    each.leave()
                    await call.line.gone()
            return result

        return asyncio.run(within())

    return ran


# --- messages ---------------------------------------------------------------------------------------------------------


def test_without_faults(run):
    """What is said is heard at once, in order."""

    async def main(board):
        call = await board.connect()
        board.say(call, "a", "b")
        return await board.heard(call), board.at(0)

    assert (["a", "b"], None) == run(main)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Drop(events=("b",)), ["a", "c"]),
        (Drop(count=1, account="OTHER"), ["a", "b", "c"]),
        (Duplicate(events=("b",), times=2), ["a", "b", "b", "b", "c"]),
        (Reorder(count=1), ["b", "a", "c"]),
        (Reorder(count=1, behind=2), ["b", "c", "a"]),
        (Corrupt(events=("b",), how="null"), ["a", "null", "c"]),
        (Mute(new=True), []),
        (ClockSkew(seconds=60), ["a", "b", "c"]),
    ],
)
def test_what_is_heard(run, fault, expected):
    """What faults leave of three frames."""

    async def main(board):
        call = await board.connect()
        board.at(0)
        board.say(call, "a", "b", "c")
        return await board.heard(call)

    assert expected == run(main, fault)


def test_a_wrong_clock(run):
    """Moments in frames are shifted."""

    async def main(board):
        call = await board.connect()
        board.at(0)
        board.say(call, "a", at="2024-01-02T15:30:00Z")
        return await board.heard(call)

    assert ["a2024-01-02T15:31:00Z"] == run(main, ClockSkew(seconds=60))


def test_late_frames_keep_the_order(run):
    """What is said behind a late frame waits for it, though it is not late itself; and comes at the right moment."""

    async def main(board):
        call = await board.connect()
        board.say(call, "a", "b")
        before = await board.heard(call)
        due = [board.at(0), board.at(1.9)]
        board.say(call, "c")
        due.append(board.at(1.9))
        between = await board.heard(call)
        due.append(board.at(2))
        return before, due, between, await board.heard(call)

    assert ([], [2, 2, 2, None], [], ["a", "b", "c"]) == run(main, Delay(seconds=2, count=1))


def test_what_was_late_stays_so(run):
    """A fault that is switched off lets go of nothing early, and the order stays."""

    async def main(board):
        call = await board.connect()
        board.say(call, "a")
        board.house.faults.clear(NOW)
        board.at(1)
        board.say(call, "b")
        before = await board.heard(call)
        board.at(2)
        board.say(call, "c")
        return before, await board.heard(call)

    assert ([], ["a", "b", "c"]) == run(main, Delay(seconds=2))


def test_copies_come_in_between(run):
    """A copy that comes later lets others pass."""

    async def main(board):
        call = await board.connect()
        board.say(call, "a", "b")
        before = await board.heard(call)
        due = [board.at(0), board.at(1)]
        return before, due, await board.heard(call)

    assert (["a", "b"], [1, None], ["a"]) == run(main, Duplicate(seconds=1, count=1))


def test_a_frame_that_nobody_overtakes(run):
    """It comes in the end all the same."""

    async def main(board):
        call = await board.connect()
        board.say(call, "a")
        before = await board.heard(call)
        board.at(1)
        return before, await board.heard(call)

    assert ([], ["a"]) == run(main, Reorder(count=1, within=1))


def test_late_for_one_alone(run):
    """Each connection has a line of its own."""

    async def main(board):
        first, second = await board.connect(), await board.connect()
        for call in (first, second):
            board.say(call, "a")
        return await board.heard(first), await board.heard(second)

    assert ([], ["a"]) == run(main, Delay(seconds=2, connection=1))


def test_who_leaves_takes_what_was_late(run):
    """Nothing is due for a connection that is gone."""

    async def main(board):
        call = await board.connect()
        board.say(call, "a")
        board.switchboard.disconnect(call, clean=False)
        return board.at(0), board.at(5)

    assert (None, None) == run(main, Delay(seconds=2))


def test_the_venue_is_woken(run):
    """Whoever connects, or is told something late, may make something due."""

    async def main(board):
        call = await board.connect()
        before = board.woken
        board.say(call, "a")
        return before, board.woken - before

    before, more = run(main, Delay(seconds=2))

    assert before >= 2
    assert 1 == more


# --- connections ------------------------------------------------------------------------------------------------------


def test_a_connection_is_held(run):
    """Half open it is neither read nor written, and what is said meanwhile is lost; afterwards it is as before."""

    async def main(board):
        call = await board.connect()
        board.say(call, "a")
        heard = [await board.heard(call)]
        for seconds, event in ((1, "b"), (1.5, "c"), (3, "d")):
            board.at(seconds)
            board.say(call, event)
            heard.append(await board.heard(call))
        return heard, board.sockets[call].halts

    heard, halts = run(main, HalfOpen(at=1, until=3))

    assert [["a"], [], [], ["d"]] == heard
    assert (True, False) == (halts[0], halts[-1])
    assert [True, False] == sorted(set(halts), reverse=True)


def test_what_waited_when_it_froze(run):
    """It is sent when the connection thaws, in its place."""

    async def main(board):
        call = await board.connect()
        board.say(call, "a")  # and nobody has had the time to send it
        board.at(1)
        before = await board.heard(call)
        board.at(3)
        board.say(call, "b")
        return before, await board.heard(call)

    assert ([], ["a", "b"]) == run(main, HalfOpen(at=1, until=3))


def test_a_new_connection_that_is_held(run):
    """A fault that is about new ones too decides about it when it opens."""

    async def main(board):
        board.at(1)
        call = await board.connect()
        board.say(call, "a")
        return await board.heard(call)

    assert [] == run(main, HalfOpen(new=True))


@pytest.mark.parametrize(("code", "expected", "cuts"), [(4000, [4000], 0), (1006, [], 1)])
def test_a_connection_is_closed(run, code, expected, cuts):
    """With its code, or without a word; what waits or is late is not sent, and nothing more is."""

    async def main(board):
        call = await board.connect()
        board.say(call, "a")
        due = board.at(1)
        board.say(call, "b")
        return await board.heard(call), len(board.sockets[call].cuts), due

    assert (expected, cuts, None) == run(main, Close(at=1, code=code), Delay(seconds=2))


def test_who_has_a_connection_already(run):
    """The second of one account ends, or the first; another account's is its own."""

    async def main(board):
        calls = [await board.connect(), await board.connect("OTHER"), await board.connect()]
        return [await board.heard(call) for call in calls]

    assert [[], [], [1008]] == run(main, ConnectionLimit(how="close"))
    assert [[1008], [], []] == run(main, ConnectionLimit(how="evict"))


def test_a_restart(run):
    """Every connection is closed with its code, those of requests are cut, and nobody hears of the time between."""

    async def main(board):
        calls = [await board.connect(), await board.connect("OTHER", "data")]
        board.at(1)
        board.say(calls[0], "a")
        return [await board.heard(call) for call in calls], board.all_cut

    assert ([[1012], [1012]], 1) == run(main, Restart(at=1))


# --- handshakes, over sockets -----------------------------------------------------------------------------------------


@pytest.fixture
def noise(caplog):
    """What anybody has logged that is more than a note."""
    caplog.set_level(logging.WARNING)
    return lambda: [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize("status", [429, 503])
def test_a_handshake_is_refused(venue, connect, noise, status):
    """With the status and the words of the fault, without noise in the log; the next one gets through."""
    exceptions = pytest.importorskip("websockets.exceptions")
    venue.faults.add(kind="refuse-handshake", status=status, retry_after=7, count=2)
    for _ in range(2):
        with pytest.raises(exceptions.InvalidStatus) as refused:
            connect()
    connect().listen()
    answer = refused.value.response

    assert (status, "7") == (answer.status_code, answer.headers["Retry-After"])
    assert b'"message"' in answer.body
    assert [] == noise()


def test_a_handshake_that_is_cut(venue, connect, noise):
    """While the venue restarts connections end without an answer, without noise; afterwards they get through."""
    exceptions = pytest.importorskip("websockets.exceptions")
    venue.faults.add(kind="restart", seconds=5)
    with pytest.raises((exceptions.InvalidHandshake, exceptions.InvalidMessage, EOFError, ConnectionError)):
        connect()
    venue.step(5)
    connect().listen()

    assert [] == noise()


def test_a_handshake_that_is_refused_while_it_is_left(venue, connect, noise):
    """Who goes without reading the refusal makes no noise either."""
    venue.faults.add(kind="refuse-handshake", count=20)
    head = b"GET /stream HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    head += b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", venue.port), timeout=FAIL_AFTER) as raw:
            raw.sendall(head)
    connect().listen()
    venue.stop()

    assert [] == noise()
