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

from engine.brokers.alpaca.wire import FillActivity, Order, Position, TradeUpdate
from engine.clock import utc
from engine.errors import InvalidRequest, RemoteProtocolError
from engine.facts import ExecutionCorrected, ExecutionReported, OrderReported
from engine.model import (
    ZERO,
    Correction,
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
    "update_reported",
    "venue_position",
]

_STATUS = {status.value: status for status in VenueStatus if status is not VenueStatus.RESTING} | dict.fromkeys(
    # "held": the leg of a bracket before its turn.
    ("pending_new", "accepted_for_bidding", "pending_review", "held"),
    VenueStatus.ACCEPTED,
)
_SIDES = {side.value: side for side in Side}
_FILLS = frozenset({"fill", "partial_fill", "filled", "partially_filled"})  # the last two: clients have seen them
_CHANGES = frozenset({"trade_bust", "trade_correct"})
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
    return _SIDES.get(word) or _SIDES.get(word.partition("_")[0])


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
    return _pictured(
        order, symbol, side, asked=asked, replaces=order.replaces or continues, request=_request(order, symbol, side)
    )


def _pictured(
    order: Order,
    symbol: str,
    side: Side,
    *,
    asked: datetime,
    replaces: str | None,
    execution: Execution | None = None,
    request: OrderRequest | None = None,
) -> OrderReported:
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
        execution=execution,
        replaces=replaces,
        request=request,
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


def update_reported(
    update: TradeUpdate, names: Mapping[str, str], *, received: datetime
) -> OrderReported | ExecutionCorrected | None:
    """
    What a frame of the stream says: the order's picture with its execution if it tells one, or a correction.

    An event that is new to us, and a fill that does not say how much at which price, is the order's picture alone. The
    request is left out: an order that we do not know is adopted from a listing.

    Args:
        received: Stands in where the frame has no moment of its own.

    Returns:
        None: an order without a side, as several-legged options orders are; we send none.

    Raises:
        RemoteProtocolError: The numbers of an execution or a correction make no sense, or a correction does not say
            which execution it changes; left out, it would be a lost fill.
    """
    order = update.order
    side = side_of(order.side or "")
    if side is None:
        return None
    symbol = named(order.symbol or "", order.asset_id, names)
    event = update.event
    try:
        if event in _CHANGES:
            return _corrected(update, symbol, side, received)
        execution = _executed(update, received) if event in _FILLS else None
    except InvalidRequest as error:
        raise RemoteProtocolError(f"event {event} of order {order.id}: {error}") from error
    return _pictured(order, symbol, side, asked=received, replaces=order.replaces, execution=execution)


def _executed(update: TradeUpdate, received: datetime) -> Execution | None:
    name = update.execution_id or update.event_id
    if name is None or update.qty is None or update.price is None:
        return None
    return Execution(
        id=str(name),
        cumulative=update.order.filled_qty or ZERO,
        quantity=update.qty,
        price=update.price,
        at=utc(update.timestamp or update.at or received),
        position_after=update.position_qty,
    )


def _corrected(update: TradeUpdate, symbol: str, side: Side, received: datetime) -> ExecutionCorrected:
    order, event = update.order, update.event
    which = update.previous_execution_id or update.execution_id
    if which is None:
        raise RemoteProtocolError(f"event {event} of order {order.id}: neither previous_execution_id nor execution_id")
    quantity, price = update.qty, update.price
    if event == "trade_bust":  # nothing is left, so its price is of no use; but it has to be one
        quantity, price = ZERO, price or order.filled_avg_price or order.limit_price or Decimal(1)
    if price is None or quantity is None:
        raise RemoteProtocolError(f"event {event} of order {order.id}: no qty or no price")
    at = utc(update.timestamp or update.at or received)
    # The next correction may name this one; what has no id of its own is known by what it changes, and when.
    own = update.execution_id if update.previous_execution_id else None
    correction = Correction(
        id=str(own or update.event_id or f"{which}@{at.isoformat()}"),
        execution_id=which,
        quantity=quantity,
        price=price,
        at=at,
    )
    return ExecutionCorrected(
        at=at,
        client_order_id=order.client_order_id or None,
        broker_order_id=order.id,
        symbol=symbol,
        side=side,
        correction=correction,
    )


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
