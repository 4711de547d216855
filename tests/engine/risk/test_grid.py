"""Multiples of a step, and prices on a table of ticks."""

from __future__ import annotations

from decimal import Decimal, DecimalException, localcontext

import pytest

from engine.errors import InvalidRequest
from engine.risk.grid import (
    Tick,
    ceil_to,
    check_ticks,
    floor_to,
    next_above,
    next_below,
    off_grid,
    off_tick,
    round_down,
    round_up,
    steps_up,
    tick_at,
)

D = Decimal
SHARES = (Tick(size=D("0.0001")), Tick(start=D(1), size=D("0.01")))
ODD = (Tick(size=D("0.3")), Tick(start=D(1), size=D("0.25")), Tick(start=D(6), size=D(2)))


def test_floor_and_ceil():
    """The multiples of a step on both sides of a value; a value that is one stays."""
    assert (D("0.0012"), D("0.0013")) == (floor_to(D("0.00125678"), D("0.0001")), ceil_to(D("0.00125678"), D("0.0001")))
    assert (D("0.3"), D("0.3")) == (floor_to(D("0.3"), D("0.1")), ceil_to(D("0.3"), D("0.1")))
    assert (D(0), D(50)) == (floor_to(D(30), D(50)), ceil_to(D(30), D(50)))
    assert (D(3), D(3)) == (steps_up(D("0.3"), D("0.1")), steps_up(D("0.21"), D("0.1")))


def test_multiples_are_found_by_value():
    """Not by the number of digits: 4500.13 is off a tick of 0.25."""
    assert (True, False, False) == (
        off_grid(D("4500.13"), D("0.25")),
        off_grid(D("4500.250"), D("0.25")),
        off_grid(D("0.3"), D("0.1")),
    )


def test_huge_values_keep_every_digit():
    """Whatever the caller's context is: 31 digits and nine places are counted exactly."""
    value = D("1234567890123456789012345678901.1234567895")
    with localcontext() as context:
        context.prec = 5

        assert D("1234567890123456789012345678901.123456789") == floor_to(value, D("1E-9"))
        assert D("1234567890123456789012345678901.123456790") == ceil_to(value, D("1E-9"))


def test_what_cannot_be_counted_is_not_rounded():
    """A value with more than 400 digits of steps is an error, never another value."""
    with pytest.raises(DecimalException):
        floor_to(D("1E+500"), D("1E-9"))
    with pytest.raises(DecimalException):
        floor_to(D("9" * 300), D("1." + "3" * 200))


@pytest.mark.parametrize(
    ("price", "down", "up"),
    [
        ("11.055", "11.05", "11.06"),
        ("290.123", "290.12", "290.13"),
        ("0.60134", "0.6013", "0.6014"),
        ("0.99996", "0.9999", "1.00"),
        ("1.00", "1.00", "1.00"),
        ("0.00004", "0", "0.0001"),
        ("1.0001", "1.00", "1.01"),
    ],
)
def test_bands_of_shares(price, down, up):
    """Below a dollar prices have four places, from a dollar on two; one step leads over the border."""
    assert (D(down), D(up)) == (round_down(SHARES, D(price)), round_up(SHARES, D(price)))


@pytest.mark.parametrize(
    ("price", "down", "up"),
    [("0.95", "0.9", "1"), ("1.1", "1", "1.25"), ("5.9", "5.75", "6"), ("7", "6", "8"), ("0.1", "0", "0.3")],
)
def test_bands_that_do_not_divide_each_other(price, down, up):
    """Rounding up stops at the next band's start, and rounding down stays in the band."""
    assert (D(down), D(up)) == (round_down(ODD, D(price)), round_up(ODD, D(price)))


def test_neighbours():
    """The next price on both sides, over the border of a band too."""
    assert (D("1.00"), D("1.01"), D("1.26")) == (
        next_above(SHARES, D("0.9999")),
        next_above(SHARES, D(1)),
        next_above(SHARES, D("1.2501")),
    )
    assert (D("0.9999"), D("1.00"), D("1.25")) == (
        next_below(SHARES, D(1)),
        next_below(SHARES, D("1.01")),
        next_below(SHARES, D("1.2501")),
    )
    assert (D(1), D("0.9"), D("5.75")) == (next_above(ODD, D("0.9")), next_below(ODD, D(1)), next_below(ODD, D(6)))
    assert next_below(SHARES, D("0.0001")) is None


def test_no_ticks():
    """Without a table every price is on the grid, and none has a neighbour."""
    price = D("1.23456789")

    assert not off_tick((), price)
    assert (price, price, None, None) == (
        round_down((), price),
        round_up((), price),
        next_above((), price),
        next_below((), price),
    )


def test_tick_at():
    """The start of a band belongs to it."""
    assert (D("0.0001"), D("0.01")) == (tick_at(SHARES, D("0.9999")), tick_at(SHARES, D(1)))


def test_a_band_starts_on_its_own_grid():
    """So that rounding never has to be done twice."""
    with pytest.raises(InvalidRequest, match=r"start = Decimal\('1.10'\): expected a multiple of the band's own size"):
        Tick(start=D("1.10"), size=D("0.25"))


@pytest.mark.parametrize("starts", [["1"], ["0", "2", "1"], ["0", "1", "1"]])
def test_bands_rise_from_nothing(starts):
    """A table that leaves a gap at the bottom, or is out of order, is refused."""
    with pytest.raises(InvalidRequest, match="bands whose starts rise from 0"):
        check_ticks(tuple(Tick(start=D(start), size=D(1)) for start in starts))
