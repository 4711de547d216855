"""No more entries today, once the day has lost too much."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal

from attrs import field, frozen

from engine.decisions import Refusal
from engine.errors import InvalidRequest
from engine.model import OrderRequest
from engine.ports import BooksView
from engine.risk.bounds import plain
from engine.risk.checks import positive

__all__ = ["DailyLossLimit"]


@frozen(kw_only=True)
class DailyLossLimit:
    """
    Refuses entries while equity stands ``max_loss`` or more below where the session day began.

    The day began with what the account was worth before its first price, so a gap over night counts. Entries pass again
    if equity recovers.

    Attributes:
        max_loss: Quote units; exactly so much refuses.
        max_loss_ratio: Instead: ratio of what the day began with, 0.02 is 2 %.

    Missing input: where a position has no price, or no day has begun, entries are refused.

    Raises:
        InvalidRequest: Not exactly one of the two limits, or it is not more than nothing.
    """

    method: Literal["daily-loss"] = "daily-loss"
    max_loss: Decimal | None = field(default=None, validator=positive)
    max_loss_ratio: Decimal | None = field(default=None, validator=positive)

    def __attrs_post_init__(self) -> None:
        if (self.max_loss is None) is (self.max_loss_ratio is None):
            raise InvalidRequest("max_loss", self.max_loss, "it or max_loss_ratio, one of the two")

    def refusal(self, request: OrderRequest, view: BooksView, now: datetime) -> Refusal | None:
        """Why an entry may not go now; None: it may."""
        day, equity = view.day(), view.equity()
        if day is None or day.equity is None or equity is None:
            what = "what the account is worth, or was when the day began, is not known, so its loss is not either"
            return Refusal(code="DAILY_LOSS", message=what)
        limit = self.max_loss
        if limit is None:
            assert self.max_loss_ratio is not None  # one of the two is given
            limit = day.equity * self.max_loss_ratio
        loss = day.equity - equity
        if loss < limit:
            return None
        what = f"the day that began {day.opens:%Y-%m-%d %H:%M} has lost {loss:.2f}, {limit:.2f} may be lost"
        return Refusal(code="DAILY_LOSS", message=what, value=plain(loss), bound=plain(limit))
