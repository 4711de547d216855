"""Statistics by examples that can be worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import sqrt

import pytest

from engine.errors import InvalidRequest
from engine.model import Side
from engine.report.statistics import (
    Drawdown,
    Slip,
    Slippage,
    TradeFigures,
    drawdown,
    growth,
    returns,
    sharpe,
    slippage,
    sortino,
    trade_figures,
)
from engine.trade import ExitReason, Trade

D = Decimal
START = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def at(minute):
    return START + minute * MINUTE


def trade(number, profit, minutes=10):
    """A trade that was entered for 1000."""
    return Trade(
        number=number,
        symbol="SPY",
        side=Side.BUY,
        quantity=D(10),
        opened=at(0),
        closed=at(minutes),
        entry=D(100),
        exit=D(100) + D(profit) / 10,
        cost=D(1000),
        profit=D(profit),
        fees=D(0),
        reason=ExitReason.SIGNAL,
        orders=("a", "b"),
    )


# --- returns ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "expected"), [(100, 110, D("0.1")), (100, 100, D(0)), (100, -50, D("-1.5")), (0, 10, None)]
)
def test_growth(start, end, expected):
    """What money grew by as a share of it, exactly; of nothing there is no share."""
    assert expected == growth(D(start), D(end))


def test_returns_of_each_period():
    """100, 110, 99: up by a tenth, down by a tenth."""
    assert [pytest.approx(0.1), pytest.approx(-0.1)] == returns([D(100), D(110), D(99)])


def test_returns_end_where_nothing_is_left():
    """A period that begins with nothing has no return, and neither has what follows."""
    assert [-1.0] == returns([D(100), D(0), D(50)])
    assert [] == returns([D(100)])


def test_sharpe():
    """Returns of 1 % and 3 %: mean 2 %, sample deviation sqrt(2) %, times the root of 252."""
    assert pytest.approx(0.02 / sqrt(0.0002) * sqrt(252)) == sharpe([0.01, 0.03], per_year=252)
    assert pytest.approx(-2 / sqrt(2) * 2) == sharpe([-1.0, -3.0], per_year=4)


@pytest.mark.parametrize("ratios", [[], [0.01], [0.0, 0.0], [0.1, 0.1, 0.1]])
def test_sharpe_is_not_defined_without_deviation(ratios):
    """Fewer than two returns, or returns that are all equal, have no Sharpe ratio."""
    assert None is sharpe(ratios, per_year=252)


def test_sortino():
    """Returns of 3 %, -1 %, 1 %, -1 %: mean 0.5 %, downside sqrt((1 + 1) / 4) %."""
    assert pytest.approx(0.5 / sqrt(0.5) * sqrt(365)) == sortino([0.03, -0.01, 0.01, -0.01], per_year=365)


@pytest.mark.parametrize("ratios", [[], [-0.01], [0.01, 0.02], [0.0, 0.0]])
def test_sortino_is_not_defined_without_a_loss(ratios):
    """Fewer than two returns, or none below zero, have no Sortino ratio: it is not infinite."""
    assert None is sortino(ratios, per_year=252)


@pytest.mark.parametrize("per_year", [0, -1, float("inf"), float("nan")])
@pytest.mark.parametrize("ratio", [sharpe, sortino])
def test_a_year_has_periods(ratio, per_year):
    """A year of no periods is a mistake of the caller, and named."""
    with pytest.raises(InvalidRequest, match="per_year"):
        ratio([0.1, 0.2], per_year=per_year)


# --- drawdown ---------------------------------------------------------------------------------------------------------


def fallen(*equity):
    return drawdown([at(number) for number in range(len(equity))], [D(value) for value in equity])


def test_a_fall_and_its_recovery():
    """100, 120, 90, 110, 120: fell by 30, a quarter of 120, for three bars until it was back at 120."""
    expected = Drawdown(
        amount=D(30),
        ratio=D("0.25"),
        peak=at(1),
        trough=at(2),
        recovered=at(4),
        length=3 * MINUTE,
        steps=3,
        longest=3 * MINUTE,
    )

    assert expected == fallen(100, 120, 90, 110, 120)


def test_a_fall_without_recovery_lasts_to_the_end():
    """100, 80, 90, 99: not made up for; its length goes to the last value."""
    fall = fallen(100, 80, 90, 99)

    assert (D(20), at(0), at(1), None) == (fall.amount, fall.peak, fall.trough, fall.recovered)
    assert (3 * MINUTE, 3, 3 * MINUTE) == (fall.length, fall.steps, fall.longest)


def test_deepest_and_longest_may_be_different_falls():
    """A deep short fall gives amount and length, a shallow long one the longest time below a peak."""
    fall = fallen(100, 50, 100, 99, 99, 99, 101)

    assert (D(50), MINUTE * 2, 2) == (fall.amount, fall.length, fall.steps)
    assert (at(0), at(2), 4 * MINUTE) == (fall.peak, fall.recovered, fall.longest)


def test_a_later_deeper_fall_takes_over():
    """The recovery of an earlier fall is not taken for that of the deepest."""
    fall = fallen(100, 90, 100, 150, 120, 130)

    assert (D(30), D("0.2"), at(3), None) == (fall.amount, fall.ratio, fall.peak, fall.recovered)


def test_of_equal_falls_the_first_counts():
    """Its peak, its trough and its recovery are told."""
    fall = fallen(100, 90, 100, 110, 100)

    assert (at(0), at(1), at(2)) == (fall.peak, fall.trough, fall.recovered)


def test_money_and_ratio_are_each_the_deepest():
    """50 of 100 is half, 60 of 200 is more money."""
    fall = fallen(100, 50, 200, 140)

    assert (D(60), D("0.5")) == (fall.amount, fall.ratio)


@pytest.mark.parametrize("equity", [(), (100,), (100, 100), (100, 101, 105)])
def test_what_never_falls_has_no_drawdown(equity):
    """There is no peak, no trough and no time below one."""
    fall = fallen(*equity)

    assert (D(0), D(0), None, None, None) == (fall.amount, fall.ratio, fall.peak, fall.trough, fall.recovered)
    assert (timedelta(0), 0, timedelta(0)) == (fall.length, fall.steps, fall.longest)


# --- trades -----------------------------------------------------------------------------------------------------------


def test_figures_of_trades():
    """+30, -10, -20, 0, +50: two of five won, 80 against 30."""
    profits = (30, -10, -20, 0, 50)
    expected = TradeFigures(
        count=5,
        wins=2,
        losses=2,
        hit_rate=D("0.4"),
        profit_factor=D(80) / D(30),
        average_win=D(40),
        average_loss=D(-15),
        best=D(50),
        worst=D(-20),
        expectancy=D(10),
        payoff=D(40) / D(15),
        held=8 * MINUTE,
        losing_streak=2,
    )

    trades = [
        trade(number, profit, minutes)
        for number, profit, minutes in zip(range(5), profits, (10, 5, 5, 10, 10), strict=True)
    ]
    assert expected == trade_figures(trades)


def test_figures_of_no_trades():
    """What would be a share or an average of nothing is None."""
    told = trade_figures([])

    assert (0, 0, 0, 0) == (told.count, told.wins, told.losses, told.losing_streak)
    assert {None} == {told.hit_rate, told.profit_factor, told.average_win, told.average_loss, told.best}
    assert {None} == {told.worst, told.expectancy, told.payoff, told.held}


def test_only_wins_have_no_profit_factor():
    """Nothing was lost, so nothing can be divided by it."""
    told = trade_figures([trade(1, 10), trade(2, 20)])

    assert (D(1), None, None, None, D(15)) == (
        told.hit_rate,
        told.profit_factor,
        told.average_loss,
        told.payoff,
        told.average_win,
    )


# --- slippage ---------------------------------------------------------------------------------------------------------


def test_slip_counts_against_whoever_trades():
    """A purchase above and a sale below what was expected both cost; the other way round they save."""
    assert (D(5), D(50)) == _cost(Side.BUY, D("100.50"))
    assert (D(5), D(50)) == _cost(Side.SELL, D("99.50"))
    assert (D(-10), D(-100)) == _cost(Side.BUY, D(99))


def _cost(side, price):
    slip = Slip(side=side, quantity=D(10), expected=D(100), price=price)
    return slip.cost, slip.bps


def test_slippage_weighs_by_money():
    """10 at 100 cost 5 more, 30 at 100 cost nothing more: 5 of 4000 are 12.5 basis points."""
    found = slippage(
        [
            Slip(side=Side.BUY, quantity=D(10), expected=D(100), price=D("100.50")),
            Slip(side=Side.SELL, quantity=D(30), expected=D(100), price=D(100)),
        ]
    )

    assert Slippage(fills=2, cost=D(5), average=D("12.5"), worst=D(50)) == found


def test_slippage_of_nothing():
    """Without fills nothing was paid, and there is no average."""
    assert Slippage(fills=0, cost=D(0), average=None, worst=None) == slippage([])
