"""Faults with time in the hands of the test."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.venue.faults.faults import Faults

START = datetime(2024, 1, 2, 15, tzinfo=UTC)


class Bench:
    """Faults, and the moment at which they are asked."""

    def __init__(self, *faults: Any, seed: int = 1) -> None:
        self.now = START
        self.faults = Faults(seed, faults, start=START)
        self.sent: list[tuple[float, str]] = []

    def at(self, seconds: float) -> Bench:
        self.now = START + timedelta(seconds=seconds)
        return self

    def __call__(self, method: str = "GET", path: str = "/v2/orders", account: str | None = "K", **more: Any) -> Any:
        return self.faults.request(method, path, account, self.now, **more)

    def opened(self, stream: str = "trades", **more: Any) -> Any:
        return self.faults.opened(stream, self.now, **more)

    def frame(self, connection: Any, event: str = "fill", number: int = 1, symbol: str = "AAPL") -> list[Any]:
        data = {"event": event, "event_id": f"{number}", "order": {"id": f"o{number}", "symbol": symbol}}
        return self.faults.frame("K", data, self.now, connection)

    def told(self, connection: Any, *numbers: int, event: str = "fill") -> list[tuple[float, str]]:
        """Delays and ids of what is sent of some frames."""
        out = [each for number in numbers for each in self.frame(connection, event, number)]
        return [(each.delay, each.data["event_id"]) for each in out]

    def due(self) -> list[Any]:
        return [due.action for due in self.faults.due(self.now)]

    @property
    def next(self) -> float | None:
        """Seconds from the start until something is due."""
        due = self.faults.next_due()
        return None if due is None else (due - START).total_seconds()

    @property
    def tripped(self) -> list[str]:
        return [trip.fault for trip in self.faults.tripped]


@pytest.fixture
def bench() -> Callable[..., Bench]:
    return Bench
