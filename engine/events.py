"""
What the engine tells a strategy.

Events are derived while facts are applied; they are told and not stored, for a replay tells them again.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from attrs import field, frozen

from engine.model import ZERO, Status, Word

__all__ = ["Alarm", "AlarmCode", "Event", "Filled", "OrderChanged"]


class AlarmCode(Word):
    """What a person or a strategy should know at once."""

    LATE_FILL = "late_fill"
    OVER_FILL = "over_fill"
    ORDER_UNKNOWN = "order_unknown"
    ORDER_LOST = "order_lost"
    ORDER_REOPENED = "order_reopened"
    ORPHAN = "orphan"
    POSITION_SUSPECT = "position_suspect"
    POSITION_MISMATCH = "position_mismatch"
    UNPROTECTED = "unprotected"


@frozen(kw_only=True)
class OrderChanged:
    """An order's status changed."""

    at: datetime
    order_id: str
    symbol: str
    before: Status | None
    after: Status


@frozen(kw_only=True)
class Filled:
    """
    What the books took in: a new fill, or a change of what was booked before.

    Attributes:
        quantity: Signed change of what is filled, base units; 0 when only the price or a fee changed.
        cost: Signed change of cost, quote units; a buy adds, a sell takes away.
        fee: Change of fees, quote units; what was taken in the coin counts at its worth.
        fee_quantity: Of it, what was taken in the coin, base units.
        fee_worth: What that was worth at the prices of its executions, quote units.
        provisional: Worked out from a status because the execution itself has not been told yet.
    """

    at: datetime
    order_id: str
    symbol: str
    quantity: Decimal
    cost: Decimal
    fee: Decimal
    provisional: bool = field(default=False)
    fee_quantity: Decimal = ZERO
    fee_worth: Decimal = ZERO

    @property
    def moved(self) -> Decimal:
        """Signed change of position, base units: what was filled less what was taken in the coin."""
        return self.quantity - self.fee_quantity if self.fee_quantity else self.quantity

    @property
    def price(self) -> Decimal:
        """Quote units per base unit; 0 for a pure change of price."""
        return self.cost / self.quantity if self.quantity else ZERO


@frozen(kw_only=True)
class Alarm:
    at: datetime
    code: AlarmCode
    symbol: str
    order_id: str | None
    message: str


Event = OrderChanged | Filled | Alarm
