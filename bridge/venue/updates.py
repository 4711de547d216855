"""What the stream ``trade_updates`` tells: one frame an event, for one account, in the order of emission."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from attrs import frozen

from bridge.venue.identity import Identity
from bridge.venue.orders import Order, order_json
from bridge.venue.spelling import moment, nanos, plain, zulu

__all__ = ["Frame", "Updates"]

_RECEIVED = frozenset({"pending_new", "accepted"})
"""Events from before the order is at the market: they are no execution reports."""


@frozen(kw_only=True)
class Frame:
    """
    Attributes:
        account: Id of the account whose sockets get it.
        data: The ``data`` of the frame.
    """

    account: str
    data: dict[str, Any]


class Updates:
    """
    Frames that wait to be taken.

    Attributes:
        last: The latest event's id, which is the highest; "": nothing was told yet.
    """

    def __init__(self, identity: Identity) -> None:
        self.last = ""
        self._identity = identity
        self._frames: list[Frame] = []

    def tell(
        self,
        event: str,
        order: Order,
        at: int,
        *,
        price: Decimal | None = None,
        qty: Decimal | None = None,
        position_qty: Decimal | None = None,
    ) -> None:
        """
        Args:
            at: When it happened, nanoseconds since 1970.
            price, qty, position_qty: Of an execution: its own price and quantity, and the position after it.
        """
        self.last = self._identity.ulid(at)
        data: dict[str, Any] = {
            "at": zulu(nanos(moment(at + 999))),  # written down to the microsecond, and not before it happened
            "event": event,
            "event_id": self.last,
            "order": order_json(order, nested=True, stream=True),
            "timestamp": zulu(at),
        }
        if event not in _RECEIVED:
            data["execution_id"] = self._identity.uuid()
        if price is not None and qty is not None and position_qty is not None:
            data |= {"price": plain(price), "qty": plain(qty), "position_qty": plain(position_qty), "swap_rate": "1"}
        self._frames.append(Frame(account=order.owner, data=data))

    def take(self) -> list[Frame]:
        """What was told since the last call."""
        frames, self._frames = self._frames, []
        return frames
