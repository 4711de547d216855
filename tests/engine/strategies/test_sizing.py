"""How much is bought: whole lots, and never more than the money pays for."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.strategies.sizing import lot_of, whole_lots

D = Decimal


@pytest.mark.parametrize(("symbol", "lot"), [("BTC/USD", "0.0001"), ("AAPL", "1"), ("BRK.B", "1")])
def test_lots_by_the_symbol(symbol, lot):
    """Pairs are bought in ten-thousandths, everything else in whole shares."""
    assert D(lot) == lot_of(symbol)


@pytest.mark.parametrize(
    ("quantity", "lot", "expected"),
    [("41.66667", "1", "41"), ("41.66667", "0.01", "41.66"), ("49", "5", "45"), ("45", "5", "45"), ("4.9", "5", "0")],
)
def test_rounded_down(quantity, lot, expected):
    """What is left over is not bought, and less than a lot is nothing."""
    assert D(expected) == whole_lots(D(quantity), D(lot))


def test_below_nothing():
    """Where money is owed nothing can be bought."""
    assert D(0) == whole_lots(D("-3.5"), D(1))
