"""
The same replay in other programs: 1-minute bars, SMA 20/50 cross, long only, 1 unit, closed on the opposite cross.

Both trade at the open of the bar after the cross, without fees. Only the run is timed: neither the import nor the
making of the bars is. What each program does within its run differs: backtesting.py also computes its statistics,
backtrader also reads the rows into its own lines; both are what a user waits for.
"""

from __future__ import annotations

import random
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from attrs import frozen

__all__ = ["FAST", "PEERS", "SLOW", "Bars", "backtesting_py", "backtrader", "bars_per_second", "random_walk"]

FAST, SLOW = 20, 50
CASH = 10_000_000.0


@frozen(kw_only=True)
class Bars:
    """Columns of n bars of one minute each, without gaps; prices in quote units, volume in base units."""

    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    volume: list[float]

    def __len__(self) -> int:
        return len(self.close)


def random_walk(count: int, *, seed: int = 1) -> Bars:
    """``count`` bars round 100, to the cent; the same seed gives the same bars."""
    draw = random.Random(seed)
    bars = Bars(open=[], high=[], low=[], close=[], volume=[])
    price = 100.0
    for _ in range(count):
        opening, price = price, max(1.0, round(price * (1 + draw.gauss(0, 0.0005)), 2))
        bars.open.append(opening)
        bars.high.append(round(max(opening, price) + abs(draw.gauss(0, 0.02)), 2))
        bars.low.append(round(min(opening, price) - abs(draw.gauss(0, 0.02)), 2))
        bars.close.append(price)
        bars.volume.append(float(draw.randint(100, 10_000)))
    return bars


def backtesting_py(bars: Bars, start: datetime) -> float:
    """
    Bars per second of backtesting.py.

    Raises:
        ModuleNotFoundError: It is not installed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peer's own affair
        from backtesting import Backtest, Strategy
        from backtesting.lib import crossover

        class Cross(Strategy):  # type: ignore[misc]
            def init(self) -> None:
                self.fast = self.I(average, self.data.Close, FAST)
                self.slow = self.I(average, self.data.Close, SLOW)

            def next(self) -> None:
                if not self.position and crossover(self.fast, self.slow):
                    self.buy(size=1)
                elif self.position and crossover(self.slow, self.fast):
                    self.position.close()

        def average(values: Any, length: int) -> Any:
            return values.s.rolling(length).mean()

        replay = Backtest(frame(bars, start), Cross, cash=CASH, finalize_trades=True)
        return rate(bars, replay.run)


def backtrader(bars: Bars, start: datetime) -> float:
    """
    Bars per second of backtrader, without its observers.

    Raises:
        ModuleNotFoundError: It is not installed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import backtrader as bt

        class Cross(bt.Strategy):  # type: ignore[misc]
            def __init__(self) -> None:
                fast = bt.indicators.SimpleMovingAverage(self.data.close, period=FAST)
                slow = bt.indicators.SimpleMovingAverage(self.data.close, period=SLOW)
                self.cross = bt.indicators.CrossOver(fast, slow)

            def next(self) -> None:
                if not self.position and self.cross[0] > 0:
                    self.buy(size=1)
                elif self.position and self.cross[0] < 0:
                    self.close()

        replay = bt.Cerebro(stdstats=False)
        replay.broker.setcash(CASH)
        replay.adddata(bt.feeds.PandasData(dataname=frame(bars, start), timeframe=bt.TimeFrame.Minutes))
        replay.addstrategy(Cross)
        return rate(bars, replay.run)


PEERS: dict[str, Callable[[Bars, datetime], float]] = {"backtesting.py": backtesting_py, "backtrader": backtrader}


def bars_per_second(bars: Bars, start: datetime) -> Iterator[tuple[str, float | None]]:
    """Each peer's name and its bars per second; None where it is not installed."""
    for name, peer in PEERS.items():
        try:
            yield name, peer(bars, start)
        except ModuleNotFoundError:
            yield name, None


def frame(bars: Bars, start: datetime) -> Any:
    """The bars as both peers take them."""
    import pandas

    index = pandas.DatetimeIndex([start.replace(tzinfo=None) + timedelta(minutes=each) for each in range(len(bars))])
    columns = {"Open": bars.open, "High": bars.high, "Low": bars.low, "Close": bars.close, "Volume": bars.volume}
    return pandas.DataFrame(columns, index=index)


def rate(bars: Bars, run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return len(bars) / (time.perf_counter() - began)
