"""engine.recipe: settings come back from their text as they were."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.errors import InvalidInput, InvalidRequest
from engine.recipe import Hours, MarketConfig, OnError, SessionConfig, StrategyConfig, as_text, from_text

PLAIN = SessionConfig()
FULL = SessionConfig(
    cash=Decimal("1000.50"),
    seed=7,
    on_error=OnError.KEEP,
    market=MarketConfig(bars="b.csv", symbol="BTC/USD", hours=Hours.ALWAYS, fee_bps=Decimal("2.5")),
    strategy=StrategyConfig(name="mine:Mine", settings={"share": Decimal("0.30"), "fast": 5, "name": "x", "on": True}),
)


@pytest.mark.parametrize("config", [PLAIN, FULL])
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
