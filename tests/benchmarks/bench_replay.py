"""
A replay: 500,000 prebuilt one-minute bars through SMA 20/50 with its fills, beside other programs on the same bars.

Our run keeps its journal in memory; orders, facts and books are as in any session. Each program runs in a process of
its own, so the peak memory is that of one run: the interpreter, the bars and what the run adds.
"""

from __future__ import annotations

import gc
import resource
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from multiprocessing import get_context
from typing import TypeVar

from engine.books.journal import Journal
from engine.calendar import AlwaysOpen
from engine.market.bars import Bar
from engine.session import MarketConfig, MarketData, PaperSession, SessionConfig
from engine.strategies.sma_cross import SmaCross
from peers_replay import FAST, PEERS, SLOW, random_walk
from result import Result

__all__ = ["NAME", "run"]

NAME = "replay"
BARS = 500_000
START = datetime(2024, 1, 1, tzinfo=UTC)
T = TypeVar("T")
REPEATS = 3  # the best of so many: the machine may be busy with other things


def run() -> Iterator[Result]:
    case = f"{BARS:,} bars, sma {FAST}/{SLOW}"
    ours = [_alone(ours_once) for _ in range(REPEATS)]
    rate, orders, before, after = max(ours)
    yield Result(bench=NAME, case=case, value=rate, unit="bars/s")
    yield Result(bench=NAME, case="orders filled in it", value=float(orders), unit="orders")
    yield Result(bench=NAME, case="peak memory with the bars", value=after, unit="MB")
    yield Result(bench=NAME, case="peak memory added by the run", value=after - before, unit="MB")
    for name in PEERS:
        try:
            value = max(_alone(peer_once, name) for _ in range(REPEATS))
        except ModuleNotFoundError:
            value = None
        yield Result(bench=NAME, case=case, value=value, unit="bars/s", peer=name)


def ours_once() -> tuple[float, int, float, float]:
    """Bars per second, orders filled, and peak MB before and after the run."""
    source, minute = random_walk(BARS), timedelta(minutes=1)
    bars: list[tuple[Bar, ...]] = []
    for number in range(BARS):
        start = START + number * minute
        values = (source.open, source.high, source.low, source.close, source.volume)
        bars.append((Bar("BTC/USD", start, start + minute, *(Decimal(str(value[number])) for value in values)),))
    del source
    with Journal(None) as journal:
        data = MarketData(START, bars, AlwaysOpen(), "", ("BTC/USD",))
        # The peers fill whole orders at the market's price.
        config = SessionConfig(market=MarketConfig(ideal=True))
        session = PaperSession(config, journal, data, strategy=SmaCross(fast=FAST, slow=SLOW))
        # Three million objects of ours that the collector would walk again and again; the peers hold arrays.
        gc.collect()
        gc.freeze()
        before = _peak_mb()
        began = time.perf_counter()
        result = session.run()
        seconds = time.perf_counter() - began
    return BARS / seconds, result.fills, before, _peak_mb()


def peer_once(name: str) -> float:
    """Bars per second of another program."""
    return PEERS[name](random_walk(BARS), START)


def _alone(work: Callable[..., T], *args: object) -> T:
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        return pool.submit(work, *args).result()


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
