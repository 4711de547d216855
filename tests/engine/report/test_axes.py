"""Where things stand on a chart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.report.axes import Tick, TimeAxis, number_ticks, thinned, time_ticks

START = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def minutes(start, count):
    return [start + number * MINUTE for number in range(count)]


def texts(axis, **more):
    return [tick.text for tick in time_ticks(axis, **more)]


def test_time_passes_evenly():
    """Half of the time is half of the way, and what is outside stands at the end."""
    axis = TimeAxis(minutes(START, 101))

    assert [0.0, 0.5, 1.0] == [axis.place(START + number * MINUTE) for number in (0, 50, 100)]
    assert (0.0, 1.0) == (axis.place(START - DAY), axis.place(START + DAY))


def test_nights_are_folded_away():
    """Two sessions of a hundred minutes stand side by side, a step apart; the night is where the first ends."""
    axis = TimeAxis([*minutes(START, 101), *minutes(START + DAY, 101)])
    night = axis.place(START + 6 * timedelta(hours=1))

    assert pytest.approx(100 / 201) == night == axis.place(START + 100 * MINUTE)
    assert pytest.approx(101 / 201) == axis.place(START + DAY)
    assert 1.0 == axis.place(START + DAY + 100 * MINUTE)
    assert 200 * MINUTE == axis.drawn


def test_short_holes_are_time():
    """Half an hour without bars is drawn as half an hour."""
    axis = TimeAxis([*minutes(START, 31), *minutes(START + 60 * MINUTE, 31)])

    assert 0.5 == axis.place(START + 45 * MINUTE)


@pytest.mark.parametrize("moments", [[START], [START, START]])
def test_one_moment_is_an_axis(moments):
    """Everything stands at its beginning."""
    axis = TimeAxis(moments)

    assert (0.0, 0.0) == (axis.place(START), axis.place(START + DAY))
    assert len(time_ticks(axis)) <= 1


def test_ticks_of_hours():
    """A session day has its full hours; its one day need not be named."""
    assert ["15:00", "16:00", "17:00", "18:00", "19:00", "20:00", "21:00"] == texts(TimeAxis(minutes(START, 391)))


def test_ticks_name_a_new_day():
    """Where the day changes it is named, alone at midnight."""
    axis = TimeAxis(minutes(START.replace(hour=18, minute=0), 12 * 60 + 1) + [START + 2 * DAY])

    assert ["2 Jan 18:00", "21:00", "3 Jan", "03:00", "06:00"] == texts(axis, count=4)


def test_ticks_of_days():
    """Days stand where they begin: at midnight, or where their session does."""
    week = [moment for day in (0, 1, 2, 3, 6, 7, 8) for moment in minutes(START + day * DAY, 391)]
    ticks = time_ticks(TimeAxis(week))
    axis = TimeAxis(week)

    assert ["2 Jan", "3 Jan", "4 Jan", "5 Jan", "8 Jan", "9 Jan", "10 Jan"] == [tick.text for tick in ticks]
    for tick, day in zip(ticks, (0, 1, 2, 3, 6, 7, 8), strict=True):
        assert pytest.approx(axis.place(START + day * DAY), abs=0.001) == tick.place


def test_ticks_of_a_market_that_never_closes():
    """Midnights, a round number of days apart, however late the first bar is."""
    first = datetime(2024, 1, 1, 22, 0, tzinfo=UTC)
    axis = TimeAxis([first + number * timedelta(hours=1) for number in range(20 * 24)])
    ticks = time_ticks(axis)

    assert ["2 Jan", "6 Jan", "10 Jan", "14 Jan", "18 Jan"] == [tick.text for tick in ticks]
    assert pytest.approx(axis.place(datetime(2024, 1, 10, tzinfo=UTC))) == ticks[2].place


def test_ticks_of_seconds_and_of_years():
    """The finest and the widest steps are round too, and never too many."""
    fine = TimeAxis([START + number * timedelta(seconds=1) for number in range(31)])
    wide = TimeAxis([START + number * DAY for number in range(3650)])

    assert ["14:30:00", "14:30:05", "14:30:10"] == texts(fine)[:3]
    assert 2 <= len(time_ticks(wide)) <= 12


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 10, ["0", "2", "4", "6", "8", "10"]),
        (99_850, 100_120, ["99,900", "100,000", "100,100"]),
        (-0.21, 0, ["−0.20", "−0.15", "−0.10", "−0.05", "0.00"]),
        (1e-8, 3e-8, ["0.000000010", "0.000000015", "0.000000020", "0.000000025", "0.000000030"]),
    ],
)
def test_ticks_of_numbers(low, high, expected):
    """Values 1, 2 or 5 times a power of ten apart, with the decimals they need."""
    assert expected == [tick.text for tick in number_ticks(low, high)]


def test_ticks_stand_where_their_number_is():
    """Places go from the bottom to the top."""
    assert [Tick(0.0, "0"), Tick(0.5, "50"), Tick(1.0, "100")] == number_ticks(0, 100, 2)


@pytest.mark.parametrize("high", [5.0, 4.0, float("nan")])
def test_no_span_no_ticks(high):
    """From a value to itself, or to less, there is nothing to mark."""
    assert [] == number_ticks(5.0, high)


def test_few_points_stay():
    """A curve of two points a pixel is drawn as it is."""
    assert [0, 1, 2, 3] == thinned([0, 0.3, 0.6, 1], [1, 2, 3, 4], 2)


def test_no_spike_vanishes():
    """Of a hundred thousand points the one that sticks out is kept, and the ends, and not much else."""
    count = 100_000
    values = [0.0] * count
    values[31_415], values[92_653] = 7.0, -7.0
    kept = thinned([number / (count - 1) for number in range(count)], values, 1000)

    assert {0, 31_415, 92_653, count - 1} <= set(kept)
    assert len(kept) <= 4 * 1001
    assert kept == sorted(set(kept))
