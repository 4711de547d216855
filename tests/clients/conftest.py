"""A venue that real clients trade at over real sockets; its time stands until the test moves it on."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from types import MappingProxyType
from typing import Any

import pytest

SERVED = Path(__file__).with_name("served_venue.py")
TUESDAY = datetime(2024, 1, 2, 15, 30, tzinfo=UTC)  # half past ten in New York
JOINED_WITHIN = 10.0  # seconds; only a broken test ever waits this long


@pytest.fixture
def threads() -> Iterator[list[Thread]]:
    """Threads of clients; they end when the venue has closed their connections."""
    begun: list[Thread] = []
    yield begun
    for thread in begun:
        thread.join(JOINED_WITHIN)
    assert [] == [thread.name for thread in begun if thread.is_alive()]


@pytest.fixture
def new_venue(threads: list[Thread]) -> Iterator[Callable[..., Any]]:
    """``new_venue(seed=2)``: stepped, with the hours of New York, half past ten unless ``start`` says so."""
    pytest.importorskip("starlette")
    pytest.importorskip("uvicorn")
    from bridge.venue.market import Still
    from bridge.venue.paper_venue import PaperVenue
    from bridge.venue.recipe import Recipe

    with ExitStack() as stack:

        def made(*, start: datetime = TUESDAY, **more: Any) -> Any:
            recipe = Recipe(**{"market": Still(start), "every": None, "hours": "exchange"} | more)
            return stack.enter_context(PaperVenue(recipe, speed=None))

        yield made


@pytest.fixture
def venue(new_venue: Callable[..., Any]) -> Any:
    return new_venue()


@pytest.fixture
def minutes(tmp_path: Path) -> Callable[..., Path]:
    """``minutes("AAPL", (open, high, low, close, volume), …)``: a file of bars, from half past ten on."""

    def written(symbol: str, *bars: tuple[float, float, float, float, float]) -> Path:
        path = tmp_path / f"{symbol.replace('/', '')}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["timestamp", "open", "high", "low", "close", "volume"])
            for number, bar in enumerate(bars):
                rows.writerow([(TUESDAY + number * timedelta(minutes=1)).isoformat(), *bar])
        return path

    return written


class Host:
    """A process that serves venues, one at a time, and is told what to do by lines of text."""

    def __init__(self) -> None:
        # The client's own packages, where they are put in front, are not the venue's.
        spec = find_spec("bridge")
        assert spec is not None and spec.origin is not None
        env = os.environ | {"PYTHONPATH": str(Path(spec.origin).parents[1])}
        self._process = subprocess.Popen(
            [sys.executable, str(SERVED)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
        )

    def ask(self, what: str, **more: object) -> Any:
        """Have it done, and return what it answers."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": what} | more) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the venue has ended"
        return json.loads(line)

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        ended = self._process.wait(JOINED_WITHIN)
        self._process.stdout.close()
        assert 0 == ended


class ServedVenue:
    """
    A venue in another process.

    Attributes:
        url, key, secret: Where it is, and whose account there is.
    """

    def __init__(self, host: Host, *, start: datetime, requests: int, bars: Mapping[str, Path]) -> None:
        self._ask = host.ask
        files = {symbol: str(path) for symbol, path in bars.items()}
        said = self._ask("begin", start=start.isoformat(), requests=requests, bars=files)
        self.url, self.key, self.secret = said["url"], said["key"], said["secret"]

    def step(self, seconds: float | None = None, *, to: datetime | None = None) -> None:
        self._ask("step", seconds=seconds, to=None if to is None else to.isoformat())

    def price(self, symbol: str, price: str) -> None:
        self._ask("price", symbol=symbol, price=price)

    def wait_listening(self, *, path: str = "/stream") -> None:
        self._ask("wait_listening", path=path)


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    host = Host()
    yield host
    host.close()


@pytest.fixture
def new_served_venue(threads: list[Thread], host: Host) -> Iterator[Callable[..., ServedVenue]]:
    """
    As `new_venue`, for clients that cannot be installed beside the venue.

    ``new_served_venue(bars={"AAPL": path})`` plays a file.
    """

    def made(
        *, start: datetime = TUESDAY, requests: int = 200, bars: Mapping[str, Path] = MappingProxyType({})
    ) -> ServedVenue:
        return ServedVenue(host, start=start, requests=requests, bars=bars)

    yield made
    host.ask("end")


@pytest.fixture
def served_venue(new_served_venue: Callable[..., ServedVenue]) -> ServedVenue:
    return new_served_venue()
