"""What a venue takes for a trade."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.errors import InvalidRequest
from engine.market.fees import BasisPoints, NoFees
from engine.model import Side


def test_no_fees_are_nothing() -> None:
    """A venue without fees takes nothing."""
    assert Decimal(0) == NoFees().fee("AAPL", Side.BUY, Decimal(10), Decimal(100))


@pytest.mark.parametrize("side", list(Side))
def test_basis_points_are_a_part_of_the_cost(side: Side) -> None:
    """The fee is the rate in hundredths of a percent of quantity times price, on both sides, and is not rounded."""
    fee = BasisPoints(Decimal("2.5")).fee("AAPL", side, Decimal("0.3"), Decimal("101.01"))

    assert Decimal("0.007575750") == fee


@pytest.mark.parametrize("rate", [Decimal(-1), Decimal("NaN"), Decimal("Infinity"), Decimal(10_000), 0.5, 3])
def test_a_rate_out_of_bounds_is_refused(rate: object) -> None:
    """A rate is a Decimal from nothing to below everything."""
    with pytest.raises(InvalidRequest, match="rate"):
        BasisPoints(rate)  # type: ignore[arg-type]
