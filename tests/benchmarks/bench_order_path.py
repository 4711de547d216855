"""
The way of one order: submit → gate → journal → simulated venue → fill → books.

"no disk" keeps the journal in memory. "durable" writes it to a file and waits for the disk before the order is sent;
the file lies in the folder that $TRADEBRIDGE_BENCH_DIR names, else where temporary files go.
"""

from __future__ import annotations

import gc
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from attrs import evolve

from engine.books.journal import Journal
from engine.brokers.simulated import SimulatedBroker
from engine.clock import SimulatedClock
from engine.execution import ExecutionEngine
from engine.facts import SessionStarted
from engine.market.bars import Bar
from engine.model import OrderRequest, Side, Status, TimeInForce
from engine.risk.gate import RiskGate
from engine.risk.protections import (
    CooldownPeriod,
    DailyLossLimit,
    LowProfitPairs,
    MaxDrawdown,
    MaxTradesPerDay,
    Protections,
    StoplossGuard,
    TradingWindow,
    VolatilityHalt,
)
from engine.risk.symbols import US_EQUITY, SymbolTable
from result import Result

__all__ = ["NAME", "run"]

NAME = "order_path"
ORDERS = 20_000
DURABLE = 2_000
START = datetime(2024, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PRICE = Decimal("100.00")
PLAIN = RiskGate()
# Nothing of it minds: each order goes through all of it.
GUARDED = RiskGate(
    symbols=SymbolTable([evolve(US_EQUITY, symbol="X")]),
    protections=Protections(
        (
            StoplossGuard(trade_limit=1_000_000),
            MaxDrawdown(max_drawdown=Decimal("0.5")),
            LowProfitPairs(required_profit=Decimal(-100)),
            CooldownPeriod(min_loss=Decimal(10_000)),
            DailyLossLimit(max_loss_ratio=Decimal("0.5")),
            MaxTradesPerDay(max_trades=10_000_000),
            TradingWindow(after_open=timedelta(0), before_close=timedelta(0)),
            VolatilityHalt(max_deviation=Decimal("0.5"), lock_for=timedelta(0)),
        )
    ),
)


def run() -> Iterator[Result]:
    alone = min(statistics.fmean(round_trips(None, ORDERS, 1)) for _ in range(3))
    yield Result(bench=NAME, case="one order, no disk, mean", value=alone * 1e6, unit="us")
    guarded = min(statistics.fmean(round_trips(None, ORDERS, 1, GUARDED)) for _ in range(3))
    case = "one order, no disk, mean, rules of the symbol and 8 protections"
    yield Result(bench=NAME, case=case, value=guarded * 1e6, unit="us")
    together = min(statistics.fmean(round_trips(None, ORDERS, 10)) / 10 for _ in range(3))
    yield Result(bench=NAME, case="submit_many(10), no disk, mean an order", value=together * 1e6, unit="us")
    with tempfile.TemporaryDirectory(dir=os.environ.get("TRADEBRIDGE_BENCH_DIR")) as folder:
        single = sorted(round_trips(Path(folder) / "single.sqlite", DURABLE, 1))
        yield Result(bench=NAME, case="one order, durable, p50", value=single[len(single) // 2] * 1e3, unit="ms")
        yield Result(bench=NAME, case="one order, durable, p99", value=single[len(single) * 99 // 100] * 1e3, unit="ms")
        many = sorted(round_trips(Path(folder) / "many.sqlite", DURABLE * 5, 10))
        middle = many[len(many) // 2] / 10
        yield Result(bench=NAME, case="submit_many(10), durable, p50 an order", value=middle * 1e6, unit="us")
        mean = statistics.fmean(many) / 10
        yield Result(bench=NAME, case="submit_many(10), durable, mean an order", value=mean * 1e6, unit="us")
        commit = sorted(commits(Path(folder) / "commit.sqlite", DURABLE))
        middle = commit[len(commit) // 2] * 1e3
        yield Result(bench=NAME, case="a commit of two rows alone, p50", value=middle, unit="ms")


def round_trips(path: Path | None, orders: int, at_once: int, gate: RiskGate = PLAIN) -> list[float]:
    """Seconds from the submit of ``at_once`` orders until the books hold all their fills, for each lot of them."""
    with Journal(path) as journal:
        clock = SimulatedClock(START)
        broker = SimulatedBroker(clock)
        engine = ExecutionEngine(broker, feed=broker, journal=journal, gate=gate, clock=clock)
        engine.start(SessionStarted(at=START, session_id="bench", cash=Decimal(1_000_000), config="{}", data_digest=""))
        engine.saw("X", PRICE, START)
        took: list[float] = []
        gc.collect()
        for number in range(orders // at_once):
            start = START + number * MINUTE
            bar = (Bar("X", start, start + MINUTE, PRICE, PRICE, PRICE, PRICE, Decimal(1)),)
            side = Side.SELL if number % 2 else Side.BUY
            requests = [OrderRequest.market("X", side, Decimal(1), time_in_force=TimeInForce.GTC)] * at_once
            began = time.perf_counter()
            tickets = engine.submit_many(requests)
            for _ in broker.play(bar):
                engine.step()
            engine.saw("X", PRICE, start + MINUTE)
            took.append(time.perf_counter() - began)
            assert all(ticket.status is Status.FILLED for ticket in tickets)
        return took


def commits(path: Path, count: int) -> list[float]:
    """Seconds for each commit of two facts: what the disk asks of a durable submit."""
    fact = SessionStarted(at=START, session_id="bench", cash=Decimal(1), config="x" * 400, data_digest="")
    took = []
    with Journal(path) as journal:
        for _ in range(count):
            began = time.perf_counter()
            journal.append(fact, START)
            journal.append(fact, START)
            journal.commit()
            took.append(time.perf_counter() - began)
    return took
