"""
A venue in a process of its own, and whoever does the venue harm.

TRADEBRIDGE_FUZZ_SECONDS says how long each test tries; without it two seconds with always the same harm, with it new
harm each time.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from decimal import Decimal
from http.client import HTTPConnection
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import pytest

ASKED = os.environ.get("TRADEBRIDGE_FUZZ_SECONDS")
SECONDS = float(ASKED or 2)
ANSWERED_WITHIN = 5.0
ENDED_WITHIN = 30.0  # what was broken off may be waited for so long
MORE = 48 * 2**20  # bytes that the process may grow by, whatever was sent
MORE_A_REQUEST = 12_000  # and for each that was good, with the orders that it has made
PAPER = {"APCA-API-KEY-ID": "PAPERKEY", "APCA-API-SECRET-KEY": "papersecret"}
NEIGHBOUR = {"APCA-API-KEY-ID": "NEIGHBOUR", "APCA-API-SECRET-KEY": "neighbours-secret"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """As much time for each as was asked for, where tests have a limit."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            # A megabyte may be what breaks it; and it is the thread of the neighbour that throws dice meanwhile.
            item.add_marker(pytest.mark.filterwarnings("ignore:Generating overly large repr"))
            item.add_marker(pytest.mark.filterwarnings("ignore:Do not use the .random. module inside strategies"))
            if find_spec("pytest_timeout"):
                item.add_marker(pytest.mark.timeout(SECONDS + 120))


def now() -> float:
    return time.monotonic()  # noqa: TID251


class Rig:
    """
    The venue as its owner has it.

    Attributes:
        figures: How much was done to it, by name.
    """

    def __init__(self, *, speed: float | None, state: Path | None = None) -> None:
        self.token = "t0ken-of-the-fuzz"
        made = {"speed": speed, "token": self.token, "state": None if state is None else str(state)}
        command = [sys.executable, str(Path(__file__).with_name("venue_process.py")), json.dumps(made)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        self.figures: dict[str, int] = {}
        self.port = json.loads(self._line())["port"]
        for _ in range(50):
            self.well()
        self.before = self.stands()

    def _line(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.stderr and self.process.stderr.read()
        return line

    def count(self, what: str, many: int = 1) -> None:
        self.figures[what] = self.figures.get(what, 0) + many

    def stands(self) -> dict[str, Any]:
        """How the process fares, see venue_process.py."""
        assert self.process.stdin is not None
        self.process.stdin.write("?\n")
        self.process.stdin.flush()
        told: dict[str, Any] = json.loads(self._line())
        return told

    @property
    def logged(self) -> str:
        """What was logged so far, for a test that fails."""
        return "\n".join(self.stands()["logged"])[-5000:]

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """A sane request, answered in time."""
        raw = None if body is None else json.dumps(body)
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=ANSWERED_WITHIN)) as connection:
            connection.request(method, path, raw, PAPER | headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")

    def owner(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        return self.ask(method, f"/_venue/{path}", body, **{"X-Venue-Token": self.token})

    def well(self) -> None:
        """It answers, and as always."""
        assert 200 == self.ask("GET", "/v2/clock")[0]

    def connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=ANSWERED_WITHIN)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def check(self) -> None:
        """Nothing was left behind, and nothing was logged."""
        before, after, until = self.before, self.stands(), now() + ENDED_WITHIN
        while now() < until and any(after[name] > before[name] for name in ("tasks", "descriptors", "connections")):
            after = self.stands()
        print(f"\n{self.figures}\nbefore {before}\nafter  {after}")

        assert [] == after["logged"]
        assert {name: before[name] for name in _LEAKS} == {name: after[name] for name in _LEAKS}
        assert after["rss"] - before["rss"] < MORE + MORE_A_REQUEST * after["inputs"]

    def end(self) -> None:
        _, told = self.process.communicate(timeout=ENDED_WITHIN)
        assert 0 == self.process.returncode, told[-6000:]


_LEAKS = ("tasks", "threads", "descriptors", "connections")


@pytest.fixture(scope="module")
def new_rig() -> Iterator[Callable[..., Rig]]:
    """``new_rig(speed=60)``: a venue, ended with the module's tests."""
    for package in ("starlette", "uvicorn", "websockets", "hypothesis"):
        pytest.importorskip(package)
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs /proc")
    rigs: list[Rig] = []

    def made(**more: Any) -> Rig:
        rigs.append(Rig(**more))
        return rigs[-1]

    yield made
    for rig in rigs:
        rig.end()


@pytest.fixture(scope="session")
def fuzzed() -> Callable[..., None]:
    """``fuzzed(strategy, act)``: do to the venue what the strategy gives, until the time is over."""
    hypothesis = pytest.importorskip("hypothesis")

    def run(strategy: Any, act: Callable[[Any], None]) -> None:
        ends = now() + SECONDS
        fresh = int.from_bytes(os.urandom(4), "big") if ASKED else 0
        seeds = count(int(os.environ.get("TRADEBRIDGE_FUZZ_SEED", fresh)))

        @hypothesis.settings(
            max_examples=25,
            deadline=None,
            database=None,
            derandomize=False,  # the seed below decides
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(strategy)
        def holds(step: Any) -> None:
            act(step)

        while now() < ends:
            hypothesis.seed(next(seeds))(holds)()

    return run


# --- somebody who trades beside it ------------------------------------------------------------------------------------


class Neighbour(threading.Thread):
    """Buys and sells a share all the while, and hears of it."""

    def __init__(self, rig: Rig) -> None:
        super().__init__(name="neighbour", daemon=True)
        self.rig = rig
        self.told: list[tuple[str, str]] = []
        self.placed: dict[str, None] = {}
        self.error: BaseException | None = None
        self._enough = threading.Event()

    def run(self) -> None:
        try:
            self._trade()
        except BaseException as error:  # noqa: BLE001 - raised by who joins it
            self.error = error

    def _trade(self) -> None:
        from websockets.sync.client import connect

        url = f"ws://127.0.0.1:{self.rig.port}/stream"
        key, secret = NEIGHBOUR.values()
        with connect(url, compression=None, proxy=None, open_timeout=ANSWERED_WITHIN) as stream:
            stream.send(json.dumps({"action": "auth", "key": key, "secret": secret}))
            stream.send(json.dumps({"action": "listen", "data": {"streams": ["trade_updates"]}}))
            for _ in range(2):
                stream.recv(timeout=ANSWERED_WITHIN)
            while not self._enough.wait(0.01) or len(self.placed) % 2:  # who fuzzes needs the machine too
                side = ("buy", "sell")[len(self.placed) % 2]
                order = {"symbol": "AAPL", "qty": "3", "side": side, "type": "market", "time_in_force": "day"}
                status, answer = self.rig.ask("POST", "/v2/orders", order, **NEIGHBOUR)
                assert 200 == status, answer
                self.placed[answer["id"]] = None
                while self._hear(stream, answer["id"]) != "fill":
                    pass

    def _hear(self, stream: Any, order: str) -> str:
        data = json.loads(stream.recv(timeout=ANSWERED_WITHIN))["data"]
        assert data["order"]["id"] == order
        if data["event"] in ("fill", "partial_fill"):
            self.told.append((data["execution_id"], data["qty"]))
        return str(data["event"])

    def undisturbed(self) -> None:
        """What it was told is what the venue's books say."""
        self._enough.set()
        self.join(ENDED_WITHIN)
        if self.error is not None:
            raise self.error
        _, books = self.rig.owner("GET", "oracle")
        mine = books["accounts"]["NEIGHBOUR"]
        self.rig.count("orders of the neighbour", len(self.placed))
        executed = [each for each in mine["executions"] if each["order_id"] in self.placed]
        status = {order["status"] for order in mine["orders"] if order["id"] in self.placed}

        assert [(each["execution_id"], each["qty"]) for each in executed] == self.told
        assert {} == mine["positions"]
        assert status <= {"filled"}
        assert Decimal(3) * len(self.placed) == sum(Decimal(qty) for _, qty in self.told)


@pytest.fixture(scope="session")
def neighbour() -> Callable[[Rig], AbstractContextManager[None]]:
    """``with neighbour(rig):`` somebody trades there, and is undisturbed at the end of the block."""

    @contextmanager
    def trading(rig: Rig) -> Iterator[None]:
        thread = Neighbour(rig)
        thread.start()
        try:
            yield
        finally:
            thread.undisturbed()

    return trading
