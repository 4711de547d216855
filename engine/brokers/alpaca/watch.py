"""
Orders whose end a listing would not show.

Alpaca lists orders by when they were submitted, not by when they changed. An order that rests for hours and then ends
is neither among the open ones nor among the latest: whoever asks what has changed would never hear of it. So those that
were once seen open are remembered, and asked about by id when they are not listed any more.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from engine.facts import OrderReported
from engine.model import VenueStatus

__all__ = ["ENDS", "Watch"]

ENDS = frozenset(
    {VenueStatus.FILLED, VenueStatus.CANCELED, VenueStatus.EXPIRED, VenueStatus.REJECTED, VenueStatus.REPLACED}
)
_KEPT = timedelta(days=1)


class Watch:
    """Orders seen open in the life of this object, and the ends of them that were told since."""

    def __init__(self) -> None:
        self._open: dict[str, None] = {}  # broker ids, oldest first
        self._ended: dict[str, OrderReported] = {}

    def saw(self, report: OrderReported) -> None:
        """Take in a picture of an order, wherever it comes from."""
        name = report.broker_order_id or ""
        if report.status not in ENDS:
            if name not in self._ended:  # a picture that is late does not open it again
                self._open[name] = None
        elif name in self._open:
            del self._open[name]
            self._ended[name] = report

    def missing(self, listed: Collection[str]) -> list[str]:
        """Broker ids of those that should be in a listing of the open orders and are not."""
        return [name for name in self._open if name not in listed]

    def forget(self, broker_order_id: str) -> None:
        """The venue does not know the order; what follows from that is not decided here."""
        self._open.pop(broker_order_id, None)

    def ended(self, since: datetime) -> list[OrderReported]:
        """The ends at or after ``since``, oldest first; those a day before it are forgotten."""
        # Not all at once: another reader may still ask for what this one has behind it.
        self._ended = {name: report for name, report in self._ended.items() if report.at >= since - _KEPT}
        return sorted((end for end in self._ended.values() if end.at >= since), key=lambda end: end.at)
