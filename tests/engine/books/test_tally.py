"""Falls of equity from its peak."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.books.tally import Tally

D = Decimal


def tallied(*equities):
    tally = Tally(D(100))
    for equity in equities:
        tally.take(D(equity))
    return tally


def test_a_new_tally_has_measured_nothing():
    """It begins with the equity as its peak, and without bars."""
    tally = Tally(D(100))

    assert (0, 0, D(100), D(0), D(0)) == (
        tally.bars,
        tally.exposed,
        tally.peak,
        tally.drawdown,
        tally.drawdown_ratio,
    )


@pytest.mark.parametrize(
    ("equities", "peak", "drawdown", "ratio"),
    [
        ([110, 120], 120, 0, "0"),
        ([90], 100, 10, "0.1"),
        ([90, 80, 95], 100, 20, "0.2"),
        ([90, 200, 170], 200, 30, "0.15"),
        ([60, 1000, 900], 1000, 100, "0.4"),
        ([100, 100], 100, 0, "0"),
        ([-50], 100, 150, "1.5"),
    ],
)
def test_the_deepest_fall_counts(equities, peak, drawdown, ratio):
    """Drawdown is the deepest fall below the peak before it; amount and ratio may come from different falls."""
    tally = tallied(*equities)

    assert (D(peak), D(drawdown), D(ratio)) == (tally.peak, tally.drawdown, tally.drawdown_ratio)


def test_without_a_peak_there_is_no_ratio():
    """Equity that never was above nothing has falls, but no ratio of them."""
    tally = Tally(D(0))
    tally.take(D(-5))

    assert (D(5), D(0)) == (tally.drawdown, tally.drawdown_ratio)
