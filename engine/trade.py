"""A trade: one position in one symbol, from flat to flat."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from attrs import frozen

from engine.model import Side, Word

__all__ = ["ExitReason", "Trade"]


class ExitReason(Word):
    """Why a trade ended: what kind of order closed the last of it."""

    SIGNAL = "signal"
    TAKE_PROFIT = "take_profit"
    STOP_LOSS = "stop_loss"
    TRAILING_STOP = "trailing_stop"
    ADJUSTMENT = "adjustment"  # no order ended it: the books followed the venue, or an execution was taken back


@frozen(kw_only=True)
class Trade:
    """
    A closed round trip.

    Attributes:
        number: 1, 2, 3, … in the order in which the session's trades closed.
        side: BUY: it was long; SELL: it was short.
        quantity: All that was entered, base units, > 0.
        opened, closed: Venue's moments of its first and its last fill.
        entry, exit: Average prices, quote units.
        cost: What was entered cost (long) or brought in (short), quote units, > 0.
        profit: After all fees, quote units.
        fees: All of them, those taken in the coin at their worth, quote units.
        orders: Our ids of the orders that filled in it, in the order in which they first did.
    """

    number: int
    symbol: str
    side: Side
    quantity: Decimal
    opened: datetime
    closed: datetime
    entry: Decimal
    exit: Decimal
    cost: Decimal
    profit: Decimal
    fees: Decimal
    reason: ExitReason
    orders: tuple[str, ...]

    @property
    def ratio(self) -> Decimal:
        """Profit over cost: 0.01 is one percent of what this trade was entered with, not of the account."""
        return self.profit / self.cost
