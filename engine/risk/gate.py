"""
What may be sent: pure checks in order, each with a stable code.

`CashGate` refuses an id that was used before, an order that cannot be priced, and an order that costs more than what is
free. What closes a position needs no money; nothing closes more than there is.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from attrs import field, frozen, validators

from engine.model import ZERO, Approval, OrderRequest, OrderType, Refusal, Side
from engine.ports import BooksView

__all__ = ["CashGate"]


@frozen(kw_only=True)
class CashGate:
    """
    Buys and shorts only what free cash covers in full.

    Attributes:
        allowance: How much worse than the last price a market or stop order is expected to fill at most, as a ratio.
        fee_rate: The highest fee, as a ratio of the cost.
    """

    allowance: Decimal = field(default=Decimal("0.04"), validator=validators.ge(ZERO))
    fee_rate: Decimal = field(default=ZERO, validator=validators.ge(ZERO))

    def check(
        self,
        request: OrderRequest,
        view: BooksView,
        now: datetime,
        *,
        group: str | None = None,
        replaces: str | None = None,
    ) -> Approval | Refusal:
        """See `engine.ports.Gate`."""
        if request.id != replaces and view.has_order(request.id):
            return Refusal(
                code="DUPLICATE_ID", message=f"client order id {request.id} was used before", value=request.id
            )
        price = self._worst_price(request, view.mark(request.symbol))
        if price is None:
            what = f"no price of {request.symbol} is known yet, so the order's cost cannot be bounded"
            return Refusal(code="NO_PRICE", message=what, value=request.symbol)
        price *= 1 + self.fee_rate
        opening = request.quantity - self._closing(request, view, group, replaces)
        if opening:
            cost = opening * price
            free = view.available() + (ZERO if replaces is None else view.reserved(replaces))
            if cost > free:
                return Refusal(
                    code="INSUFFICIENT_CASH",
                    message=f"the order may cost {cost:.2f}, {free:.2f} is free",
                    value=str(cost),
                    bound=str(free),
                )
        return Approval(reserve_price=price, opening=opening)

    @staticmethod
    def _closing(request: OrderRequest, view: BooksView, group: str | None, replaces: str | None) -> Decimal:
        """How much of the order closes a position that no other exit is closing already, base units."""
        held = view.position(request.symbol)
        if not held or (held > 0) is (request.side is Side.BUY):
            return ZERO
        free = abs(held) - view.exit_reserved(request.symbol, but_group=group)
        if replaces is not None and group is None:
            free += view.exit_reserved_by(replaces)
        return min(request.quantity, max(free, ZERO))

    def _worst_price(self, request: OrderRequest, mark: Decimal | None) -> Decimal | None:
        """Quote units per base unit; None: there is nothing to go by."""
        if request.limit_price is not None:
            if request.side is Side.BUY or mark is None:
                return request.limit_price
            return max(request.limit_price, mark)
        if request.stop_price is not None:
            return request.stop_price * (1 + self.allowance)
        if mark is None:
            return None
        if request.type is OrderType.TRAILING_STOP:
            trail = request.trail_price or mark * (request.trail_percent or ZERO) / 100
            return (mark + trail) * (1 + self.allowance)
        return mark * (1 + self.allowance)
