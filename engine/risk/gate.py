"""
What may be sent: pure checks in order, each with a stable code.

`CashGate` refuses an id that was used before, an exit that would close what another one is closing already, and an
order that opens a position in a symbol that is not in order, that cannot be priced, or that costs more than what is
free. What only closes a position needs neither money nor a price.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from attrs import field, frozen, validators

from engine.decisions import Approval, Refusal
from engine.model import ZERO, OrderRequest, OrderType, Side
from engine.ports import BooksView

__all__ = ["CashGate"]

_NEVER_USED = Decimal(1)  # an exit keeps back no money, at whatever price


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
        held = view.position(request.symbol)
        against = bool(held) and (held > 0) is not (request.side is Side.BUY)
        free = self._free(held, request.symbol, view, group, replaces) if against else ZERO
        opening = request.quantity - min(request.quantity, free)
        if opening and (group is not None or (against and free < abs(held))):
            what = f"{request.quantity} would be closed, {free} of the position of {held} is free to be"
            return Refusal(code="EXIT_WORKING", message=what, value=str(request.quantity), bound=str(free))
        price = self._worst_price(request, view.mark(request.symbol))
        if not opening:
            return Approval(reserve_price=_NEVER_USED if price is None else price * (1 + self.fee_rate), opening=ZERO)
        flags = view.flags(request.symbol)
        if flags:
            named = ", ".join(sorted(flag.value for flag in flags))
            what = f"{request.symbol} is {named}: only exits may pass"
            return Refusal(code="SYMBOL_FLAGGED", message=what, value=named)
        if price is None:
            what = f"no price of {request.symbol} is known yet, so the order's cost cannot be bounded"
            return Refusal(code="NO_PRICE", message=what, value=request.symbol)
        price *= 1 + self.fee_rate
        cost = opening * price
        available = view.available() + (ZERO if replaces is None else view.reserved(replaces))
        if cost > available:
            return Refusal(
                code="INSUFFICIENT_CASH",
                message=f"the order may cost {cost:.2f}, {available:.2f} is free",
                value=str(cost),
                bound=str(available),
            )
        return Approval(reserve_price=price, opening=opening)

    @staticmethod
    def _free(held: Decimal, symbol: str, view: BooksView, group: str | None, replaces: str | None) -> Decimal:
        """How much of the position no other exit is closing already, base units, >= 0."""
        free = abs(held) - view.exit_reserved(symbol, but_group=group)
        if replaces is not None and group is None:
            free += view.exit_reserved_by(replaces)
        return max(free, ZERO)

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
