"""
An order as the venue keeps it, and as it stands in answers and frames.

What an order asks for does not change; what became of it does, and only the exchange changes it.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import Any

from attrs import define, field, frozen

from bridge.venue.assets import Asset
from bridge.venue.spelling import plain, zulu
from engine.model import ZERO, OrderRequest, OrderType, Side, TimeInForce

__all__ = ["CLOSED", "Draft", "Order", "order_json"]

CLOSED = frozenset({"filled", "canceled", "expired", "rejected", "replaced"})
"""The statuses of an order that is over; every other one is open."""

_SIX = Decimal("0.000001")
_CENT, _FINE = Decimal("0.01"), Decimal("0.0001")
_DOLLAR, _FIFTY = Decimal(1), Decimal(50)
_CHEAP, _DEAR = Decimal("1.04"), Decimal("1.025")


@frozen(kw_only=True)
class Draft:
    """
    An order as it was asked for, read and not yet judged.

    Attributes:
        qty, notional: Base units, or quote units; one of them is None.
        order_class: "" for a single order.
        take_profit: Limit price of that leg; None: no such leg.
        stop_loss, stop_loss_limit: Stop price of that leg, and its limit price if it is a stop-limit.
        position_intent: As given; None: as the position has it.
    """

    asset: Asset
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    qty: Decimal | None = None
    notional: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    extended_hours: bool = False
    client_order_id: str | None = None
    order_class: str = ""
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    stop_loss_limit: Decimal | None = None
    position_intent: str | None = None

    @property
    def fractional(self) -> bool:
        """For money, or for a part of a share; coins have no whole."""
        if self.asset.crypto:
            return False
        return self.qty is None or self.qty != self.qty.to_integral_value()

    @property
    def buying(self) -> bool:
        return self.side is Side.BUY


@define(kw_only=True, eq=False)
class Order:
    """
    Attributes:
        owner: Id of the account.
        draft: As it was asked for.
        opens: It enlarges the position, rather than closing what is held.
        quantity: Base units that it is for; None: an order for money that has not come to the market.
        estimate: What a base unit is taken to cost while it is open, quote units.
        stop_price: As it stands; of a trailing stop it follows ``hwm``, the best price seen.
        triggered: Its stop was reached.
        filled, cost: Cumulative; base units, quote units.
        parent, legs: Of a bracket, an OCO or an OTO.
        *_at: Nanoseconds since 1970; None: not yet.
    """

    id: str
    client_order_id: str
    owner: str
    draft: Draft
    status: str
    created_at: int
    opens: bool = True
    quantity: Decimal | None
    estimate: Decimal = ZERO
    stop_price: Decimal | None = None
    hwm: Decimal | None = None
    triggered: bool = False
    filled: Decimal = ZERO
    cost: Decimal = ZERO
    parent: Order | None = field(default=None, repr=False)
    legs: list[Order] = field(factory=list, repr=False)
    replaces: str | None = None
    replaced_by: str | None = None
    submitted_at: int = field(init=False)
    updated_at: int = field(init=False)
    expires_at: int | None = None
    filled_at: int | None = None
    expired_at: int | None = None
    canceled_at: int | None = None
    failed_at: int | None = None
    replaced_at: int | None = None
    cancel_requested_at: int | None = None

    def __attrs_post_init__(self) -> None:
        self.submitted_at = self.updated_at = self.created_at
        self.stop_price = self.draft.stop_price

    @property
    def asset(self) -> Asset:
        return self.draft.asset

    @property
    def open(self) -> bool:
        return self.status not in CLOSED

    @property
    def remaining(self) -> Decimal:
        """Base units still to fill; of an order for money, what is left of it at the estimate."""
        if self.quantity is not None:
            return max(self.quantity - self.filled, ZERO)
        return (self.draft.notional or ZERO) / self.estimate if self.estimate else ZERO

    @property
    def waits(self) -> bool:
        """A leg whose turn has not come: its entry is not filled."""
        return self.parent is not None and self.parent.draft.order_class != "oco" and self.parent.status != "filled"

    @property
    def group(self) -> str:
        """Id of the entry that it belongs to, or its own."""
        return self.id if self.parent is None else self.parent.id

    @property
    def average(self) -> Decimal | None:
        return self.cost / self.filled if self.filled else None

    @property
    def collar(self) -> Decimal | None:
        """
        The most that a stop order which buys pays, quote units; None: any price, or the limit that it has.

        Alpaca sends it as a stop-limit order, 4 % above a stop below 50 dollars and 2.5 % above any other.
        """
        stop = self.draft.stop_price
        if self.draft.type is not OrderType.STOP or not self.draft.buying or stop is None:
            return None
        grid = _CENT if stop >= _DOLLAR else _FINE
        return (stop * (_CHEAP if stop < _FIFTY else _DEAR)).quantize(grid, ROUND_DOWN)

    def as_request(self, quantity: Decimal) -> OrderRequest:
        """What the matcher gets: an order whose stop was reached is not a stop order any more."""
        draft, kind = self.draft, self.draft.type
        limit = draft.limit_price if draft.limit_price is not None else self.collar
        if self.triggered:
            kind = OrderType.LIMIT if limit is not None else OrderType.MARKET
        elif kind is OrderType.STOP and limit is not None:
            kind = OrderType.STOP_LIMIT
        trails = kind is OrderType.TRAILING_STOP
        return OrderRequest(
            symbol=self.asset.symbol,
            side=draft.side,
            type=kind,
            quantity=quantity,
            time_in_force=draft.time_in_force,
            limit_price=limit,
            stop_price=draft.stop_price if kind in (OrderType.STOP, OrderType.STOP_LIMIT) else None,
            trail_price=draft.trail_price if trails else None,
            trail_percent=draft.trail_percent if trails else None,
            client_order_id=self.client_order_id,
        )


def _text(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)


def order_json(order: Order, *, nested: bool = False, stream: bool = False) -> dict[str, Any]:
    """
    Args:
        nested: With its legs.
        stream: As in a frame: it says when a cancel was asked for, and leaves out where the order came from.
    """
    draft = order.draft
    average = order.average
    if average is not None and average != average.quantize(_SIX):
        average = average.quantize(_SIX)
    intent = f"{draft.side.value}_to_{'open' if order.opens else 'close'}"
    body: dict[str, Any] = {
        "id": order.id,
        "client_order_id": order.client_order_id,
        "created_at": zulu(order.created_at),
        "updated_at": zulu(order.updated_at),
        "submitted_at": zulu(order.submitted_at),
        "filled_at": zulu(order.filled_at),
        "expired_at": zulu(order.expired_at),
        "canceled_at": zulu(order.canceled_at),
        "failed_at": zulu(order.failed_at),
        "replaced_at": zulu(order.replaced_at),
        "replaced_by": order.replaced_by,
        "replaces": order.replaces,
        "asset_id": order.asset.id,
        "symbol": order.asset.symbol,
        "asset_class": order.asset.kind,
        "notional": _text(draft.notional),
        "qty": None if draft.notional is not None else _text(order.quantity),
        "filled_qty": plain(order.filled),
        "filled_avg_price": _text(average),
        "order_class": draft.order_class,
        "order_type": draft.type.value,
        "type": draft.type.value,
        "side": draft.side.value,
        "position_intent": draft.position_intent or intent,
        "time_in_force": draft.time_in_force.value,
        "limit_price": _text(draft.limit_price),
        "stop_price": _text(order.stop_price),
        "status": order.status,
        "extended_hours": draft.extended_hours,
        "legs": [order_json(leg, stream=stream) for leg in order.legs] if nested and order.legs else None,
        "trail_percent": _text(draft.trail_percent),
        "trail_price": _text(draft.trail_price),
        "hwm": _text(order.hwm),
        "expires_at": zulu(order.expires_at),
    }
    if stream:
        return body | {"cancel_requested_at": zulu(order.cancel_requested_at)}
    return body | {"subtag": None, "source": None}
