"""Writing and reading the journal: a fact in memory, a durable commit, a fold of everything."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from engine.books.journal import Journal
from engine.facts import OrderReported
from engine.model import Execution, Side, VenueStatus
from result import Result
from timing import best_mean

__all__ = ["NAME", "run"]

NAME = "journal"
FACTS = 50_000
COMMITS = 1_000
AT = datetime(2024, 1, 1, tzinfo=UTC)


def run() -> Iterator[Result]:
    fact = _fact()
    with Journal(None) as journal:
        seconds = best_mean(lambda _: journal.append(fact, AT), range(FACTS))
    yield Result(bench=NAME, case="append of a fill, in memory", value=seconds * 1e6, unit="us")
    with tempfile.TemporaryDirectory(dir=os.environ.get("TRADEBRIDGE_BENCH_DIR")) as folder:
        for rows in (1, 10):
            with Journal(Path(folder) / f"{rows}.sqlite") as journal:
                took = [_commit(journal, fact, rows) for _ in range(COMMITS)]
            middle = statistics.median(took) * 1e3
            yield Result(bench=NAME, case=f"durable commit of {rows}, p50", value=middle, unit="ms")
            late = sorted(took)[len(took) * 99 // 100] * 1e3
            yield Result(bench=NAME, case=f"durable commit of {rows}, p99", value=late, unit="ms")
        with Journal(Path(folder) / "read.sqlite") as journal:
            for _ in range(FACTS):
                journal.append(fact, AT)
            journal.commit()
            began = time.perf_counter()
            count = sum(1 for _ in journal.entries())
            rate = count / (time.perf_counter() - began)
    yield Result(bench=NAME, case=f"reading {FACTS:,} facts back, checked", value=rate, unit="facts/s")


def _commit(journal: Journal, fact: OrderReported, rows: int) -> float:
    began = time.perf_counter()
    for _ in range(rows):
        journal.append(fact, AT)
    journal.commit()
    return time.perf_counter() - began


def _fact() -> OrderReported:
    one, price = Decimal("0.25"), Decimal("43210.75")
    execution = Execution(id="x1", cumulative=one, quantity=one, price=price, at=AT, position_after=one)
    return OrderReported(
        at=AT,
        client_order_id="tb0123abcd-1",
        broker_order_id="sim-1",
        symbol="BTC/USD",
        side=Side.BUY,
        status=VenueStatus.FILLED,
        quantity=one,
        cumulative=one,
        average=price,
        execution=execution,
    )
