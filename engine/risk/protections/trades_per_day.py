"""A number of entries a day, and no more."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from attrs import field, frozen

from engine.decisions import Refusal
from engine.model import OrderRequest
from engine.ports import BooksView
from engine.risk.checks import whole

__all__ = ["MaxTradesPerDay"]


@frozen(kw_only=True)
class MaxTradesPerDay:
    """
    Refuses the entry after the ``max_trades``-th of a session day.

    Entries are counted as they pass the gate, whatever becomes of them; exits are neither counted nor refused, and a
    change of an order that passed is no new entry.

    Attributes:
        only_per_symbol: Counts each symbol by itself; else all together.

    Missing input: it counts our own orders, so there is none.
    """

    method: Literal["max-trades-per-day"] = "max-trades-per-day"
    max_trades: int = field(validator=whole(0))
    only_per_symbol: bool = False

    def refusal(self, request: OrderRequest, view: BooksView, now: datetime) -> Refusal | None:
        """Why an entry may not go now; None: it may."""
        count = view.entries_today(request.symbol if self.only_per_symbol else None)
        if count < self.max_trades:
            return None
        where = f" in {request.symbol}" if self.only_per_symbol else ""
        what = f"{count} entries{where} have passed on this session day, {self.max_trades} may"
        return Refusal(code="MAX_TRADES_PER_DAY", message=what, value=str(count), bound=str(self.max_trades))
