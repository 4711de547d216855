"""The charts of a history: equity, drawdown, prices with their fills, profit of each trade."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate, groupby
from math import ceil, floor

from attrs import frozen

from engine.model import Side
from engine.report import words
from engine.report.axes import Tick, TimeAxis, number_ticks, time_ticks
from engine.report.history import Fill, History, Lock
from engine.report.svg import Chart
from engine.trade import Trade

__all__ = ["drawdown_chart", "equity_chart", "in_words", "price_chart", "profit_chart", "trades_in_a_bar"]

_MARKS = 160  # places for marks across a chart, one of each side in each
_MANY = 120  # marks; from there on they are small
_BARS = 400  # of profit; with more trades each bar sums several


def equity_chart(told: History, axis: TimeAxis) -> str:
    """Equity, with the level that it started from and the locks behind it."""
    values = [float(equity) for equity in told.curve.equity]
    chart = _chart("Equity over time", values, height=230)
    _lay_locks(chart, told.locks, axis)
    chart.time_axis(time_ticks(axis))
    chart.level(values[0])
    places = [axis.place(at) for at in told.curve.at]
    low, _ = _limits(values)
    chart.area(places, [low] * len(values), values, "under")
    chart.line(places, values, "equity", name="Equity")
    return chart.svg()


def drawdown_chart(told: History, axis: TimeAxis) -> str:
    """How far equity is below its highest value so far, percent of that."""
    values = [float(equity) for equity in told.curve.equity]
    fallen = [
        (value / peak - 1) * 100 if peak > 0 else 0.0
        for value, peak in zip(values, accumulate(values, max), strict=True)
    ]
    low = min(min(fallen) * 1.08, -0.01)
    chart = Chart("Drawdown over time", height=84, low=low, high=0.0)
    chart.value_axis(number_ticks(low, 0.0, 3), " %")
    _lay_locks(chart, told.locks, axis)
    chart.time_axis(time_ticks(axis))
    places = [axis.place(at) for at in told.curve.at]
    chart.area(places, fallen, [0.0] * len(fallen), "fallen")
    chart.line(places, fallen, "drawdown", name="Drawdown", decimals=2, unit=" %")
    return chart.svg()


def price_chart(told: History, symbol: str, axis: TimeAxis) -> str:
    """A symbol's price from low to high and at its closes, its fills, and the locks that kept it out."""
    prices = told.prices[symbol]
    chart = _chart(f"Price of {symbol} with fills", [*prices.low, *prices.high], height=230)
    _lay_locks(chart, [lock for lock in told.locks if lock.lock.symbol in (None, symbol)], axis)
    chart.time_axis(time_ticks(axis))
    places = [axis.place(at) for at in prices.at]
    chart.area(places, prices.low, prices.high, "range")
    chart.line(places, prices.close, "close", name="Close", decimals=_decimals(prices.close))
    _lay_fills(chart, [fill for fill in told.fills if fill.symbol == symbol and fill.price is not None], axis)
    return chart.svg()


def profit_chart(trades: Sequence[Trade]) -> str:
    """A bar for the profit of each of n >= 1 trades, in the order in which they closed."""
    together = trades_in_a_bar(len(trades))
    groups = [trades[first : first + together] for first in range(0, len(trades), together)]
    sums = [float(sum(trade.profit for trade in group)) for group in groups]
    low, high = min(0.0, *sums), max(0.0, *sums)
    room = (high - low) * 0.06 or 1.0
    low, high = low - room if low else low, high + room if high else high
    if low == high:
        high = 1.0
    chart = Chart("Profit of each trade", height=150, low=low, high=high)
    chart.value_axis(number_ticks(low, high, 4))
    chart.level(0.0, "zero")
    chart.time_axis([Tick((number - 0.5) / len(trades), f"{number:,}") for number in _round_numbers(len(trades))])
    for number, (group, profit) in enumerate(zip(groups, sums, strict=True)):
        slot = 1 / len(groups)
        room = max(slot * 0.15, slot / 2 - 0.012)  # a few trades do not become walls
        kind = "win" if profit > 0 else "loss"
        left, right = number * slot + room, (number + 1) * slot - room
        chart.bar(left, right, profit, kind, _trades_in_words(group))
    return chart.svg()


def trades_in_a_bar(count: int) -> int:
    """How many trades each bar of the `profit_chart` of so many sums."""
    return ceil(count / _BARS)


def in_words(lock: Lock) -> str:
    """A lock in one line: what kept whom out, from when to when, and why."""
    fact = lock.lock
    whom = fact.symbol or "all symbols"
    if fact.side is not None:
        whom += f", {fact.side.value} only"
    text = (
        f"{fact.protection} keeps out {whom} from {words.moment(fact.at)} to {words.moment(fact.until)}: {fact.reason}"
    )
    return text if lock.released is None else f"{text}; released {words.moment(lock.released)}: {lock.why}"


# --- parts ------------------------------------------------------------------------------------------------------------


@frozen
class _Mark:
    place: float
    price: float
    title: str


def _round_numbers(count: int) -> list[int]:
    """Up to ten round numbers from 1 to ``count``, 1 the first."""
    step = next(step for power in range(12) for step in (10**power, 2 * 10**power, 5 * 10**power) if count / step <= 8)
    return sorted({1, *range(step, count + 1, step)} - ({step} if 1 < step < 3 else set()))


def _limits(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = (high - low) * 0.06 or abs(high) * 0.01 or 1.0
    return low - room, high + room


def _chart(title: str, values: Sequence[float], *, height: int) -> Chart:
    low, high = _limits(values)
    chart = Chart(title, height=height, low=low, high=high)
    chart.value_axis(number_ticks(low, high, 6))
    return chart


def _decimals(prices: Sequence[float]) -> int:
    """How many decimals prices of that size are read with."""
    size = max(prices)
    return 2 if size >= 100 else 4 if size >= 1 else 8


def _lay_locks(chart: Chart, locks: Sequence[Lock], axis: TimeAxis) -> None:
    for lock in locks:
        left, right = axis.place(lock.lock.at), axis.place(lock.end)
        chart.band(left, right, "lock", in_words(lock))


def _lay_fills(chart: Chart, fills: Sequence[Fill], axis: TimeAxis) -> None:
    """A mark for each fill; those of one side that would cover each other share one at their average price."""
    marks: list[tuple[str, _Mark]] = []
    for side, shape in ((Side.BUY, "buy"), (Side.SELL, "sell")):
        own = [fill for fill in fills if fill.side is side and fill.quantity]
        for _, near in groupby(own, key=lambda fill: floor(axis.place(fill.at) * _MARKS)):
            marks.append((shape, _mark(side, list(near), axis)))
    size = "s" if len(marks) > _MANY else ""
    for shape, mark in sorted(marks, key=lambda each: each[1].place):
        chart.mark(mark.place, mark.price, shape + size, mark.title)


def _mark(side: Side, fills: list[Fill], axis: TimeAxis) -> _Mark:
    quantity = sum((abs(fill.quantity) for fill in fills), Decimal(0))
    average = sum((abs(fill.cost) for fill in fills), Decimal(0)) / quantity
    what = f"{side.value} {words.quantity(quantity)} at {words.price(average)}, {words.moment(fills[0].at)}"
    if len(fills) > 1:
        what = f"{len(fills)} fills: {what} to {words.moment(fills[-1].at)}"
    else:
        what += f", order {fills[0].order_id}"
    return _Mark(axis.place(fills[len(fills) // 2].at), float(average), what)


def _trades_in_words(trades: Sequence[Trade]) -> str:
    first, last = trades[0], trades[-1]
    profit = words.money(sum((trade.profit for trade in trades), Decimal(0)), signed=True)
    if len(trades) > 1:
        return f"trades {first.number} to {last.number}: {profit} together"
    way = "long" if first.side is Side.BUY else "short"
    return (
        f"trade {first.number}: {profit} ({words.percent(first.ratio, signed=True)}), {way} "
        f"{words.quantity(first.quantity)} {first.symbol}, {words.price(first.entry)} to {words.price(first.exit)}, "
        f"{words.duration(first.closed - first.opened)}, closed {words.moment(first.closed)} by {first.reason.value}"
    )
