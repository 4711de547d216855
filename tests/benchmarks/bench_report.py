"""The report of a long session: 45,000 one-minute bars from a file, a thousand fills and more, from folder to page."""

from __future__ import annotations

import csv
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from engine.clock import SystemClock
from engine.report.export import save_csv
from engine.report.folder import REPORT, read_session, save_report
from engine.report.summary import save, summarise
from engine.report.tables import tables
from engine.session import MarketConfig, SessionConfig, StrategyConfig, open_session
from peers_replay import random_walk
from result import Result

__all__ = ["NAME", "run"]

NAME = "report"
BARS = 45_000
START = datetime(2024, 1, 1, tzinfo=UTC)
REPEATS = 3  # the best of so many: the machine may be busy with other things


def run() -> Iterator[Result]:
    case = f"{BARS:,} bars"
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder, "session")
        fills = _session(Path(folder, "bars.csv"), directory)
        took = [_timed(directory) for _ in range(REPEATS)]
        size = (directory / REPORT).stat().st_size
        began = time.perf_counter()
        save_csv(tables(read_session(directory).history).values(), directory / "csv")
        exported = time.perf_counter() - began
    yield Result(bench=NAME, case=f"{case}: folding journal and bars", value=min(fold for fold, _ in took), unit="s")
    yield Result(bench=NAME, case=f"{case}: the page", value=min(page for _, page in took), unit="s")
    yield Result(bench=NAME, case=f"{case}: in all", value=min(map(sum, took)), unit="s")
    yield Result(bench=NAME, case=f"{case}: with tables as CSV instead of the page", value=exported, unit="s")
    yield Result(bench=NAME, case="size of the page", value=size / 1024, unit="kB")
    yield Result(bench=NAME, case="fills in it", value=float(fills), unit="fills")


def _timed(directory: Path) -> tuple[float, float]:
    """Seconds for the fold, and for the page from there."""
    began = time.perf_counter()
    session = read_session(directory)
    folded = time.perf_counter()
    save_report(session, directory / REPORT)
    return folded - began, time.perf_counter() - folded


def _session(bars: Path, directory: Path) -> int:
    """Play a random walk with crossing averages; how many fills it came to."""
    source = random_walk(BARS)
    with bars.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["timestamp", "open", "high", "low", "close", "volume"])
        for number, values in enumerate(
            zip(source.open, source.high, source.low, source.close, source.volume, strict=True)
        ):
            rows.writerow([(START + number * timedelta(minutes=1)).isoformat(), *map(str, values)])
    config = SessionConfig(
        market=MarketConfig(bars=str(bars), symbol="BTC/USD", fee_bps=Decimal(2)),
        strategy=StrategyConfig(settings={"fast": 20, "slow": 50}),
    )
    session = open_session(config, directory)
    result = session.run()
    session.journal.close()
    save(summarise(result, SystemClock()), directory)
    return result.fills
