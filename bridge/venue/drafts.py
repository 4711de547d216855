"""
A body of POST /v2/orders or PATCH read: which fields there are, and whether they are what they have to be.

Numbers come as text or as numbers; fields that nobody knows are ignored. Whether the market would take the order is
another matter (`rules`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any, TypeVar

from bridge.venue.assets import Assets
from bridge.venue.errors import Refused, misunderstood, unsuited, wrong_combination
from bridge.venue.orders import Draft
from engine.model import OrderType, Side, TimeInForce

__all__ = ["body_of", "draft_of", "flag", "number", "text"]

_Word = TypeVar("_Word", bound=Enum)
_MOST = Decimal(10) ** 12
_DECIMALS = -9
_CLASSES = ("", "simple", "bracket", "oco", "oto")
_INTENTS = ("buy_to_open", "buy_to_close", "sell_to_open", "sell_to_close")
_NO = ("false", "0", "")


def _no_constant(name: str) -> None:
    raise ValueError(name)


def body_of(raw: bytes) -> dict[str, Any]:
    """The JSON object of a request; floating numbers as they were written."""
    try:
        body = json.loads(raw or b"{}", parse_float=Decimal, parse_constant=_no_constant)
        if b"\\u" in raw:  # half of a character can be escaped, and never be written again
            json.dumps(body, ensure_ascii=False, default=str).encode()
    except (ValueError, RecursionError, InvalidOperation):
        body = None
    if not isinstance(body, dict):
        raise Refused(misunderstood("request body format is invalid"))
    return body


def text(body: Mapping[str, Any], name: str) -> str | None:
    """None: it is not there, null or empty."""
    value = body.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise Refused(misunderstood(f"{name} must be a string"))
    return value


def number(body: Mapping[str, Any], name: str, *, label: str | None = None) -> Decimal | None:
    """A number above zero with at most nine decimals; None: it is not there."""
    value, label = body.get(name), label or name
    if value is None or value == "":
        return None
    try:
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise InvalidOperation
        found = Decimal(value.strip() if isinstance(value, str) else value)
        if not found.is_finite() or found.adjusted() > 20:
            raise InvalidOperation
    except (InvalidOperation, ValueError):
        raise Refused(misunderstood(f"invalid {label}")) from None
    if found <= 0:
        raise Refused(misunderstood(f"{label} must be > 0"))
    exponent = found.normalize().as_tuple().exponent
    if found >= _MOST or not isinstance(exponent, int) or exponent < _DECIMALS:
        raise Refused(misunderstood(f"{label} must be below {_MOST:f} with at most 9 decimals"))
    return found


def flag(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    if isinstance(value, str) and value.lower() in ("true", "1", *_NO):
        return value.lower() not in _NO
    raise Refused(misunderstood(f"{name} must be true or false"))


def _word(body: Mapping[str, Any], name: str, kind: type[_Word]) -> _Word:
    value = text(body, name)
    if value is None:
        raise Refused(misunderstood(f"{name} is required"))
    for word in kind:
        if word.value == value:
            return word
    raise Refused(misunderstood(f"invalid {name}"))


def _part(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = body.get(name)
    if part is None:
        return {}
    if not isinstance(part, dict):
        raise Refused(misunderstood(f"{name} must be an object"))
    return part


def draft_of(body: Mapping[str, Any], assets: Assets) -> Draft:
    """
    What an order asks for.

    Raises:
        Refused: Something is missing, of a wrong kind, or of no known asset.
    """
    order_class = text(body, "order_class") or ""
    if order_class not in _CLASSES:
        # Options and their strategies of several legs are not traded here.
        raise Refused(misunderstood(f"invalid order_class {order_class}: simple, bracket, oco or oto"))
    symbol = text(body, "symbol")
    if symbol is None:
        raise Refused(misunderstood("symbol is required"))
    asset = assets.find(symbol)
    if asset is None:
        raise Refused(unsuited(f'asset "{symbol}" not found'))
    take_profit, stop_loss = _part(body, "take_profit"), _part(body, "stop_loss")
    name = text(body, "client_order_id")
    if name is not None and len(name) > 128:
        raise Refused(misunderstood("client_order_id must be no more than 128 characters"))
    intent = text(body, "position_intent")
    if intent is not None and intent not in _INTENTS:
        raise Refused(misunderstood("invalid position_intent"))
    qty, notional = number(body, "qty"), number(body, "notional")
    if qty is not None and notional is not None:
        raise Refused(wrong_combination("only one of qty or notional is accepted"))
    if qty is None and notional is None:
        raise Refused(misunderstood("qty is required"))
    profit = number(take_profit, "limit_price", label="take_profit.limit_price")
    limit = number(body, "limit_price")
    if order_class == "oco":  # the order itself takes the profit
        limit = profit = profit or limit
    return Draft(
        asset=asset,
        side=_word(body, "side", Side),
        type=_word(body, "type", OrderType),
        time_in_force=_word(body, "time_in_force", TimeInForce),
        qty=qty,
        notional=notional,
        limit_price=limit,
        stop_price=number(body, "stop_price"),
        trail_price=number(body, "trail_price"),
        trail_percent=number(body, "trail_percent"),
        extended_hours=flag(body, "extended_hours"),
        client_order_id=name,
        order_class="" if order_class == "simple" else order_class,
        take_profit=profit,
        stop_loss=number(stop_loss, "stop_price", label="stop_loss.stop_price"),
        stop_loss_limit=number(stop_loss, "limit_price", label="stop_loss.limit_price"),
        position_intent=intent,
    )
