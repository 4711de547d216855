"""A websocket to a client, without the socket: order, slow readers, ends."""

from __future__ import annotations

import asyncio

import pytest

pytest.importorskip("starlette")

from starlette.websockets import WebSocket

from bridge.venue.serving.line import Line

FAIL_AFTER = 5.0


@pytest.fixture
def run():
    def ran(main):
        async def within():
            async with asyncio.timeout(FAIL_AFTER):
                return await main()

        return asyncio.run(within())

    return ran


async def opened(socket, **more):
    line = Line(WebSocket(socket.scope, socket.receive, socket.send), **more)
    assert await line.open()
    return line


def test_what_is_said_is_heard_in_order(run, new_socket):
    """Text as text, bytes as bytes, one after the other, though nobody waits for it."""

    async def main():
        socket = new_socket()
        line = await opened(socket)
        line.send("a", b"b")
        line.send("c")
        heard = [await socket.hears() for _ in range(3)]
        socket.leave()
        await line.gone()
        return [message.get("text") or message.get("bytes") for message in heard]

    assert ["a", b"b", "c"] == run(main)


def test_what_a_client_sends(run, new_socket):
    """Whole messages of both kinds, until it leaves."""

    async def main():
        socket = new_socket()
        line = await opened(socket)
        socket.say("a")
        socket.say(b"b")
        socket.leave()
        said = [message async for message in line.messages()]
        await line.gone()
        return said

    assert ["a", b"b"] == run(main)


def test_closing_comes_after_what_was_said(run, new_socket):
    """What waits is sent first, and what is said later is not."""

    async def main():
        socket = new_socket()
        line = await opened(socket)
        line.send("a")
        line.close(1001, "over")
        line.close(1008, "another reason")
        line.send("b")
        said = [message async for message in line.messages()]
        await line.gone()
        return said, await socket.hears(), await socket.hears(), socket.told.empty()

    said, first, last, empty = run(main)

    assert ([], "a", True) == (said, first["text"], empty)
    assert ("websocket.close", 1001, "over") == (last["type"], last["code"], last["reason"])


@pytest.mark.parametrize("bound", [{"most": 3}, {"most_bytes": 3}], ids=str)
def test_who_reads_too_slowly_is_closed(run, new_socket, bound):
    """More than may wait is thrown away, the sender is not held up, and the connection is cut when it does not end."""

    async def main():
        socket = new_socket()
        line = await opened(socket, **bound, within=0.01)
        socket.reads.clear()
        line.send("a")
        await asyncio.sleep(0)  # the sender takes it, and is stuck
        line.send("b", "c", "d")
        before = len(line.waiting)
        line.send("e")
        line.send("f")
        after = len(line.waiting)
        said = [message async for message in line.messages()]
        await line.gone()
        return before, after, said, socket.cuts

    assert (3, 0, [], ["cut"]) == run(main)


def test_who_reads_again_in_time_hears_why(run, new_socket):
    """A slow client that reads on is told that it was too slow."""

    async def main():
        socket = new_socket()
        line = await opened(socket, most=1)
        socket.reads.clear()
        line.send("a")
        await asyncio.sleep(0)
        line.send("b", "c")
        socket.reads.set()
        heard = [await socket.hears(), await socket.hears()]
        await line.gone()
        return heard

    first, last = run(main)

    assert ("a", 1008, "reading too slowly") == (first["text"], last["code"], last["reason"])


def test_a_client_that_vanishes_in_the_handshake(run, new_socket):
    """It was never there, and nothing is left of it."""

    async def main():
        socket = new_socket()

        async def send(message):
            raise OSError("gone")

        line = Line(WebSocket(socket.scope, socket.receive, send))
        opened = await line.open()
        await line.gone()
        return opened, len(asyncio.all_tasks())

    assert (False, 1) == run(main)


def test_a_client_that_vanishes_while_it_is_told(run, new_socket):
    """What waits for it is dropped, and nothing goes wrong."""

    async def main():
        socket = new_socket()
        line = await opened(socket)

        async def send(message):
            socket.leave()
            raise OSError("gone")

        line._socket._send = send
        line.send("a", "b")
        said = [message async for message in line.messages()]
        await line.gone()
        return said, len(line.waiting), len(asyncio.all_tasks())

    assert ([], 0, 1) == run(main)


def test_a_line_that_is_frozen(run, new_socket):
    """Nothing is sent on it until it thaws; then all that waited is."""

    async def main():
        socket = new_socket()
        line = await opened(socket)
        line.send("a")
        first = await socket.hears()
        line.freeze()
        line.send("b", "c")
        await asyncio.sleep(0)
        waiting = len(line.waiting)
        line.thaw()
        then = [await socket.hears(), await socket.hears()]
        socket.leave()
        await line.gone()
        return first["text"], waiting, [message["text"] for message in then], socket.halts

    assert ("a", 2, ["b", "c"], [True, False]) == run(main)


@pytest.mark.parametrize("way", ["left", "closed"])
def test_who_ended_it(run, new_socket, way):
    """A client that closes is told from one that is just gone."""

    async def main():
        socket = new_socket()
        line = await opened(socket)
        end = {"type": "websocket.disconnect", "code": 1000}
        socket.says.put_nowait(end | {"reason": ""} if way == "closed" else end)
        said = [message async for message in line.messages()]
        await line.gone()
        return said, line.clean

    assert ([], way == "closed") == run(main)


def test_a_line_that_is_frozen_while_it_sends(run, new_socket):
    """What is on its way arrives, and nothing behind it."""

    async def main():
        socket = new_socket()
        line = await opened(socket)
        socket.reads.clear()
        line.send("a", "b")
        await asyncio.sleep(0)  # the first is on its way
        line.freeze()
        socket.reads.set()
        first = await socket.hears()
        await asyncio.sleep(0)
        quiet = socket.told.empty()
        line.thaw()
        second = await socket.hears()
        socket.leave()
        await line.gone()
        return first["text"], quiet, second["text"]

    assert ("a", True, "b") == run(main)


def test_a_frozen_line_that_is_closed(run, new_socket):
    """It is not told, and cut in the end; who waits for its messages hears of that."""

    async def main():
        socket = new_socket()
        line = await opened(socket, within=0.01)
        line.freeze()
        said = asyncio.create_task(_all(line))
        await asyncio.sleep(0)  # it waits
        line.close(1001, "over")
        heard = await said
        await line.gone()
        return heard, socket.cuts, [socket.told.get_nowait()["type"] for _ in range(socket.told.qsize())]

    assert ([], ["cut"], ["websocket.accept"]) == run(main)


async def _all(line):
    return [message async for message in line.messages()]


def test_a_line_that_is_cut(run, new_socket):
    """What waits is not sent any more."""

    async def main():
        socket = new_socket()
        line = await opened(socket)
        socket.reads.clear()
        line.send("a", "b")
        await asyncio.sleep(0)
        line.cut()
        said = [message async for message in line.messages()]
        await line.gone()
        return said, socket.cuts, len(line.waiting)

    assert ([], ["cut"], 0) == run(main)
