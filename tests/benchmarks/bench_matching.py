"""Matching and market data: bars read, bars played past resting orders, a market order filled."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from engine.market.bars import read_bars
from engine.market.liquidity import BarLiquidity, Depth
from engine.market.matching import Assumption, Matcher, WorkingOrder
from engine.market.prices import TakerCosts
from engine.market.ticks import read_ticks
from engine.model import Cost, OrderRequest, Side, TimeInForce
from peers_replay import random_walk
from result import Result
from timing import best_mean

__all__ = ["NAME", "run"]

NAME = "matching"
ROWS = 200_000
AT = datetime(2024, 1, 1, tzinfo=UTC)
LOW, HIGH = Decimal(99), Decimal(101)


def run() -> Iterator[Result]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bars.csv"
        _write(path)
        began = time.perf_counter()
        count = sum(1 for _ in read_bars(path, "X"))
        rate = count / (time.perf_counter() - began)
    yield Result(bench=NAME, case=f"{ROWS:,} bars from CSV", value=rate, unit="bars/s")
    for resting in (0, 1, 100):
        matcher = Matcher()
        for number in range(resting):
            price = Decimal(50) - Decimal(number) / 100
            request = OrderRequest.limit("X", Side.BUY, Decimal(1), price, time_in_force=TimeInForce.GTC)
            matcher.add(f"r{number}", request, AT)
        matcher.advance("X", LOW, AT, jump=True)
        moves = [(LOW if number % 2 else HIGH, AT + timedelta(seconds=number)) for number in range(5_000)]
        seconds = best_mean(lambda move, matcher=matcher: matcher.advance("X", *move, jump=False), moves)
        yield Result(bench=NAME, case=f"one leg past {resting} resting limits", value=seconds * 1e6, unit="us")
    request = OrderRequest.market("X", Side.BUY, Decimal(1), time_in_force=TimeInForce.GTC)
    for case, matcher in (("", Matcher()), (", with the default models", _truthful())):
        seconds = best_mean(lambda number, matcher=matcher: _fill(matcher, request, number), range(10_000))
        yield Result(bench=NAME, case=f"a market order added and filled{case}", value=seconds * 1e6, unit="us")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trades.csv"
        _write_trades(path)
        began = time.perf_counter()
        count = sum(len(bar.ticks) for bar in read_ticks(path, "X"))
        rate = count / (time.perf_counter() - began)
    yield Result(bench=NAME, case=f"{ROWS:,} trades from CSV, made into bars", value=rate, unit="trades/s")


def _fill(matcher: Matcher, request: OrderRequest, number: int) -> None:
    matcher.add(f"m{number}", request, AT)
    at = AT + timedelta(seconds=number)
    while matcher.advance("X", HIGH, at, jump=True) is not None:
        pass


def _truthful() -> Matcher:
    """With what a session assumes by default, and volume enough."""
    liquidity = BarLiquidity(Depth(participation=Decimal("0.1"), queue=Decimal(1)))
    liquidity.begin("X", Decimal(1_000_000))
    costs = TakerCosts(spread=Decimal(2), slippage=Decimal(1))

    def paid(
        order: WorkingOrder, quantity: Decimal, price: Decimal, assumption: Assumption
    ) -> tuple[Decimal, tuple[Cost, ...]]:
        volume = liquidity.volume(order.request.symbol, buying=order.buying)
        return costs.paid(price, quantity, volume, buying=order.buying, limit=order.limit)

    return Matcher(liquidity, paid)


def _write_trades(path: Path) -> None:
    source = random_walk(ROWS)
    with path.open("w") as file:
        file.write("timestamp,price,size\n")
        for number in range(ROWS):
            at = (AT + timedelta(seconds=number)).isoformat()
            file.write(f"{at},{source.close[number]},{source.volume[number] or 1}\n")


def _write(path: Path) -> None:
    source = random_walk(ROWS)
    with path.open("w") as file:
        file.write("timestamp,open,high,low,close,volume\n")
        for number in range(ROWS):
            at = (AT + timedelta(minutes=number)).isoformat()
            values = (source.open, source.high, source.low, source.close, source.volume)
            file.write(",".join([at, *(str(column[number]) for column in values)]) + "\n")
