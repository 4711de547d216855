"""
Protections: rules that keep entries out, for a while or as long as something lasts. None ever touches an exit.

A rule is a frozen attrs class whose fields are its settings, and has one or more of three methods: ``after_trade`` and
``after_price`` answer with a lock, which becomes a fact and holds until its end; ``refusal`` looks at an entry and
answers for this moment alone. All are pure: what they look at is given.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TypeAlias

from attrs import field, frozen

from engine.decisions import Refusal
from engine.facts import Locked
from engine.model import OrderRequest
from engine.ports import BooksView
from engine.risk.protections.cooldown import CooldownPeriod
from engine.risk.protections.daily_loss import DailyLossLimit
from engine.risk.protections.drawdown import MaxDrawdown
from engine.risk.protections.low_profit import LowProfitPairs
from engine.risk.protections.stoploss_guard import StoplossGuard
from engine.risk.protections.trades_per_day import MaxTradesPerDay
from engine.risk.protections.trading_window import TradingWindow
from engine.risk.protections.volatility import VolatilityHalt
from engine.trade import Trade

__all__ = [
    "CooldownPeriod",
    "DailyLossLimit",
    "LowProfitPairs",
    "MaxDrawdown",
    "MaxTradesPerDay",
    "Protection",
    "Protections",
    "StoplossGuard",
    "TradingWindow",
    "VolatilityHalt",
]

Protection: TypeAlias = (
    StoplossGuard
    | MaxDrawdown
    | LowProfitPairs
    | CooldownPeriod
    | DailyLossLimit
    | MaxTradesPerDay
    | TradingWindow
    | VolatilityHalt
)


@frozen
class Protections:
    """
    Rules in order.

    Attributes:
        rules: The same method may stand there several times, with other settings.
    """

    rules: tuple[Protection, ...] = ()
    _after_trade: tuple[tuple[int, _AfterTrade], ...] = field(init=False)
    _after_price: tuple[tuple[int, VolatilityHalt], ...] = field(init=False)
    _entries: tuple[_OnEntry, ...] = field(init=False)

    @_after_trade.default
    def _find_after_trade(self) -> tuple[tuple[int, _AfterTrade], ...]:
        return tuple((number, rule) for number, rule in enumerate(self.rules, 1) if isinstance(rule, _AfterTrade))

    @_after_price.default
    def _find_after_price(self) -> tuple[tuple[int, VolatilityHalt], ...]:
        return tuple((number, rule) for number, rule in enumerate(self.rules, 1) if isinstance(rule, VolatilityHalt))

    @_entries.default
    def _find_entries(self) -> tuple[_OnEntry, ...]:
        return tuple(rule for rule in self.rules if isinstance(rule, _OnEntry))

    @property
    def lengths(self) -> frozenset[int]:
        """How many returns of each symbol the rules look back at."""
        return frozenset(rule.returns for _, rule in self._after_price)

    def after_trade(self, trade: Trade, view: BooksView) -> Iterator[Locked]:
        """
        The locks that a closed trade brings, each to be recorded before the next one is asked for.

        What a lock that holds already keeps out as long brings none; nor does a trade that was looked at before.
        """
        for number, rule in self._after_trade:
            lock = rule.after_trade(trade, view.trades, name=f"{rule.method}.{number}")
            if lock is not None and lock.id not in view.locks and not view.locks.cover(lock):
                yield lock

    def after_price(self, symbol: str, view: BooksView, at: datetime) -> Iterator[Locked]:
        """The locks that a price brings, each to be recorded before the next one is asked for."""
        for number, rule in self._after_price:
            lock = rule.after_price(symbol, view, at, name=f"{rule.method}.{number}")
            if lock is not None and lock.id not in view.locks and not view.locks.cover(lock):
                yield lock

    def refusal(self, request: OrderRequest, view: BooksView, now: datetime, *, again: bool = False) -> Refusal | None:
        """
        Why an entry may not go now; None: no rule minds. The first rule that does answers.

        Args:
            again: It passed before, and waited or is changed: it is not counted once more.
        """
        for rule in self._entries:
            if again and isinstance(rule, MaxTradesPerDay):
                continue
            if (found := rule.refusal(request, view, now)) is not None:
                return found
        return None


_AfterTrade: TypeAlias = StoplossGuard | MaxDrawdown | LowProfitPairs | CooldownPeriod
_OnEntry: TypeAlias = DailyLossLimit | MaxTradesPerDay | TradingWindow | VolatilityHalt
