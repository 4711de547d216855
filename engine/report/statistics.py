"""
The statistics of a session: returns, risk, trades and slippage, as pure functions.

Money and shares of money are `Decimal` and exact; what takes a root (Sharpe, Sortino) is float. What is not defined is
None, never 0 and never infinite: no trades have no hit rate, and returns that do not vary have no Sharpe ratio.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from math import fsum, sqrt

from attrs import frozen

from engine.errors import InvalidRequest
from engine.model import ZERO, Side
from engine.trade import Trade

__all__ = [
    "Drawdown",
    "Slip",
    "Slippage",
    "TradeFigures",
    "drawdown",
    "growth",
    "returns",
    "sharpe",
    "slippage",
    "sortino",
    "trade_figures",
]

_BASIS_POINTS = 10_000


# --- returns ----------------------------------------------------------------------------------------------------------


def growth(start: Decimal, end: Decimal) -> Decimal | None:
    """What ``start`` grew by, 0.01 = 1 %; None: it was not more than nothing."""
    return end / start - 1 if start > 0 else None


def returns(equity: Sequence[Decimal]) -> list[float]:
    """
    The return of each period.

    Args:
        equity: n values, at the beginning and at the end of each period, quote units.

    Returns:
        n - 1 ratios, 0.01 = 1 %; up to the first period that begins with nothing or less, from where there are none.
    """
    ratios: list[float] = []
    for before, after in pairwise(equity):
        if before <= 0:
            break
        ratios.append(float(after / before - 1))
    return ratios


def sharpe(ratios: Sequence[float], *, per_year: float) -> float | None:
    """
    Mean return over the deviation of the returns, annualised; money in hand is taken to earn nothing.

    Args:
        ratios: n >= 0 returns of equal periods.
        per_year: How many such periods a year has, > 0.

    Returns:
        mean / sample deviation (n - 1) × sqrt(per_year); None: fewer than two returns, or all are equal.
    """
    _check_per_year(per_year)
    if len(ratios) < 2 or min(ratios) == max(ratios):  # equal floats may have a tiny deviation from their mean
        return None
    mean = fsum(ratios) / len(ratios)
    deviation = sqrt(fsum((ratio - mean) ** 2 for ratio in ratios) / (len(ratios) - 1))
    return mean / deviation * sqrt(per_year) if deviation else None


def sortino(ratios: Sequence[float], *, per_year: float) -> float | None:
    """
    As `sharpe`, with the deviation of the losses below zero alone.

    Returns:
        mean / sqrt(mean of min(return, 0)²) × sqrt(per_year); None: fewer than two returns, or none is below zero.
    """
    _check_per_year(per_year)
    if len(ratios) < 2:
        return None
    downside = sqrt(fsum(min(ratio, 0.0) ** 2 for ratio in ratios) / len(ratios))
    return fsum(ratios) / len(ratios) / downside * sqrt(per_year) if downside else None


def _check_per_year(per_year: float) -> None:
    if not 0 < per_year < float("inf"):
        raise InvalidRequest("per_year", per_year, "a finite number > 0 of periods in a year")


# --- drawdown ---------------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Drawdown:
    """
    How far equity fell below its highest value so far.

    Attributes:
        amount: The deepest fall, quote units, >= 0; of two that are equal the first.
        ratio: The deepest fall as a share of its peak, 0.01 = 1 %; perhaps of another fall than ``amount``.
        peak, trough: When the fall of ``amount`` began and was deepest; None: equity never fell.
        recovered: When equity was back at that peak; None: it was not, or never fell.
        length: From that peak to the recovery, or to the end where there was none.
        steps: As ``length``, in values of the curve: bars, where there is one for each bar.
        longest: The longest time from any peak to its recovery or the end.
    """

    amount: Decimal
    ratio: Decimal
    peak: datetime | None
    trough: datetime | None
    recovered: datetime | None
    length: timedelta
    steps: int
    longest: timedelta


def drawdown(at: Sequence[datetime], equity: Sequence[Decimal]) -> Drawdown:
    """
    The deepest fall of a curve of equity.

    Args:
        at, equity: n >= 0 moments and values, oldest first, the one that the session started with included.
    """
    amount, ratio, longest = ZERO, ZERO, timedelta(0)
    top = peak = trough = 0  # indices: the running peak; where the deepest fall began and was deepest
    end: int | None = None  # where it was made up for
    for index in range(1, len(equity)):
        fall = equity[top] - equity[index]
        if fall <= 0:
            if index - top > 1:
                longest = max(longest, at[index] - at[top])
                if end is None:  # the deepest fall so far was the one from here
                    end = index
            top = index
            continue
        if fall > amount:
            amount, peak, trough, end = fall, top, index, None
        if equity[top] > 0:
            ratio = max(ratio, fall / equity[top])
    if len(equity) and top < len(equity) - 1:
        longest = max(longest, at[-1] - at[top])
    if not amount:
        nothing = timedelta(0)
        return Drawdown(
            amount=ZERO, ratio=ZERO, peak=None, trough=None, recovered=None, length=nothing, steps=0, longest=nothing
        )
    last = len(equity) - 1 if end is None else end
    return Drawdown(
        amount=amount,
        ratio=ratio,
        peak=at[peak],
        trough=at[trough],
        recovered=None if end is None else at[end],
        length=at[last] - at[peak],
        steps=last - peak,
        longest=longest,
    )


# --- trades -----------------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class TradeFigures:
    """
    What closed trades came to; money in quote units, after fees.

    Attributes:
        wins, losses: Trades with a profit above and below zero; the rest came out even.
        hit_rate: wins / count, 0 to 1.
        profit_factor: Sum of the profits over the sum of the losses; None: nothing was lost.
        average_win, average_loss: > 0 and < 0; None: there was none.
        expectancy: Average profit of a trade.
        payoff: average_win over what average_loss lost.
        held: Average time from a trade's first to its last fill.
        losing_streak: Most losses in a row.
    """

    count: int
    wins: int
    losses: int
    hit_rate: Decimal | None
    profit_factor: Decimal | None
    average_win: Decimal | None
    average_loss: Decimal | None
    best: Decimal | None
    worst: Decimal | None
    expectancy: Decimal | None
    payoff: Decimal | None
    held: timedelta | None
    losing_streak: int


def trade_figures(trades: Sequence[Trade]) -> TradeFigures:
    """The figures of n >= 0 closed trades, in the order in which they closed."""
    profits = [trade.profit for trade in trades]
    won = [profit for profit in profits if profit > 0]
    lost = [profit for profit in profits if profit < 0]
    gain, loss = sum(won, ZERO), -sum(lost, ZERO)
    average_win = gain / len(won) if won else None
    average_loss = -loss / len(lost) if lost else None
    streak = longest = 0
    for profit in profits:
        streak = streak + 1 if profit < 0 else 0
        longest = max(longest, streak)
    count = len(profits)
    return TradeFigures(
        count=count,
        wins=len(won),
        losses=len(lost),
        hit_rate=Decimal(len(won)) / count if count else None,
        profit_factor=gain / loss if loss else None,
        average_win=average_win,
        average_loss=average_loss,
        best=max(profits, default=None),
        worst=min(profits, default=None),
        expectancy=sum(profits, ZERO) / count if count else None,
        payoff=None if average_win is None or average_loss is None else average_win / -average_loss,
        held=sum((trade.closed - trade.opened for trade in trades), timedelta(0)) / count if count else None,
        losing_streak=longest,
    )


# --- slippage ---------------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Slip:
    """
    One fill, and the price that was to be expected.

    Attributes:
        quantity: Base units, > 0.
        expected, price: Quote units, > 0.
    """

    side: Side
    quantity: Decimal
    expected: Decimal
    price: Decimal

    @property
    def cost(self) -> Decimal:
        """What the fill cost more than expected, quote units; below zero: it was better."""
        return self.side.signed(self.quantity) * (self.price - self.expected)

    @property
    def bps(self) -> Decimal:
        """The same in basis points of what was expected."""
        return self.cost / (self.quantity * self.expected) * _BASIS_POINTS


@frozen(kw_only=True)
class Slippage:
    """
    How much worse than expected fills were; below zero: better.

    Attributes:
        fills: How many there are.
        cost: In all, quote units.
        average: Basis points of what was expected, large fills counting more; None: no fills.
        worst: Basis points of the worst one; None: no fills.
    """

    fills: int
    cost: Decimal
    average: Decimal | None
    worst: Decimal | None


def slippage(slips: Iterable[Slip]) -> Slippage:
    """What n >= 0 fills cost more than expected."""
    found = list(slips)
    cost = sum((slip.cost for slip in found), ZERO)
    expected = sum((slip.quantity * slip.expected for slip in found), ZERO)
    return Slippage(
        fills=len(found),
        cost=cost,
        average=cost / expected * _BASIS_POINTS if found else None,
        worst=max((slip.bps for slip in found), default=None),
    )
