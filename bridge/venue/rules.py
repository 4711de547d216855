"""
What Alpaca refuses of an order before it is one: rules of the order alone, and of the market as it stands.

Each rule raises `Refused` or says nothing, and changes nothing. What depends on the account is in `means`.
"""

from __future__ import annotations

from datetime import datetime, time
from decimal import Decimal

from attrs import frozen

from bridge.venue.errors import (
    Refused,
    exit_beyond,
    forbidden,
    misunderstood,
    stop_beyond,
    sub_penny,
    unsuited,
)
from bridge.venue.orders import Draft
from bridge.venue.spelling import NEW_YORK
from engine.errors import InvalidRequest
from engine.model import OrderType, TimeInForce, require_positive

__all__ = ["Quoted", "check_increment", "check_order", "check_stop", "require_price", "workable"]

_DOLLAR = Decimal(1)
_CENT = Decimal("0.01")
_LEAST_CRYPTO = Decimal(10)
_MOST_CRYPTO = Decimal(200_000)
_LASTING = (TimeInForce.DAY, TimeInForce.GTC)
_AUCTIONS = (TimeInForce.OPG, TimeInForce.CLS)
_PARTIAL_TYPES = (OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT)
_CRYPTO_TYPES = (OrderType.MARKET, OrderType.LIMIT, OrderType.STOP_LIMIT)
_NEEDS = {
    OrderType.MARKET: (),
    OrderType.LIMIT: ("limit_price",),
    OrderType.STOP: ("stop_price",),
    OrderType.STOP_LIMIT: ("limit_price", "stop_price"),
    OrderType.TRAILING_STOP: (),
}


_LEAST_PRICE, _BEYOND_PRICES = Decimal("0.000000001"), Decimal(10) ** 12


def require_price(name: str, price: Decimal) -> None:
    """
    What the books can count in: quantities as large as an order's at this price, and sums of them.

    Raises:
        InvalidRequest: It is no such price.
    """
    require_positive(name, price)
    if not _LEAST_PRICE <= price < _BEYOND_PRICES:
        raise InvalidRequest(name, price, f"a price from {_LEAST_PRICE:f} to below {_BEYOND_PRICES:,}")


@frozen(kw_only=True)
class Quoted:
    """
    The market of an asset at a moment.

    Attributes:
        price, bid, ask: Quote units.
        now: UTC.
    """

    price: Decimal
    bid: Decimal
    ask: Decimal
    now: datetime

    def taking(self, *, buying: bool) -> Decimal:
        return self.ask if buying else self.bid


def workable(draft: Draft) -> bool:
    """Whether a market could work the order, whatever the venue says of it: a single one, with the prices it needs."""
    if draft.order_class or draft.qty is None or not (draft.asset.active and draft.asset.tradable):
        return False
    if draft.time_in_force in _AUCTIONS and draft.type not in (OrderType.MARKET, OrderType.LIMIT):
        return False
    try:
        _check_prices(draft)
    except Refused:
        return False
    return True


def check_order(draft: Draft, quoted: Quoted, *, small: bool = False) -> None:
    """
    All rules that need no account.

    Args:
        small: It may be for less than the least amount: it closes what is left of a position.
    """
    _check_asset(draft)
    _check_prices(draft)
    _check_trailing(draft)
    if draft.asset.crypto:
        _check_crypto(draft)
    else:
        _check_share(draft)
        _check_extended(draft)
        _check_auction(draft, quoted.now)
        for name in ("limit_price", "stop_price", "take_profit", "stop_loss", "stop_loss_limit"):
            check_increment(_SPELT.get(name, name), getattr(draft, name))
    check_stop(draft, quoted)
    _check_class(draft, quoted)
    _check_amount(draft, quoted, small)


_SPELT = {
    "take_profit": "take_profit.limit_price",
    "stop_loss": "stop_loss.stop_price",
    "stop_loss_limit": "stop_loss.limit_price",
}


def _check_asset(draft: Draft) -> None:
    asset = draft.asset
    if not asset.active:
        raise Refused(misunderstood(f"asset {asset.symbol} is not active"))
    if not asset.tradable:
        raise Refused(unsuited(f'asset "{asset.symbol}" is not tradable'))


def _check_prices(draft: Draft) -> None:
    """The prices that the type needs, and no others."""
    kind = draft.type
    needs = _NEEDS[kind]
    if draft.order_class == "oco" and kind is not OrderType.LIMIT:
        raise Refused(misunderstood("oco orders must be limit orders"))
    for name in ("limit_price", "stop_price"):
        price = getattr(draft, name)
        if name in needs and price is None:
            raise Refused(misunderstood(f"{kind.value} orders require {name}"))
        if name not in needs and price is not None:
            raise Refused(misunderstood(f"{kind.value} orders must not have {name}"))
    trails = (draft.trail_price is not None) + (draft.trail_percent is not None)
    if kind is OrderType.TRAILING_STOP:
        if trails != 1:
            raise Refused(misunderstood("trailing_stop orders require one of trail_price and trail_percent"))
        if draft.trail_percent is not None and draft.trail_percent >= 100:
            raise Refused(misunderstood("trail_percent must be below 100"))
    elif trails:
        raise Refused(misunderstood(f"{kind.value} orders must not have trail_price or trail_percent"))


def _check_trailing(draft: Draft) -> None:
    if draft.type is not OrderType.TRAILING_STOP:
        return
    if draft.time_in_force not in _LASTING:
        raise Refused(unsuited("trailing stop orders must be DAY or GTC orders"))
    if draft.order_class:
        raise Refused(unsuited("trailing stop orders must be simple orders"))


def check_increment(name: str, price: Decimal | None) -> None:
    """Cents from a dollar on, hundredths of a cent below it."""
    if price is None:
        return
    grid = Decimal("0.01") if price >= _DOLLAR else Decimal("0.0001")
    if price % grid:
        raise Refused(sub_penny(name, price))


def check_stop(draft: Draft, quoted: Quoted) -> None:
    """A sell stops below the market, a buy above it."""
    stop = draft.stop_price
    if stop is None:
        return
    if draft.buying and stop <= quoted.price:
        raise Refused(stop_beyond("greater", quoted.price, stop))
    if not draft.buying and stop >= quoted.price:
        raise Refused(stop_beyond("less", quoted.price, stop))


# --- by class of asset ------------------------------------------------------------------------------------------------


def _cost(draft: Draft, quoted: Quoted) -> Decimal:
    if draft.notional is not None:
        return draft.notional
    price = draft.limit_price or draft.stop_price or quoted.taking(buying=draft.buying)
    return (draft.qty or Decimal(0)) * price


def _check_crypto(draft: Draft) -> None:
    if draft.type not in _CRYPTO_TYPES:
        raise Refused(misunderstood("invalid order type for crypto order"))
    if draft.time_in_force not in (TimeInForce.GTC, TimeInForce.IOC):
        raise Refused(unsuited("invalid crypto time_in_force"))
    if draft.order_class:
        raise Refused(unsuited("crypto orders must be simple orders"))
    if draft.extended_hours:
        raise Refused(unsuited("crypto orders must not have extended_hours"))
    if draft.qty is not None and draft.qty < draft.asset.smallest:
        raise Refused(forbidden(f"qty must be >= {draft.asset.smallest:f}"))


def _check_share(draft: Draft) -> None:
    if not draft.fractional:
        return
    if not draft.asset.fractionable:
        raise Refused(forbidden(f'asset "{draft.asset.symbol}" is not fractionable'))
    if draft.time_in_force is not TimeInForce.DAY:
        raise Refused(unsuited("fractional orders must be DAY orders"))
    if draft.order_class:
        raise Refused(unsuited("fractional orders must be simple orders"))
    if draft.type not in _PARTIAL_TYPES:
        raise Refused(unsuited("fractional orders must be market, limit, stop or stop_limit orders"))
    if draft.notional is not None and draft.notional < _DOLLAR:
        raise Refused(unsuited("notional amount must be >= 1.00"))


def _check_amount(draft: Draft, quoted: Quoted, small: bool) -> None:
    """Ten dollars of a coin and one of a share that is ordered in parts, at least."""
    cost = _cost(draft, quoted)
    least = _LEAST_CRYPTO if draft.asset.crypto else _DOLLAR if draft.fractional else Decimal(0)
    if cost < least and not small:
        raise Refused(forbidden(f"cost basis must be >= minimal amount of order {least}"))
    if draft.asset.crypto and cost > _MOST_CRYPTO:
        raise Refused(forbidden(f"cost basis must be <= maximal amount of order {_MOST_CRYPTO}"))


def _check_extended(draft: Draft) -> None:
    if not draft.extended_hours:
        return
    if draft.type is not OrderType.LIMIT or draft.time_in_force not in _LASTING:
        raise Refused(unsuited("extended hours order must be DAY or GTC limit orders"))
    if draft.order_class:
        raise Refused(unsuited("extended hours orders must be simple orders"))


def _check_auction(draft: Draft, now: datetime) -> None:
    lasting, clock = draft.time_in_force, now.astimezone(NEW_YORK).time()
    if lasting not in _AUCTIONS:
        return
    if draft.type not in (OrderType.MARKET, OrderType.LIMIT) or draft.order_class:
        raise Refused(unsuited(f"{lasting.value} orders must be simple market or limit orders"))
    first = time(9, 28) if lasting is TimeInForce.OPG else time(15, 50)
    if first <= clock < time(19):
        raise Refused(unsuited(f"{lasting.value} orders are not accepted between {first:%H:%M} and 19:00 ET"))


# --- brackets, OCO, OTO -----------------------------------------------------------------------------------------------


def _check_class(draft: Draft, quoted: Quoted) -> None:
    kind = draft.order_class
    exits = (draft.take_profit is not None, draft.stop_loss is not None)
    if draft.stop_loss is None and draft.stop_loss_limit is not None:
        raise Refused(misunderstood("stop_loss.stop_price is required"))
    if not kind:
        if any(exits):
            raise Refused(misunderstood("take_profit and stop_loss need an order_class"))
        return
    if draft.time_in_force not in _LASTING:
        raise Refused(unsuited(f"{kind} orders must be DAY or GTC orders"))
    if kind == "oto" and sum(exits) != 1:
        raise Refused(misunderstood("oto orders require one of take_profit and stop_loss"))
    if kind != "oto" and not exits[1]:
        raise Refused(misunderstood(f"{kind} orders require stop_loss.stop_price"))
    if kind == "bracket" and not exits[0]:
        raise Refused(misunderstood("bracket orders require take_profit.limit_price"))
    _check_exits(draft, quoted)


def _check_exits(draft: Draft, quoted: Quoted) -> None:
    """The stop lies a cent or more beyond what is paid or asked for, and the profit on the other side of it."""
    profit, stop = draft.take_profit, draft.stop_loss
    if draft.order_class == "oco":
        profit = draft.limit_price
    if stop is None:
        return
    below = draft.buying if draft.order_class != "oco" else not draft.buying  # the stop of a long position
    bases = [quoted.price]
    if draft.order_class == "oco":
        bases.append(draft.limit_price or quoted.price)
    elif draft.limit_price is not None:
        bases.append(draft.limit_price)
    edge = min(bases) - _CENT if below else max(bases) + _CENT
    if (stop > edge) if below else (stop < edge):
        raise Refused(exit_beyond(below, min(bases) if below else max(bases), stop))
    if profit is not None and ((profit <= stop) if below else (profit >= stop)):
        side = ">" if below else "<"
        raise Refused(misunderstood(f"take_profit.limit_price must be {side} stop_loss.stop_price"))
