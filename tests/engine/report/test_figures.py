"""Which periods a history's figures are counted in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from attrs import evolve

from engine.calendar import AlwaysOpen, FixedCalendar, Session
from engine.report.figures import figures, session_days
from engine.report.history import Curve, history

D = Decimal
START = datetime(2024, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def curve(*equity, step=HOUR):
    at = [START + number * step for number in range(len(equity))]
    return Curve(at=at, equity=[D(value) for value in equity], exposed=0, by_bar=True)


def test_figures_of_the_script(full):
    """Every figure of the small session, each worked out by hand."""
    found = figures(full)

    assert (D(10_000), D("9938.34"), D("-0.006166")) == (found.start, found.end, found.growth)
    assert (D("0.8"), D("160.66")) == (found.exposure, found.drawdown.amount)
    assert (3, 1, 1) == (found.trades.count, found.trades.wins, found.trades.losses)
    assert (4, D(-30)) == (found.slippage.fills, found.slippage.cost)
    assert {"<b>X&Y</b>/USD": pytest.approx(-0.2)} == found.market


def test_few_days_are_counted_in_bars(full):
    """A session of minutes has the returns of its bars, and says how many a year has of them."""
    found = figures(full)

    assert ("bars of 1 min", 5, 365 * 24 * 60) == (found.period, found.periods, found.per_year)


@pytest.mark.parametrize(("days", "period", "periods"), [(5, "UTC days", 5), (4, "bars of 1 h", 96)])
def test_enough_days_are_counted_in_days(told, days, period, periods):
    """From five returns on it is the days that count."""
    values = [1000 + number % 7 for number in range(24 * days + 1)]
    found = figures(evolve(told, curve=curve(*values), width=HOUR, calendar=AlwaysOpen()))

    assert (period, periods) == (found.period, found.periods)


def test_days_of_a_session_calendar(told):
    """Sessions shorter than a day are 252 a year."""
    sessions = [Session(open=START + d * 24 * HOUR, close=START + (24 * d + 7) * HOUR) for d in range(6)]
    at = [START, *(START + (24 * day + hour) * HOUR for day in range(6) for hour in (3, 7))]
    equity = [D(100 + number) for number in range(13)]
    told = evolve(
        told,
        curve=Curve(at=at, equity=equity, exposed=0, by_bar=True),
        calendar=FixedCalendar(sessions),
        width=HOUR,
    )
    found = figures(told)

    assert ("session days", 6, 252) == (found.period, found.periods, found.per_year)


def test_equity_by_days():
    """The start, then the last value of each UTC day; midnight belongs to the day that it ends."""
    days = session_days(curve(*range(1, 50), step=HOUR), AlwaysOpen())

    assert [D(1), D(25), D(49)] == days


def test_what_is_outside_of_sessions_counts_to_the_day_before():
    """A bar after the close moves the equity of that day; one before the first open is a day of its own."""
    calendar = FixedCalendar([Session(open=START + 2 * HOUR, close=START + 4 * HOUR)])

    assert [D(1), D(3), D(6)] == session_days(curve(1, 2, 3, 4, 5, 6), calendar)


def test_without_bars_there_are_no_returns(play):
    """Equity at fills has a growth and a drawdown, but no periods, no ratios and no exposure."""
    journal, _ = play()
    found = figures(history(journal))

    assert {None} == {found.period, found.per_year, found.sharpe, found.sortino, found.exposure}
    assert (0, {}, D("-0.006166")) == (found.periods, found.market, found.growth)
