"""An execution engine at a fake venue, with time in the hands of a test."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from engine.books.journal import Entry, Journal
from engine.calendar import Calendar
from engine.clock import SimulatedClock
from engine.events import Event
from engine.execution import EngineSettings, ExecutionEngine
from engine.facts import Fact, SessionStarted, Synced
from engine.ports import Feed, Gate
from engine.risk.gate import RiskGate
from engine.testing.broker import FakeBroker
from engine.testing.clocks import ManualHostClock

__all__ = ["Desk"]

_NOON = datetime(2024, 1, 2, 12, tzinfo=UTC)


class Desk:
    """
    Everything that an engine needs, made for a test.

    Args:
        cash: What the session starts with, quote units.
        feed: None: the broker is its own feed.
        price: Mark of the symbol "X", quote units.
        calendar: None: the market never closes.

    Attributes:
        engine: The one that runs now; `restart` makes another.
        told: Every event that `run` was told.
        synced: What the first reconciliation found.
    """

    def __init__(
        self,
        *,
        cash: Decimal = Decimal(1_000_000),
        start: datetime = _NOON,
        gate: Gate | None = None,
        settings: EngineSettings | None = None,
        feed: Feed | None = None,
        price: Decimal = Decimal(10),
        calendar: Calendar | None = None,
    ) -> None:
        self.clock = SimulatedClock(start)
        self.host = ManualHostClock()
        self.broker = FakeBroker(self.clock)
        self.gate: Gate = gate or RiskGate()
        self.settings = settings
        self.feed = feed
        self.price = price
        self.calendar = calendar
        self.told: list[Event] = []
        self.journal = Journal(None)
        self.session = SessionStarted(at=start, session_id="tb", cash=cash, config="{}", data_digest="")
        self.engine = self._engine()
        self.synced: Synced | None = None

    def start(self) -> Desk:
        """Start the engine; the desk itself."""
        self.synced = self.engine.start(self.session)
        self.engine.books.portfolio.mark("X", self.price)
        return self

    def restart(self, survived: Iterable[Entry] | None = None) -> Desk:
        """
        Abandon the engine as a kill would, and start another on what was durable; the venue goes on.

        Args:
            survived: What was durable at the moment of the kill; None: what is now.
        """
        entries = list(self.journal.entries() if survived is None else survived)
        self.journal = Journal(None)
        for entry in entries:
            self.journal.append(entry.fact, entry.at)
        self.journal.commit()
        self.engine = self._engine()
        return self.start()

    def run(self, seconds: float = 0.0) -> list[Event]:
        """Let time pass, then step until nothing is left to tell; what was told."""
        if seconds:
            self.clock.advance_to(self.clock.now() + timedelta(seconds=seconds))
            self.host.advance(seconds)
        told: list[Event] = []
        while events := self.engine.step():
            told += events
        self.told += told
        return told

    def facts(self, *kinds: type[Fact]) -> list[Fact]:
        """The durable facts of these kinds (none given: all), oldest first."""
        return [entry.fact for entry in self.journal.entries() if not kinds or isinstance(entry.fact, kinds)]

    def calls(self, method: str) -> list[str]:
        """What the broker was called about, by that method."""
        return [about for called, about in self.broker.calls if called == method]

    def _engine(self) -> ExecutionEngine:
        return ExecutionEngine(
            self.broker,
            feed=self.feed or self.broker,
            journal=self.journal,
            gate=self.gate,
            calendar=self.calendar,
            clock=self.clock,
            host_clock=self.host,
            settings=self.settings,
        )
