"""The reference is complete: every setting, refusal, fact and argument that the code has stands on its page."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from attrs import fields

from bridge.venue.faults.armed import AnyFault
from engine.decisions import Seen, TradingState
from engine.facts import Fact
from engine.recipe import FillsConfig, MarketConfig, SessionConfig, StrategyConfig
from engine.risk.limits import DayTradeRule, RiskLimits
from engine.risk.protections import Protection
from engine.strategies.sma_cross import SmaCross
from engine.strategies.vwap_reversion import VwapReversion

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs/reference"
TABLES = {"market", "risk", "strategy"}  # each of them has keys of its own
CODE = re.compile(r'(?:code=|code = |else |Breach\(\s*)(f?)"([A-Z_]+)(?:\{state\.name\})?"')


def told(page, heading=""):
    """What stands as code on a page of the reference, from a heading to the next."""
    text = (REFERENCE / page).read_text(encoding="utf-8")
    if heading:
        text = re.split(r"^## ", text.split(f"\n## {heading}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]
    return set(re.findall(r"`([^`\n]+)`", text))


def settings(cls):
    """The names of a class's fields that somebody may give."""
    return {each.alias for each in fields(cls) if each.init}


@pytest.mark.parametrize(
    ("cls", "heading", "prefix"),
    [
        (SessionConfig, "The session", ""),
        (MarketConfig, "The session", "market."),
        (FillsConfig, "The session", "market.fills."),
        (StrategyConfig, "The session", "strategy."),
        (RiskLimits, "Limits", "risk."),
        (DayTradeRule, "Limits", "risk.day_trades."),
        (SmaCross, "sma-cross", ""),
        (VwapReversion, "vwap-reversion", ""),
    ],
)
def test_every_setting_is_told(cls, heading, prefix):
    """The page on the configuration has every field of the settings and of both strategies."""
    wanted = {f"{prefix}{name}" for name in settings(cls) - TABLES} - {"market.fills"}

    assert set() == wanted - told("configuration.md", heading)


@pytest.mark.parametrize("rule", get_args(Protection), ids=lambda rule: rule.__name__)
def test_every_key_of_a_protection_is_told(rule):
    """The page on protections has a part for each method, with all its keys."""
    method = fields(rule).method.default
    shared = told("protections.md", "How long a lock lasts")

    assert set() == settings(rule) - {"method"} - shared - told("protections.md", method)


def test_every_refusal_is_told():
    """The page on errors has every code that gate, rules, protections and engine refuse with."""
    files = [*(ROOT / "engine/risk").rglob("*.py"), ROOT / "engine/execution.py", ROOT / "engine/orders/dispatch.py"]
    found = set()
    for file in files:
        for made, code in CODE.findall(file.read_text(encoding="utf-8")):
            found |= {code + state.name for state in TradingState if state.value != "active"} if made else {code}

    assert {"LOCKED", "TRADING_HALTED", "STOP_DISTANCE", "DAILY_LOSS", "NOT_IN_SYNC", "NOT_SENT"} <= found
    assert set() == found - told("errors.md", "Refusals")


def test_every_refusal_by_the_rules_of_a_symbol_is_told():
    """The page on symbols has every code of the rules, with what it holds against what."""
    files = [ROOT / "engine/risk" / name for name in ("bounds.py", "solving.py")]
    found = {code for file in files for _, code in CODE.findall(file.read_text(encoding="utf-8"))}

    assert set() == found - told("symbols.md", "Refusals")


def test_every_fact_is_told():
    """The page on the journal has every kind of fact, and everything that a decision looks at."""
    facts = {kind.__name__ for kind in get_args(Fact)}

    assert set() == (facts | set(Seen.__struct_fields__)) - told("journal.md")


@pytest.mark.parametrize("command", ["paper", "explain", "report", "venue"])
def test_every_argument_is_told(command):
    """The page on the command line has every argument that --help has."""
    told_there = " ".join(told("command-line.md", f"tradebridge {command}"))
    shown = subprocess.run(
        [sys.executable, "-m", "bridge.cli", command, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout

    assert set() == set(re.findall(r"^  (--[a-z-]+)", shown, re.MULTILINE)) - set(told_there.split())


@pytest.mark.parametrize("fault", get_args(AnyFault), ids=lambda fault: fields(fault).kind.default)
def test_every_key_of_a_fault_is_told(fault):
    """The page on faults of the venue has every kind, with all its keys."""
    assert set() == (settings(fault) - {"kind"} | {fields(fault).kind.default}) - told("venue-faults.md")
