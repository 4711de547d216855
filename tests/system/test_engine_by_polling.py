"""The engine alone, by polling: no stream tells it anything, and it still learns of every fill."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from engine.books.journal import Journal
from engine.books.recovery import recovered
from engine.brokers.polling import PollingFeed
from engine.clock import SimulatedClock
from engine.execution import ExecutionEngine
from engine.facts import SessionStarted
from engine.model import OrderRequest, Side, Status
from engine.risk.gate import RiskGate
from engine.testing import FakeBroker, ManualHostClock

START = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)


class Time(SimulatedClock):
    """Market time and the machine's time, which pass together."""

    def __init__(self):
        super().__init__(START)
        self.host = ManualHostClock()

    def sleep(self, seconds):
        super().sleep(seconds)
        self.host.advance(seconds)


def test_an_order_by_polling():
    """A fill that only listings show reaches the books, once, and `wait` returns with it."""
    clock = Time()
    broker = FakeBroker(clock)
    broker.muted = True
    feed = PollingFeed(broker, clock, clock.host)
    with Journal(None) as journal:
        engine = ExecutionEngine(
            broker, feed=feed, journal=journal, gate=RiskGate(), clock=clock, host_clock=clock.host
        )
        engine.start(SessionStarted(at=START, session_id="tb", cash=Decimal(10_000), config="", data_digest=""))
        ticket = engine.submit(OrderRequest.limit("AAPL", Side.BUY, Decimal(10), Decimal(100)))
        waited_in_vain = engine.wait(ticket, 3.0)
        broker.fill(ticket.id, Decimal(4), Decimal("99.50"))
        broker.fill(ticket.id, Decimal(6), Decimal(100))
        waited = engine.wait(ticket, 3.0)
        engine.step()
        clock.sleep(2.0)
        engine.step()
        journal.commit()
        replayed = recovered(journal).fingerprint(venue=True)

    assert (False, True) == (waited_in_vain, waited)
    assert (Status.FILLED, Decimal("99.80"), Decimal(10)) == (ticket.status, ticket.average, engine.position("AAPL"))
    assert Decimal(10_000) - 998 == engine.books.portfolio.cash
    assert engine.books.fingerprint(venue=True) == replayed
