"""What the stream ``trade_updates`` tells: one frame an event, for one account, in the order of emission."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from attrs import frozen

from bridge.venue.eventlog import EventLog, Span
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
        sse_only: It is told as a server-sent event, and not on the WebSocket.
    """

    account: str
    data: dict[str, Any]
    sse_only: bool = False


class Updates:
    """
    Frames that wait to be taken, and what was told before.

    Args:
        kept: How many of the newest events of each account can be told again.

    Attributes:
        last: The latest event's id, which is the highest; "": nothing was told yet.
    """

    def __init__(self, identity: Identity, *, kept: int = 100_000) -> None:
        self.last = ""
        self._identity = identity
        self._kept = kept
        self._frames: list[Frame] = []
        self._logs: dict[str, EventLog] = {}

    def tell(
        self,
        event: str,
        order: Order,
        at: int,
        *,
        price: Decimal | None = None,
        qty: Decimal | None = None,
        position_qty: Decimal | None = None,
        more: Mapping[str, Any] | None = None,
        sse_only: bool = False,
    ) -> dict[str, Any]:
        """
        Put an event in line; return its ``data``.

        Args:
            at: When it happened, nanoseconds since 1970; a stamp of its own, not before that of the last event.
            price, qty, position_qty: Of an execution: its own price and quantity, and the position after it.
            more: Other fields of the frame.
            sse_only: As in `Frame`.
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
        if more:
            data |= more
        self._frames.append(Frame(account=order.owner, data=data, sse_only=sse_only))
        if order.owner not in self._logs:
            self._logs[order.owner] = EventLog(self._kept)
        self._logs[order.owner].write(data)
        return data

    def take(self) -> list[Frame]:
        """What was told since the last call."""
        frames, self._frames = self._frames, []
        return frames

    def replay(self, account: str, span: Span) -> list[dict[str, Any]]:
        """What was told to an account in a stretch of time, as far as it is kept: the ``data`` of each frame."""
        log = self._logs.get(account)
        return [] if log is None else log.read(span)
