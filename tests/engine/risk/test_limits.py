"""How much may be risked."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from engine.errors import InvalidRequest
from engine.risk.limits import DayTradeRule, RiskLimits

D = Decimal


def test_defaults():
    """Without settings only the allowance and the collar limit anything."""
    limits = RiskLimits()

    assert (D("0.04"), D("0.1")) == (limits.allowance, limits.collar)
    others = ("max_order", "max_exposure", "max_gross", "max_leverage", "quote_age", "max_orders", "day_trades")
    assert [None] * 7 == [getattr(limits, name) for name in others]
    assert (3, 5, D(25_000)) == (DayTradeRule().most, DayTradeRule().days, DayTradeRule().equity)


@pytest.mark.parametrize(
    "settings",
    [
        {"allowance": D(0)},
        {"max_order": D("0.01"), "max_leverage": D("0.5")},
        {"collar": None},
        {"collar": D(0)},
        {"quote_age": timedelta(0)},
        {"max_orders": 1},
        {"max_orders": 10_000, "per": timedelta(microseconds=1)},
        {"day_trades": DayTradeRule(most=0, days=1)},
    ],
)
def test_bounds_pass(settings):
    """What is just allowed is kept as it is."""
    limits = RiskLimits(**settings)

    assert settings == {name: getattr(limits, name) for name in settings}


@pytest.mark.parametrize(
    ("cls", "settings", "field"),
    [
        (RiskLimits, {"allowance": D("-0.01")}, "allowance"),
        (RiskLimits, {"allowance": D("NaN")}, "allowance"),
        *((RiskLimits, {f"max_{name}": D(0)}, f"max_{name}") for name in ("order", "exposure", "gross", "leverage")),
        (RiskLimits, {"collar": D("-0.01")}, "collar"),
        (RiskLimits, {"max_gross": D("Infinity")}, "max_gross"),
        (RiskLimits, {"quote_age": timedelta(-1)}, "quote_age"),
        (RiskLimits, {"max_orders": 0}, "max_orders"),
        (RiskLimits, {"max_orders": 10_001}, "max_orders"),
        (RiskLimits, {"per": timedelta(0)}, "per"),
        (DayTradeRule, {"most": -1}, "most"),
        (DayTradeRule, {"days": 0}, "days"),
        (DayTradeRule, {"days": 6}, "days"),
    ],
)
def test_limits_that_make_no_sense(cls, settings, field):
    """They are refused by name."""
    with pytest.raises(InvalidRequest) as caught:
        cls(**settings)

    assert field == caught.value.field
