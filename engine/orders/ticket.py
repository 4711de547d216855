"""What a strategy holds of an order."""

from __future__ import annotations

from decimal import Decimal

from engine.decisions import Refusal
from engine.model import Status
from engine.orders.order import Order
from engine.orders.tracker import Tracker

__all__ = ["Ticket"]


class Ticket:
    """A view of one order as it stands now; the engine hands it out at once, whatever becomes of the order."""

    __slots__ = ("_tracker", "id")

    def __init__(self, order_id: str, tracker: Tracker) -> None:
        self.id = order_id
        self._tracker = tracker

    @property
    def order(self) -> Order:
        return self._tracker[self.id]

    @property
    def status(self) -> Status:
        return self.order.status

    @property
    def done(self) -> bool:
        """Whether the order has ended for all we know."""
        return self.order.status.terminal

    @property
    def filled(self) -> Decimal:
        """Base units."""
        return self.order.filled

    @property
    def average(self) -> Decimal | None:
        """Quote units per base unit; None: nothing is filled."""
        return self.order.average

    @property
    def refusal(self) -> Refusal | None:
        """Why our gate denied it; None: it did not."""
        return self.order.refusal

    def __repr__(self) -> str:
        order = self.order
        done = f"{order.filled}/{order.quantity} {order.symbol}"
        return f"<Ticket {self.id} {order.side.value} {done} {order.status.value}>"
