"""
Every execution of the venue, oldest first, under all the names that it has.

The stream and the account's activities name one execution differently, as at Alpaca; here both are known.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Literal

from attrs import define, field

from bridge.venue.accounts import Holding
from bridge.venue.activities import Activity
from bridge.venue.assets import Asset
from bridge.venue.orders import Order
from engine.market.fees import Charge
from engine.market.matching import Assumption
from engine.model import ZERO

__all__ = ["Execution", "Executions", "State"]

State = Literal["executed", "corrected", "busted"]


@define(kw_only=True, eq=False)
class Execution:
    """
    Attributes:
        ids: As the stream names it: the fill's ``execution_id``, then those of its corrections and of its bust.
        activity: As the account's activities name it.
        quantity: Base units; 0 once it is busted.
        price: Quote units per base unit.
        at: Nanoseconds since 1970.
        position: After it, as the stream told it; a later correction does not change what was told.
        written: What of its charge stands in the account's activities: it comes there when its day is over.
    """

    ids: list[str]
    activity: Activity
    order: Order
    quantity: Decimal
    price: Decimal
    charge: Charge
    at: int
    position: Decimal
    assumption: Assumption
    state: State = "executed"
    written: Charge = field(factory=Charge)

    @property
    def asset(self) -> Asset:
        return self.order.asset

    @property
    def signed(self) -> Decimal:
        """Its quantity, negative if sold."""
        return self.order.draft.side.signed(self.quantity)

    @property
    def fee(self) -> Decimal:
        """Quote units; what was taken in the coin counts at its own price."""
        return self.charge.money + self.charge.coin * self.price


class Executions:
    """Those of all accounts, in the order in which they were booked."""

    def __init__(self) -> None:
        self._all: list[Execution] = []
        self._names: dict[str, Execution] = {}
        self._today = 0

    def __iter__(self) -> Iterator[Execution]:
        return iter(self._all)

    def add(self, execution: Execution) -> None:
        self._all.append(execution)
        self._names |= {execution.ids[0]: execution, execution.activity.id: execution}

    def also(self, execution: Execution, name: str) -> None:
        """It has another name on the stream."""
        execution.ids.append(name)
        self._names[name] = execution

    def find(self, name: str) -> Execution | None:
        """By any of its names."""
        return self._names.get(name)

    def newest(self, account: str | None = None, symbol: str | None = None) -> Execution | None:
        """
        The last one that still stands.

        Args:
            account: Id; None: of any account.
            symbol: None: of any asset.
        """
        for execution in reversed(self._all):
            order = execution.order
            if (
                execution.state != "busted"
                and account in (None, order.owner)
                and symbol in (None, order.asset.symbol, order.asset.short_symbol)
            ):
                return execution
        return None

    def end_day(self) -> None:
        """The next one is another day's."""
        self._today = len(self._all)

    def folded(self, account: str, asset: Asset, yesterday: Decimal) -> tuple[Holding, Decimal]:
        """
        What an account's executions add up to, as if those that were busted had never been.

        Args:
            account: Id.
            yesterday: The last price of the day before, which the day's result is counted from.

        Returns:
            The position, and what was earned by closing, quote units.
        """
        holding, earned = Holding(asset=asset), ZERO
        for number, execution in enumerate(self._all):
            if number == self._today:
                holding.day_cost = holding.quantity * yesterday
            if execution.order.owner == account and execution.asset is asset and execution.quantity:
                earned += holding.execute(execution.signed, execution.price, execution.charge.coin)
        if self._today == len(self._all):
            holding.day_cost = holding.quantity * yesterday
        return holding, earned
