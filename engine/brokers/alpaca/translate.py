"""
Between Alpaca's words and ours; pure.

What we cannot express is told without a request, never guessed: an order for an amount of money, a word that is new to
us. An unknown status means "known, not working now", for it must not end an order. Brackets are the engine's own, so
the ``exits`` of a request are not sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from engine.brokers.alpaca.wire import FillActivity, Order, Position
from engine.clock import utc
from engine.errors import InvalidRequest, RemoteProtocolError
from engine.facts import ExecutionReported, OrderReported
from engine.model import (
    ZERO,
    Execution,
    OrderRequest,
    OrderType,
    Replacement,
    Side,
    TimeInForce,
    VenuePosition,
    VenueStatus,
)

__all__ = [
    "body_of",
    "change_body",
    "execution_reported",
    "named",
    "order_reported",
    "plain",
    "side_of",
    "status_of",
    "venue_position",
]

_STATUS = {status.value: status for status in VenueStatus if status is not VenueStatus.RESTING} | dict.fromkeys(
    # "held": the leg of a bracket before its turn.
    ("pending_new", "accepted_for_bidding", "pending_review", "held"),
    VenueStatus.ACCEPTED,
)
_TYPES = {kind.value: kind for kind in OrderType}
_TIMES = {kind.value: kind for kind in TimeInForce}
_PRICES: dict[OrderType, tuple[str, ...]] = {
    OrderType.MARKET: (),
    OrderType.LIMIT: ("limit_price",),
    OrderType.STOP: ("stop_price",),
    OrderType.STOP_LIMIT: ("limit_price", "stop_price"),
    OrderType.TRAILING_STOP: ("trail_price", "trail_percent"),  # its stop_price is derived
}


# --- what we send -----------------------------------------------------------------------------------------------------


def plain(number: Decimal) -> str:
    """The number in full, without exponent and without zeros at the end: what Alpaca sends itself."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def body_of(request: OrderRequest) -> dict[str, str]:
    """The body of POST /v2/orders."""
    body = {
        "symbol": request.symbol,
        "qty": plain(request.quantity),
        "side": request.side.value,
        "type": request.type.value,
        "time_in_force": request.time_in_force.value,
        "client_order_id": request.id,
    }
    return body | _numbers(request, _PRICES[request.type])


def change_body(change: Replacement) -> dict[str, str]:
    """The body of PATCH /v2/orders/{id}; Alpaca's ``qty`` is the new total too."""
    body = {"client_order_id": change.client_order_id}
    if change.quantity is not None:
        body["qty"] = plain(change.quantity)
    return body | _numbers(change, ("limit_price", "stop_price"))


def _numbers(values: object, names: tuple[str, ...]) -> dict[str, str]:
    found = {name: getattr(values, name) for name in names}
    return {name: plain(number) for name, number in found.items() if number is not None}


# --- what we are told -------------------------------------------------------------------------------------------------


def status_of(word: str) -> VenueStatus:
    """Alpaca's status in our words; done_for_day, stopped, suspended, calculated and new words: RESTING."""
    return _STATUS.get(word, VenueStatus.RESTING)


def side_of(word: str) -> Side | None:
    """Also of "sell_short" and its like; None: the parent of an options order has none."""
    for side in Side:
        if word == side.value or word.startswith(f"{side.value}_"):
            return side
    return None


def named(symbol: str, asset_id: str | None, names: Mapping[str, str]) -> str:
    """
    A symbol as orders spell it.

    Args:
        names: That spelling by asset id; "BTCUSD" alone does not tell where its slash belongs.
    """
    return names.get(asset_id or "", symbol.strip())


def order_reported(
    order: Order, names: Mapping[str, str], *, asked: datetime, continues: str | None = None
) -> OrderReported | None:
    """
    The venue's picture of an order.

    Args:
        asked: Stands in where the picture has no moment of its own.
        continues: The order that we asked this one to take the place of, should the picture not say so.

    Returns:
        None: an order without a side, as several-legged options orders are; we send none.
    """
    side = side_of(order.side or "")
    if side is None:
        return None
    symbol = named(order.symbol or "", order.asset_id, names)
    return OrderReported(
        at=utc(order.updated_at or order.submitted_at or order.created_at or asked),
        client_order_id=order.client_order_id or None,
        broker_order_id=order.id,
        symbol=symbol,
        side=side,
        status=status_of(order.status),
        quantity=order.qty,
        cumulative=order.filled_qty or ZERO,
        average=order.filled_avg_price or None,
        replaces=order.replaces or continues,
        request=_request(order, symbol, side),
    )


def _request(order: Order, symbol: str, side: Side) -> OrderRequest | None:
    kind = _TYPES.get(order.type or order.order_type or "")
    lasting = _TIMES.get(order.time_in_force or "")
    if kind is None or lasting is None or order.qty is None:
        return None
    prices = {name: getattr(order, name) for name in _PRICES[kind]}
    try:
        return OrderRequest(
            symbol=symbol,
            side=side,
            type=kind,
            quantity=order.qty,
            time_in_force=lasting,
            client_order_id=order.client_order_id or None,
            **prices,
        )
    except InvalidRequest:
        return None


def execution_reported(fill: FillActivity, names: Mapping[str, str]) -> ExecutionReported:
    """
    An execution among the account's activities; its id is the activity's.

    Args:
        names: Spellings of orders by asset id; an activity has none, so by what is left of them without the slash.

    Raises:
        RemoteProtocolError: It has no side, or its numbers make no sense; left out, it would be a lost fill.
    """
    side = side_of(fill.side)
    if side is None:
        raise RemoteProtocolError(f"activity {fill.id}: side {fill.side!r}, expected buy, sell or sell_short")
    at = utc(fill.transaction_time)
    try:
        execution = Execution(id=fill.id, cumulative=fill.cum_qty, quantity=fill.qty, price=fill.price, at=at)
    except InvalidRequest as error:
        raise RemoteProtocolError(f"activity {fill.id}: {error}") from error
    spelt = {name.replace("/", ""): name for name in names.values()}
    symbol = fill.symbol.strip()
    return ExecutionReported(
        at=at, broker_order_id=fill.order_id, symbol=spelt.get(symbol, symbol), side=side, execution=execution
    )


def venue_position(held: Position, names: Mapping[str, str]) -> VenuePosition | None:
    """
    What is held of one asset; None: nothing.

    What was given for nothing has an average price of 0; the current price stands in for it.

    Raises:
        RemoteProtocolError: Neither price is a price.
    """
    if not held.qty:
        return None
    quantity = -abs(held.qty) if held.side == "short" else held.qty
    price = held.avg_entry_price or held.current_price
    if price is None:
        raise RemoteProtocolError(f"position {held.symbol}: no avg_entry_price and no current_price")
    try:
        return VenuePosition(
            symbol=named(held.symbol, held.asset_id, names), quantity=quantity, average_price=abs(price)
        )
    except InvalidRequest as error:
        raise RemoteProtocolError(f"position {held.symbol}: {error}") from error
