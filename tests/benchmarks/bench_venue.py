"""
Alpaca on localhost over real sockets: orders from one and from eight clients, events to one and to twenty listeners.

The venue has a process of its own and so has each client, which writes and reads bytes and understands next to nothing
of them: it takes a tenth of what an order takes the venue. On a machine with few cores they share them all the same; so
the venue's own processor time is a figure of its own.
"""

from __future__ import annotations

import importlib.util
import json
import multiprocessing
import os
import selectors
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from attrs import frozen

from result import Result

__all__ = ["NAME", "run"]

NAME = "venue"
KEYS = b"apca-api-key-id: PAPERKEY\r\napca-api-secret-key: papersecret\r\n"
ORDERS = 2000
CLIENTS = 8
LISTENERS = 20
BURST = 2000
MANY = 100_000
SPAWN = multiprocessing.get_context("spawn")


def run() -> Iterator[Result]:
    if importlib.util.find_spec("uvicorn") is None:
        print(f"{NAME}: starlette and uvicorn are not installed, left out", file=sys.stderr)
        return
    for parser in ("httptools", "h11"):
        if importlib.util.find_spec(parser) is not None:
            with venue(parser) as server:
                yield from _round_trips(server, f", {parser}")
    with venue() as server:
        yield from _to_the_fill(server)
    for count in (1, LISTENERS):
        with venue() as server:
            yield _fan_out(server, count)
    with venue() as server:
        yield _memory(server)


# --- what is measured -------------------------------------------------------------------------------------------------


def _round_trips(server: Server, how: str) -> Iterator[Result]:
    with closing(Wire(server.port)) as wire:
        clock = _request("GET", "/v2/clock")
        for _ in range(200):
            wire.ask(clock)
        times = [_timed(wire.ask, clock) for _ in range(ORDERS)]
    yield from _spread(f"GET /v2/clock{how}", times, percentiles=(50,))
    for count in (1, CLIENTS):
        times, wall, used = _crowd(server, count)
        who = f"{count} client{'s' * (count > 1)}{how}"
        yield Result(bench=NAME, case=f"POST of an order, {who}", value=len(times) / wall, unit="requests/s")
        yield from _spread(f"POST of an order to its answer, {who}", times)
        if count == 1:
            case = f"of that: processor time of the venue{how}"
            yield Result(bench=NAME, case=case, value=used / len(times) * 1e6, unit="us")


def _crowd(server: Server, count: int) -> tuple[list[float], float, float]:
    """Seconds of each order, of all together, and of the server's processor."""
    barrier = SPAWN.Barrier(count + 1)
    ends = [SPAWN.Pipe(duplex=False) for _ in range(count)]
    each = ORDERS // count
    clients = [SPAWN.Process(target=_trade, args=(server.port, each, barrier, end)) for _, end in ends]
    for client in clients:
        client.start()
    barrier.wait(60)
    before, began = server.used(), time.perf_counter()
    times = [moment for end, _ in ends for moment in end.recv()]
    wall, used = time.perf_counter() - began, server.used() - before
    for client in clients:
        client.join(60)
    return times, wall, used


def _trade(port: int, count: int, barrier: Any, end: Connection) -> None:
    orders = [_order(side) for side in ("buy", "sell")]
    with closing(Wire(port)) as wire:
        for number in range(20):
            wire.ask(orders[number % 2])
        barrier.wait(60)
        end.send([_timed(wire.ask, orders[number % 2]) for number in range(count)])


def _to_the_fill(server: Server) -> Iterator[Result]:
    times = []
    with closing(Wire(server.port)) as wire, closing(Ear(server.port)) as ear:
        for number in range(ORDERS + 100):
            order = _order("sell" if number % 2 else "buy")
            began = time.perf_counter()
            wire.post(order)
            ear.wait(number + 1)
            times.append(time.perf_counter() - began)
            wire.answer()
    yield from _spread("POST of an order to the frame of its fill, 1 client", times[100:])


def _fan_out(server: Server, count: int) -> Result:
    """A price fills many orders at once, and everybody is told."""
    with closing(Wire(server.port)) as wire, selectors.DefaultSelector() as selector:
        for _ in range(BURST):
            wire.ask(_order("buy", type="limit", limit_price="10"))
        wire.ask(_admin("step", {"seconds": 1}))
        ears = [Ear(server.port) for _ in range(count)]
        for ear in ears:
            selector.register(ear.socket, selectors.EVENT_READ, ear)
        began = time.perf_counter()
        wire.post(_admin("price", {"symbol": "F", "price": 9, "jump": True}))
        while any(ear.heard < BURST for ear in ears):
            for key, _ in selector.select(60):
                key.data.read()
        seconds = time.perf_counter() - began
        wire.answer()
        for ear in ears:
            ear.close()
    who = f"{count} listener{'s' * (count > 1)}"
    return Result(
        bench=NAME, case=f"fills told to {who}, from the price on", value=BURST * count / seconds, unit="events/s"
    )


def _memory(server: Server) -> Result:
    orders = [_order(side) for side in ("buy", "sell")]
    with closing(Wire(server.port)) as wire:
        for number in range(100):
            wire.ask(orders[number % 2])
        before = server.memory()
        for number in range(MANY):
            wire.ask(orders[number % 2])
        wire.ask(_admin("step", {"seconds": 1}))
        after = server.memory()
    return Result(
        bench=NAME, case=f"memory of {MANY:,} filled orders, all sent over HTTP", value=after - before, unit="MB"
    )


def _timed(work: Callable[[bytes], object], argument: bytes) -> float:
    began = time.perf_counter()
    work(argument)
    return time.perf_counter() - began


def _spread(case: str, times: Sequence[float], *, percentiles: Sequence[int] = (50, 99)) -> Iterator[Result]:
    ordered = sorted(times)
    for percent in percentiles:
        value = ordered[len(ordered) * percent // 100] * 1e6
        yield Result(bench=NAME, case=f"{case}, p{percent}", value=value, unit="us")


# --- the venue, in a process of its own -------------------------------------------------------------------------------


@frozen
class Server:
    port: int
    pid: int

    def used(self) -> float:
        """Seconds of the processor so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Megabytes that are resident."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


@contextmanager
def venue(parser: str = "auto") -> Iterator[Server]:
    """A venue of one account, whose orders take no time and whose market stands still."""
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=_serve, args=(theirs, parser))
    process.start()
    try:
        yield Server(port=ours.recv(), pid=process.pid or 0)
    finally:
        ours.send("stop")
        process.join(60)


def _serve(pipe: Connection, parser: str) -> None:
    if parser == "h11":
        sys.modules["httptools"] = None  # type: ignore[assignment]  # as if it were not installed
    from datetime import UTC, datetime
    from decimal import Decimal

    from bridge.venue.core import Trader
    from bridge.venue.frictions import Terms
    from bridge.venue.limits import RateLimit
    from bridge.venue.market import Still
    from bridge.venue.paper_venue import PaperVenue
    from bridge.venue.recipe import Recipe

    recipe = Recipe(
        traders=(Trader(key="PAPERKEY", secret="papersecret", cash=Decimal(10**9)),),
        market=Still(datetime(2026, 1, 2, 15, tzinfo=UTC)),
        every=None,
        terms=Terms(latency=(0.0, 0.0)),
        rate=RateLimit(requests=10**9),
    )
    with PaperVenue(recipe, speed=None, token="token") as server:
        pipe.send(server.port)
        pipe.recv()


# --- clients that understand next to nothing --------------------------------------------------------------------------


def _request(method: str, path: str, body: bytes = b"", headers: bytes = KEYS) -> bytes:
    line = f"{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n"
    return line.encode() + headers + b"\r\n" + body


def _order(side: str, **more: str) -> bytes:
    order = {"symbol": "F", "qty": "1", "side": side, "type": "market", "time_in_force": "gtc"} | more
    return _request("POST", "/v2/orders", json.dumps(order).encode())


def _admin(path: str, body: dict[str, Any]) -> bytes:
    return _request("POST", f"/_venue/{path}", json.dumps(body).encode(), b"x-venue-token: token\r\n")


class Wire:
    """A connection that is asked one thing after the other."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        self._socket.close()

    def ask(self, request: bytes) -> bytes:
        self.post(request)
        return self.answer()

    def post(self, request: bytes) -> None:
        self._socket.sendall(request)

    def answer(self) -> bytes:
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more()
        head = data[:end].lower()
        assert head.startswith(b"http/1.1 2"), data
        wanted = end + 4 + int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        while len(data) < wanted:
            data += self._more()
        return data

    def _more(self) -> bytes:
        data = self._socket.recv(65_536)
        assert data, "the venue has closed the connection"
        return data


class Ear:
    """
    A listener to the user stream that counts fills.

    Attributes:
        heard: How many it has heard of.
    """

    _FILL = b'"event":"fill"'

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.heard = 0
        self._rest = b""
        self.socket.sendall(
            b"GET /stream HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
            b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        self._until(b"\r\n\r\n")
        self._say({"action": "auth", "key": "PAPERKEY", "secret": "papersecret"})
        self._until(b'"authorized"')
        self._say({"action": "listen", "data": {"streams": ["trade_updates"]}})
        self._until(b'"listening"')

    def close(self) -> None:
        self.socket.close()

    def wait(self, count: int) -> None:
        while self.heard < count:
            self.read()

    def read(self) -> None:
        data = self._rest + self.socket.recv(262_144)
        self.heard += data.count(self._FILL)
        # What may be the beginning of another one.
        self._rest = data[max(data.rfind(self._FILL) + len(self._FILL), len(data) - len(self._FILL) + 1) :]

    def _say(self, frame: dict[str, Any]) -> None:
        data = json.dumps(frame).encode()
        length = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2, "big")
        self.socket.sendall(b"\x81" + length + b"\0\0\0\0" + data)  # a mask of zeros

    def _until(self, words: bytes) -> None:
        data = b""
        while words not in data:
            data += self.socket.recv(65_536)
