"""
Whether an account can do what an order asks: what it holds, what it may, what it can pay, and its own other orders.

Each rule raises `Refused` or says nothing, and changes nothing.
"""

from __future__ import annotations

from decimal import Decimal

from bridge.venue.accounts import Account, Prices
from bridge.venue.errors import (
    Refused,
    forbidden,
    insufficient_balance,
    insufficient_buying_power,
    insufficient_quantity,
    misunderstood,
    unsuited,
    wash_trade,
)
from bridge.venue.orders import Draft
from bridge.venue.rules import Quoted
from engine.model import ZERO, OrderType, Side

__all__ = [
    "check_account",
    "check_costs",
    "check_free",
    "check_position",
    "check_unique",
    "check_wash",
    "estimated",
    "would_open",
]

_SHORT = Decimal("1.03")
_LEAST_EQUITY = Decimal(2000)
_FIFTY = Decimal(50)
_CHEAP, _DEAR = Decimal("1.04"), Decimal("1.025")
_RESTING = (OrderType.LIMIT, OrderType.STOP_LIMIT)


def check_unique(account: Account, client_order_id: str | None) -> None:
    if client_order_id is not None and client_order_id in account.clients:
        raise Refused(misunderstood("client_order_id must be unique"))


def check_account(account: Account, draft: Draft) -> None:
    """What the owner has switched off."""
    settings = account.configurations
    if settings["suspend_trade"]:
        raise Refused(forbidden("new orders are rejected by user request"))
    if draft.fractional and not settings["fractional_trading"]:
        raise Refused(forbidden("fractional trading is not enabled for this account"))


def estimated(draft: Draft, quoted: Quoted, *, opens: bool) -> Decimal:
    """What a base unit is taken to cost until it is filled, quote units; more than it will, for the market moves."""
    if not draft.buying and opens:
        return max(draft.limit_price or draft.stop_price or ZERO, quoted.ask * _SHORT)
    if draft.limit_price is not None:
        return draft.limit_price
    price = draft.stop_price or quoted.taking(buying=draft.buying)
    return price * (_CHEAP if price < _FIFTY else _DEAR)


def would_open(account: Account, draft: Draft) -> bool:
    """Whether an order opens or enlarges a position, rather than closing what is held."""
    held = account.quantity(draft.asset)
    return held == 0 or (held > 0) is draft.buying


def check_position(account: Account, draft: Draft, quoted: Quoted, prices: Prices) -> None:
    """No order both closes and opens: what is more than what is free to close is refused."""
    asset = draft.asset
    if would_open(account, draft):
        if draft.order_class == "oco":
            raise Refused(unsuited("oco orders must be exit orders"))
        if not draft.buying:
            _check_short(account, draft, quoted, prices)
        elif any(o.opens and not o.draft.buying and o.asset is asset for o in account.open.values()):
            raise Refused(forbidden("cannot open a long buy while a short sell order is open"))
        if draft.notional is not None and not asset.crypto and _closing(account, draft):
            raise Refused(forbidden("unable to open new notional orders while having open closing position orders"))
    else:
        if draft.order_class in ("bracket", "oto"):
            raise Refused(unsuited(f"{draft.order_class} orders must be entry orders"))
        wanted = draft.qty
        if wanted is None:
            wanted = (draft.notional or ZERO) / (draft.limit_price or quoted.taking(buying=draft.buying))
        check_free(account, draft, wanted)


def _closing(account: Account, draft: Draft) -> bool:
    return any(not order.opens and order.asset is draft.asset for order in account.open.values())


def check_free(account: Account, draft: Draft, wanted: Decimal, *, without: Decimal = ZERO) -> None:
    """
    Args:
        wanted: Base units that the order is going to close.
        without: Of what open orders hold, what belongs to the order that this one replaces.
    """
    asset, held = draft.asset, account.quantity(draft.asset)
    by_orders, orders = account.held_by_orders(asset, draft.side)
    free = max(abs(held) - by_orders + without, ZERO)
    if wanted <= free:
        return
    if asset.crypto:
        raise Refused(insufficient_balance(asset.coin, wanted, free))
    raise Refused(
        insufficient_quantity(
            asset.symbol, requested=wanted, available=free, existing=abs(held), held=by_orders, orders=orders
        )
    )


def _check_short(account: Account, draft: Draft, quoted: Quoted, prices: Prices) -> None:
    asset = draft.asset
    if asset.crypto:
        raise Refused(insufficient_balance(asset.coin, draft.qty or draft.notional or ZERO, ZERO))
    if draft.fractional:
        raise Refused(unsuited("fractional orders cannot be sold short"))
    if not asset.shortable:
        raise Refused(unsuited(f'asset "{asset.symbol}" cannot be sold short'))
    if account.multiplier < 2 or account.configurations["no_shorting"] or account.equity(prices) < _LEAST_EQUITY:
        raise Refused(forbidden("account is not allowed to short"))
    if any(order.opens and order.draft.buying and order.asset is asset for order in account.open.values()):
        raise Refused(forbidden("cannot open a short sell while a long buy order is open"))


def check_costs(account: Account, draft: Draft, cost: Decimal, prices: Prices, *, without: Decimal = ZERO) -> None:
    """
    Args:
        cost: What an order that opens may come to, quote units.
        without: Of what open orders claim, what belongs to the order that this one replaces.
    """
    if draft.asset.crypto:
        free = account.buying_power(prices, 1) + without
        if cost > free:
            raise Refused(insufficient_balance("USD", cost, free))
        return
    free = account.buying_power(prices) + without
    if cost > free:
        raise Refused(insufficient_buying_power(free, cost))


# --- trading with oneself ---------------------------------------------------------------------------------------------


def check_wash(account: Account, draft: Draft) -> None:
    """An order that could trade with an open one of the same account; brackets, OCOs and trailing stops are exempt."""
    if _exempt(draft):
        return
    for order in account.open.values():
        other = order.draft
        if order.asset is not draft.asset or other.side is draft.side or _exempt(other):
            continue
        buy, sell = (draft, other) if draft.buying else (other, draft)
        limits = (buy.limit_price, sell.limit_price)
        if draft.type not in _RESTING or other.type not in _RESTING:
            resting = other.type in _RESTING
            reason = f"opposite side {'limit' if resting else 'market/stop'} order exists"
            raise Refused(wash_trade(order.id, reason, *limits))
        assert buy.limit_price is not None and sell.limit_price is not None  # both rest at a limit
        if buy.limit_price >= sell.limit_price:
            if other.side is Side.SELL:
                reason = "sell order exists, buy limit price should be less than existing sell limit price"
            else:
                reason = "buy order exists, sell limit price should be greater than existing buy limit price"
            raise Refused(wash_trade(order.id, reason, *limits))


def _exempt(draft: Draft) -> bool:
    return draft.order_class in ("bracket", "oco") or draft.type is OrderType.TRAILING_STOP
