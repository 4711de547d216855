"""Strategies by name: the ones that come along, and the user's own as ``module:Class``."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from difflib import get_close_matches
from typing import cast

import attrs

from engine.config import convert
from engine.errors import InvalidInput
from engine.ports import Strategy
from engine.strategies.sma_cross import SmaCross
from engine.strategies.vwap_reversion import VwapReversion

__all__ = ["BUILT_IN", "load_strategy"]

BUILT_IN: dict[str, type] = {"sma-cross": SmaCross, "vwap-reversion": VwapReversion}


def load_strategy(name: str, settings: Mapping[str, object], *, where: str = "strategy") -> Strategy:
    """
    A new strategy.

    Args:
        name: One of `BUILT_IN`, or ``module:Class``; the module is imported from where Python finds it.
        settings: Keyword arguments; an attrs class gets them checked against its fields.
        where: What errors name.

    Raises:
        InvalidInput: There is no such strategy, it does not take these settings, or it lacks a method.
    """
    kind = BUILT_IN.get(name) or _imported(name, where)
    if attrs.has(kind):
        strategy = convert(settings, kind, where=f"{where}.settings")
    else:
        try:
            strategy = kind(**settings)
        except (TypeError, ValueError) as error:
            raise InvalidInput(f"{where}.settings", dict(settings), f"what {name} takes: {error}") from error
    for method in ("on_bar", "on_event"):
        found = getattr(strategy, method, None)
        if not callable(found):
            raise InvalidInput(f"{where}.name", name, f"a class with a method {method}")
        if inspect.iscoroutinefunction(found):
            raise InvalidInput(
                f"{where}.name", name, f"a class whose {method} is a plain method: the engine is not async"
            )
    return cast(Strategy, strategy)


def _imported(name: str, where: str) -> type:
    module_name, colon, class_name = name.partition(":")
    if not colon or not module_name or module_name.startswith(".") or not class_name:
        near = get_close_matches(name, BUILT_IN, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise InvalidInput(f"{where}.name", name, f"one of {', '.join(sorted(BUILT_IN))}, or module:Class{hint}")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        what = f"a module that can be imported ({error}); is its folder on PYTHONPATH?"
        raise InvalidInput(f"{where}.name", module_name, what) from error
    found = getattr(module, class_name, None)
    if not isinstance(found, type):
        raise InvalidInput(f"{where}.name", name, f"a class in {module_name}")
    return found
