"""engine.recipe: settings come back from their text as they were."""

from __future__ import annotations

from decimal import Decimal

import pytest
from attrs import evolve

from engine.errors import InvalidInput, InvalidRequest
from engine.recipe import (
    Fees,
    FillsConfig,
    Hours,
    MarketConfig,
    OnError,
    SessionConfig,
    StrategyConfig,
    as_text,
    from_text,
)

PLAIN = SessionConfig()
FULL = SessionConfig(
    cash=Decimal("1000.50"),
    seed=7,
    on_error=OnError.KEEP,
    market=MarketConfig(bars="b.csv", symbol="BTC/USD", hours=Hours.ALWAYS, fee_bps=Decimal("2.5")),
    strategy=StrategyConfig(name="mine:Mine", settings={"share": Decimal("0.30"), "fast": 5, "name": "x", "on": True}),
)


TRUTHFUL = SessionConfig(
    market=MarketConfig(
        ideal=True,
        fees=Fees.ALPACA_CRYPTO,
        fills=FillsConfig(participation=Decimal(0), queue=Decimal("0.5"), tick=Decimal("0.01"), impact_bps=Decimal(5)),
    ),
)


@pytest.mark.parametrize("config", [PLAIN, FULL, TRUTHFUL])
def test_settings_come_back(config):
    """Every setting, types and digits included, comes back from the text that a journal keeps."""
    assert config == from_text(as_text(config), "journal")


def test_numbers_keep_their_digits():
    """0.30 stays 0.30, not 0.3 and not a text."""
    settings = from_text(as_text(FULL), "journal").strategy.settings

    assert ("0.30", 5) == (str(settings["share"]), settings["fast"])


def test_a_text_that_is_no_settings():
    """What a journal of another make holds is refused by name."""
    with pytest.raises(InvalidInput, match="journal"):
        from_text('{"cash": "many"}', "journal")


@pytest.mark.parametrize("half", [{"bars": "b.csv"}, {"symbol": "X"}])
def test_bars_and_symbol_go_together(half):
    """A file without a symbol, or the other way round, names what is missing."""
    with pytest.raises(InvalidRequest, match="because"):
        MarketConfig(**half)


@pytest.mark.parametrize("symbol", ["", "  "])
def test_a_symbol_has_a_name(symbol):
    """Bars of nothing are refused."""
    with pytest.raises(InvalidRequest, match="symbol"):
        MarketConfig(bars="b.csv", symbol=symbol)


@pytest.mark.parametrize("cash", [Decimal(0), Decimal(-1), Decimal("NaN")])
def test_a_session_needs_money(cash):
    """Cash is a finite number above zero."""
    with pytest.raises(InvalidRequest, match="cash"):
        SessionConfig(cash=cash)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("spread_bps", Decimal(-1)),
        ("slippage_bps", Decimal(10_000)),
        ("impact_bps", Decimal("NaN")),
        ("participation", Decimal("1.5")),
        ("participation", Decimal(-1)),
        ("queue", Decimal(-1)),
        ("tick", Decimal(0)),
    ],
)
def test_what_is_assumed_of_fills_has_bounds(name, value):
    """Each figure out of bounds is named with its value and what would be right."""
    with pytest.raises(InvalidRequest, match=f"{name} = .*: expected a number"):
        FillsConfig(**{name: value})


def test_costs_of_a_fill_leave_something():
    """Together they are less than the price."""
    with pytest.raises(InvalidRequest, match="less than 10000"):
        FillsConfig(slippage_bps=Decimal(6000), impact_bps=Decimal(4000))


def test_there_is_one_way_to_say_the_fees():
    """A flat fee beside a named model is a contradiction; beside nothing, or an ideal market, it holds."""
    with pytest.raises(InvalidRequest, match="fee_bps = .*because fees is 'none'"):
        MarketConfig(fee_bps=Decimal(1), fees=Fees.NONE)
    assert Decimal(1) == MarketConfig(fee_bps=Decimal(1), ideal=True).fee_bps


def test_the_way_of_the_orders_is_told_where_it_is_not_the_usual_one():
    """A session over the wire says so; the text of any other is what it was before there was a wire."""
    wired = evolve(PLAIN, wire=True)

    assert wired == from_text(as_text(wired), "here")
    assert ("wire" in as_text(wired), "wire" in as_text(PLAIN)) == (True, False)
