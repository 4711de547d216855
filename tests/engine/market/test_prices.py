"""What an order that takes pays beyond the market's price."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.errors import InvalidRequest
from engine.market.prices import TakerCosts
from engine.model import Cost

D = Decimal
DEFAULTS = {"spread": D(2), "slippage": D(1)}


def paid(costs, price="100", quantity="10", volume="1000", *, buying=True, limit=None):
    reached, told = costs.paid(
        D(price), D(quantity), D(volume), buying=buying, limit=None if limit is None else D(limit)
    )
    return reached, {cost.model: cost.amount for cost in told}


def test_no_costs_change_nothing():
    """Without any cost the price is the market's."""
    assert (D(100), {}) == paid(TakerCosts())


@pytest.mark.parametrize(("buying", "price"), [(True, "100.02"), (False, "99.98")])
def test_who_takes_pays_half_the_spread_and_the_slippage(buying, price):
    """Both are parts of the market's price, against the order on either side, and told for the whole execution."""
    expected = {"spread": D("0.1"), "slippage": D("0.1")}

    assert (D(price), expected) == paid(TakerCosts(**DEFAULTS), buying=buying)


@pytest.mark.parametrize(
    ("quantity", "volume", "moved"), [(10, 1000, "0.2"), (1000, 1000, "20"), (5000, 1000, "20"), (1, 0, "20")]
)
def test_a_larger_order_moves_the_price_more(quantity, volume, moved):
    """The impact grows with the order's part of the bar's volume, up to all of it."""
    reached, told = paid(TakerCosts(impact=D(2000)), quantity=quantity, volume=volume)

    assert (D(100) + D(moved), {"impact": D(moved) * quantity}) == (reached, told)


def test_an_impact_that_does_not_come_out_even_is_rounded_against_the_order():
    """An endless fraction ends at its ninth decimal."""
    assert D("100.333333334") == paid(TakerCosts(impact=D(100)), quantity=1, volume=3)[0]
    assert D("99.666666666") == paid(TakerCosts(impact=D(100)), quantity=1, volume=3, buying=False)[0]


@pytest.mark.parametrize(
    ("buying", "limit", "price", "costs"),
    [
        (True, "100.015", "100.015", {"spread": D("0.1"), "slippage": D("0.05")}),
        (True, "100.005", "100.005", {"spread": D("0.05")}),
        (True, "100", "100", {}),
        (False, "99.985", "99.985", {"spread": D("0.1"), "slippage": D("0.05")}),
        (False, "100", "100", {}),
    ],
)
def test_no_limit_is_passed(buying, limit, price, costs):
    """What would lead beyond the limit is left out, and costs only what it does."""
    assert (D(price), costs) == paid(TakerCosts(**DEFAULTS), buying=buying, limit=limit)


@pytest.mark.parametrize(
    ("buying", "limit", "price", "rounded"),
    [
        (True, None, "100.05", "0.3"),
        (False, None, "99.95", "0.3"),
        (True, "100.03", "100.03", "0.1"),
        (True, "100.02", "100.02", None),
    ],
)
def test_a_grid_is_kept_against_the_order(buying, limit, price, rounded):
    """With a tick what is paid is rounded up and what is received down, never beyond a limit."""
    reached, told = paid(TakerCosts(**DEFAULTS, tick=D("0.05")), buying=buying, limit=limit)

    assert (D(price), None if rounded is None else D(rounded)) == (reached, told.get("tick"))


def test_a_grid_leaves_a_price_above_nothing():
    """A sale below the first tick stays at its price."""
    assert (D("0.003"), {}) == paid(TakerCosts(tick=D("0.01")), price="0.003", buying=False)


@pytest.mark.parametrize("name", ["spread", "slippage", "impact"])
@pytest.mark.parametrize("value", [D(-1), D("NaN"), D(10_000), 2])
def test_costs_out_of_bounds_are_refused(name, value):
    """Each is a Decimal from nothing to below everything."""
    with pytest.raises(InvalidRequest, match=name):
        TakerCosts(**{name: value})


def test_costs_leave_something():
    """All together they are less than the price, or a sale would bring nothing; and a grid is above nothing."""
    with pytest.raises(InvalidRequest, match="less than 10000 basis points"):
        TakerCosts(slippage=D(5000), impact=D(5000))
    with pytest.raises(InvalidRequest, match="tick"):
        TakerCosts(tick=D(0))


def test_costs_are_values():
    """Equal costs are equal."""
    assert Cost("spread", D(1)) == Cost("spread", D("1.0"))
