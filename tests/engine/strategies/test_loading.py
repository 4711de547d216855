"""Strategies by name, and what is said of names and settings that are wrong."""

from __future__ import annotations

from decimal import Decimal
from itertools import count

import pytest

from engine.errors import InvalidInput
from engine.strategies.loading import BUILT_IN, load_strategy
from engine.strategies.sma_cross import SmaCross

NUMBERS = count(1)
METHODS = "    def on_bar(self, bar, trader): ...\n    def on_event(self, event, trader): ...\n"


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Makes a module of that text and gives its name."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(text):
        name = f"made_to_be_loaded_{next(NUMBERS)}"
        (tmp_path / f"{name}.py").write_text(text)
        return name

    return make


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_built_in_strategies_load_with_their_defaults(name):
    """Every one that comes along can be made from its name alone."""
    assert BUILT_IN[name] is type(load_strategy(name, {}))


def test_settings_reach_the_strategy():
    """They are converted to its fields, with every digit."""
    strategy = load_strategy("sma-cross", {"fast": 3, "slow": 9, "share": "0.10"})

    assert SmaCross(fast=3, slow=9, share=Decimal("0.10")) == strategy


@pytest.mark.parametrize(
    ("settings", "where", "expected"),
    [
        ({"fats": 3}, "strategy.settings", "did you mean 'fast'"),
        ({"fast": "x"}, "strategy.settings: fast", "a whole number"),
        ({"fast": 60}, "strategy.settings: fast", "less than slow, which is 50"),
    ],
)
def test_settings_are_checked_against_the_fields(settings, where, expected):
    """An unknown key, a value of another kind, or values that do not go together name the place."""
    with pytest.raises(InvalidInput) as caught:
        load_strategy("sma-cross", settings)

    assert where == caught.value.where
    assert expected in caught.value.expected


def test_a_plain_class_gets_its_settings_as_arguments(module):
    """A class without declared fields is called with them."""
    name = module(f"class Mine:\n    def __init__(self, *, size=1):\n        self.size = size\n{METHODS}")

    assert (1, 5) == (load_strategy(f"{name}:Mine", {}).size, load_strategy(f"{name}:Mine", {"size": 5}).size)


@pytest.mark.parametrize(
    ("body", "reason"),
    [("size = int(size)", "invalid literal"), ("raise ValueError('size: 1 to 9')", "size: 1 to 9")],
)
def test_what_a_class_refuses_is_an_error_of_the_settings(module, body, reason):
    """Its own ValueError, or arguments that it does not take, are told as what the settings lack."""
    name = module(f"class Mine:\n    def __init__(self, size=1):\n        {body}\n{METHODS}")

    for settings, expected in [({"size": "x"}, reason), ({"sise": 1}, "unexpected keyword argument 'sise'")]:
        with pytest.raises(InvalidInput, match=expected) as caught:
            load_strategy(f"{name}:Mine", settings)
        assert "strategy.settings" == caught.value.where


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sma-kross", "did you mean sma-cross?"),
        ("zzz", "one of sma-cross, vwap-reversion, or module:Class"),
        ("", "one of sma-cross, vwap-reversion"),
        (":Mine", "one of sma-cross, vwap-reversion"),
        ("mine:", "one of sma-cross, vwap-reversion"),
        (".mine:Mine", "one of sma-cross, vwap-reversion"),
        ("no_such_module_here:Mine", "is its folder on PYTHONPATH?"),
        ("decimal.nothing:Mine", "is its folder on PYTHONPATH?"),
        ("decimal:Nothing", "a class in decimal"),
        ("decimal:getcontext", "a class in decimal"),
    ],
)
def test_names_that_lead_nowhere(name, expected):
    """Each says what was expected in its place."""
    with pytest.raises(InvalidInput) as caught:
        load_strategy(name, {})

    assert "strategy.name" == caught.value.where
    assert expected in caught.value.expected


@pytest.mark.parametrize(("lacking", "kept"), [("on_bar", "on_event"), ("on_event", "on_bar")])
def test_a_strategy_has_both_methods(module, lacking, kept):
    """A class without one of them is refused before anything is played."""
    name = module(f"class Mine:\n    def {kept}(self, first, trader): ...\n")

    with pytest.raises(InvalidInput, match=f"a class with a method {lacking}"):
        load_strategy(f"{name}:Mine", {})


def test_an_error_in_the_users_module_is_the_users(module):
    """What importing it raises comes out as it is, with its traceback; a package it lacks is named."""
    with pytest.raises(ZeroDivisionError):
        load_strategy(f"{module('1 / 0')}:Mine", {})
    with pytest.raises(InvalidInput, match="No module named 'no_such_package_here'"):
        load_strategy(f"{module('import no_such_package_here')}:Mine", {})


def test_the_place_that_errors_name_can_be_given():
    """Who reads settings from a file says which."""
    with pytest.raises(InvalidInput) as caught:
        load_strategy("zzz", {}, where="bot.toml: strategy")

    assert "bot.toml: strategy.name" == caught.value.where
