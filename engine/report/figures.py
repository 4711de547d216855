"""The figures of a history: which periods its returns are counted in, and everything that the statistics say of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from attrs import frozen

from engine.calendar import Calendar
from engine.model import ZERO
from engine.report import statistics
from engine.report.history import Curve, History
from engine.report.statistics import Drawdown, Slippage, TradeFigures

__all__ = ["Figures", "figures", "session_days"]

_DAY = timedelta(days=1)
_MOMENT = timedelta(microseconds=1)
_ENOUGH_DAYS = 5  # returns; below that the bars say more than the days


@frozen(kw_only=True)
class Figures:
    """
    Attributes:
        start, end: Equity, quote units.
        growth: What it grew by, 0.01 = 1 %.
        period: What the returns below are of: "session days", "UTC days", "bars of 1 min"; None: there are none.
        periods: How many of them there are.
        per_year: How many of them a year is taken to have.
        sharpe, sortino: Annualised.
        exposure: Share of the bars that ended with a position open, 0 to 1; None: no bars.
        modelled: By model what a simulated venue's assumptions (spread, slippage, …) made fills dearer by, quote units.
        market: By symbol what buying at the first bar's close and holding to the last would have grown by.
    """

    start: Decimal
    end: Decimal
    growth: Decimal | None
    period: str | None
    periods: int
    per_year: float | None
    sharpe: float | None
    sortino: float | None
    drawdown: Drawdown
    exposure: Decimal | None
    trades: TradeFigures
    slippage: Slippage
    modelled: Mapping[str, Decimal]
    market: Mapping[str, float]


def figures(told: History) -> Figures:
    """
    All figures of a history.

    Returns are those of the session days (UTC days where the market never closes) if there are at least five, else
    those of the bars. A year has 365 days in a market that never closes, 252 in any other.
    """
    curve = told.curve
    period: str | None = None
    per_year: float | None = None
    ratios: list[float] = []
    if curve.by_bar and told.calendar is not None and told.width is not None:
        days = session_days(curve, told.calendar)
        length = _session_length(told.calendar, curve.at[0])
        round_the_clock = length >= _DAY
        per_year = 365 if round_the_clock else 252
        period, equity = "UTC days" if round_the_clock else "session days", days
        if len(days) <= _ENOUGH_DAYS:
            period, equity = f"bars of {_in_words(told.width)}", curve.equity
            per_year *= length / told.width
        ratios = statistics.returns(equity)
    bars = len(curve.at) - 1
    return Figures(
        start=curve.equity[0],
        end=curve.equity[-1],
        growth=statistics.growth(curve.equity[0], curve.equity[-1]),
        period=period,
        periods=len(ratios),
        per_year=per_year,
        sharpe=None if per_year is None else statistics.sharpe(ratios, per_year=per_year),
        sortino=None if per_year is None else statistics.sortino(ratios, per_year=per_year),
        drawdown=statistics.drawdown(curve.at, curve.equity),
        exposure=Decimal(curve.exposed) / bars if curve.by_bar and bars else None,
        trades=statistics.trade_figures(told.trades),
        slippage=statistics.slippage(slip for fill in told.fills if (slip := fill.slip) is not None),
        modelled=_modelled(told),
        market={symbol: prices.close[-1] / prices.close[0] - 1 for symbol, prices in told.prices.items()},
    )


def session_days(curve: Curve, calendar: Calendar) -> list[Decimal]:
    """
    Equity at the start and at the end of each session day.

    A value from outside all sessions counts to the day before it.
    """
    found = [curve.equity[0]]
    day: datetime | None = None
    for at, equity in zip(curve.at[1:], curve.equity[1:], strict=True):
        session = calendar.session_at(at - _MOMENT)  # a bar's end is the first moment behind it
        if session is not None and session.open != day:
            day = session.open
            found.append(equity)
        elif len(found) > 1:
            found[-1] = equity
        else:
            found.append(equity)
    return found


def _modelled(told: History) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for fill in told.fills:
        for cost in fill.costs:
            found[cost.model] = found.get(cost.model, ZERO) + cost.amount
    return found


def _session_length(calendar: Calendar, at: datetime) -> timedelta:
    session = calendar.session_at(at)
    return session.close - session.open if session is not None else timedelta(hours=6, minutes=30)


def _in_words(width: timedelta) -> str:
    for name, unit in (("d", _DAY), ("h", timedelta(hours=1)), ("min", timedelta(minutes=1))):
        if width % unit == timedelta(0):
            return f"{width // unit} {name}"
    return f"{width.total_seconds():g} s"
