"""engine.stage: what a session is played on and with follows from its settings."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from engine.calendar import AlwaysOpen
from engine.errors import InvalidInput
from engine.market.bars import digest
from engine.market.fees import BasisPoints, BySymbol, NoFees, USEquityFees
from engine.recipe import Fees, MarketConfig, SessionConfig
from engine.risk.limits import RiskLimits
from engine.risk.protections import CooldownPeriod
from engine.stage import fees_of, frictions, gate_of, market_data

D = Decimal
NOON = datetime(2024, 1, 2, 12, tzinfo=UTC)
RULES = '[[symbols]]\nsymbol = "X/USD"\nlike = "alpaca-crypto"\nlot = 0.5\n'


def rules_of(gate, symbol):
    return gate.symbols.at(symbol, NOON)


def test_a_market_names_its_symbols(tmp_path):
    """The made-up day has three shares; a file has the one that the settings name."""
    path = tmp_path / "bars.csv"
    path.write_text("timestamp,open,high,low,close,volume\n2024-01-02T12:00:00Z,1,1,1,1,1\n")
    file = market_data(SessionConfig(market=MarketConfig(bars=str(path), symbol="BTC/USD")))

    assert ("AAPL", "MSFT", "SPY") == market_data(SessionConfig()).symbols
    assert (("BTC/USD",), NOON, AlwaysOpen) == (file.symbols, file.first, type(file.calendar))


def test_rules_of_the_market_s_own_symbols():
    """Shares trade whole on cents, pairs in parts and from 10 dollars on; whatever else is asked for is unknown."""
    gate = gate_of(SessionConfig(), ("SPY", "BTC/USD"), D(0), NOON)

    assert (D(1), D("1E-9")) == (rules_of(gate, "SPY").lot, rules_of(gate, "BTC/USD").lot)
    assert D(10) == rules_of(gate, "BTC/USD").min_notional
    assert None is rules_of(gate, "QQQ")


def test_no_rules_where_no_symbols_are_known():
    """A market that does not say what it has, and no file either: nobody makes up rules."""
    assert None is gate_of(SessionConfig(), None, D(0), NOON).symbols


def test_rules_from_a_file(tmp_path):
    """A file's rules stand in place of the presets."""
    path = tmp_path / "rules.toml"
    path.write_text(RULES)
    gate = gate_of(SessionConfig(symbols=str(path), symbols_digest=digest(path)), ("X/USD",), D(0), NOON)

    assert (D("0.5"), D(10)) == (rules_of(gate, "X/USD").lot, rules_of(gate, "X/USD").min_notional)


def test_a_symbol_that_the_file_lacks(tmp_path):
    """Every symbol of the market needs its rules, or the session does not begin."""
    path = tmp_path / "rules.toml"
    path.write_text(RULES)

    with pytest.raises(InvalidInput, match="no rules of Y/USD"):
        gate_of(SessionConfig(symbols=str(path)), ("X/USD", "Y/USD"), D(0), NOON)


def test_rules_that_have_changed(tmp_path):
    """A session goes on with the rules that it began with, or not at all."""
    path = tmp_path / "rules.toml"
    path.write_text(RULES)
    began = digest(path)
    path.write_text(RULES.replace("0.5", "0.25"))

    with pytest.raises(InvalidInput, match="the file that the session began with"):
        gate_of(SessionConfig(symbols=str(path), symbols_digest=began), ("X/USD",), D(0), NOON)


def test_limits_and_protections_are_the_gate_s():
    """What the settings say is what the gate holds orders against."""
    config = SessionConfig(risk=RiskLimits(max_order=D(5)), protections=(CooldownPeriod(),))
    gate = gate_of(config, None, D("0.01"), NOON)

    assert (D(5), (CooldownPeriod(),), D("0.01")) == (gate.limits.max_order, gate.protections.rules, gate.fee_rate)


@pytest.mark.parametrize(
    ("market", "kind"),
    [
        (MarketConfig(), BySymbol),
        (MarketConfig(ideal=True), NoFees),
        (MarketConfig(fees=Fees.NONE), NoFees),
        (MarketConfig(fees=Fees.US_EQUITIES), USEquityFees),
        (MarketConfig(fee_bps=D(0)), NoFees),
        (MarketConfig(fee_bps=D(1), ideal=True), BasisPoints),
    ],
)
def test_fees(market, kind):
    """By the symbol, unless the settings say otherwise; a flat fee holds in an ideal market too."""
    assert kind is type(fees_of(market))


def test_an_ideal_market_has_no_frictions():
    """Neither depth nor costs; any other has both."""
    assert ({}, {"depth", "costs"}) == (frictions(MarketConfig(ideal=True)), set(frictions(MarketConfig())))


def test_rules_that_do_not_hold_yet(tmp_path):
    """Rules that begin after the session's first bar are none."""
    path = tmp_path / "rules.toml"
    path.write_text(RULES + "since = 2024-01-03\n")

    with pytest.raises(InvalidInput, match="no rules of X/USD on 2024-01-02"):
        gate_of(SessionConfig(symbols=str(path)), ("X/USD",), D(0), NOON)
