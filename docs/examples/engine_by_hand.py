"""The engine without a session: its parts put together by hand, three bars, and the books afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from engine.books.journal import Journal
from engine.brokers.simulated import SimulatedBroker
from engine.clock import SimulatedClock
from engine.execution import ExecutionEngine
from engine.facts import SessionStarted
from engine.market.bars import Bar
from engine.market.fees import BasisPoints
from engine.model import Exits, OrderRequest, Side, TimeInForce
from engine.risk.gate import RiskGate

START = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def bar(number: int, *prices: str) -> Bar:
    opening, high, low, close = map(Decimal, prices)
    begin = START + number * MINUTE
    return Bar("ACME", begin, begin + MINUTE, opening, high, low, close, Decimal(1_000))


BARS = [
    bar(0, "100.00", "100.50", "99.50", "100.20"),
    bar(1, "100.20", "101.00", "100.10", "100.90"),
    bar(2, "100.90", "103.00", "100.80", "102.70"),
]

clock = SimulatedClock(START)
broker = SimulatedBroker(clock, fees=BasisPoints(rate=Decimal(1)))
journal = Journal(None)  # in memory; with a path it is durable
engine = ExecutionEngine(broker, feed=broker, journal=journal, gate=RiskGate(fee_rate=Decimal("0.0001")), clock=clock)
engine.start(SessionStarted(at=START, session_id="byhand", cash=Decimal(10_000), config="", data_digest=""))
portfolio = engine.books.portfolio

ticket = None
for each in BARS:
    for _ in broker.play((each,)):  # stops behind every event
        engine.step()
    engine.saw(each.symbol, each.close, each.end)
    if ticket is None:  # sent after the first bar, so it meets the open of the second
        exits = Exits(take_profit=Decimal("102.50"), stop_loss=Decimal("99.00"))
        ticket = engine.submit(
            OrderRequest.market("ACME", Side.BUY, Decimal(50), exits=exits, time_in_force=TimeInForce.GTC)
        )
    engine.step()

for order in engine.books.tracker:
    print(
        f"{order.id:<12} {order.side.value:<4} {order.filled} of {order.quantity} at {order.average}  {order.evidence}"
    )
print(f"cash {portfolio.cash}, equity {portfolio.equity()}, fees {portfolio.fees}, profit {portfolio.profit()}")
print(f"{len(journal)} facts in the journal")
journal.close()
