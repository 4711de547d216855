"""
The rules of a symbol that rounding cannot keep: what is forbidden, and what is out of bounds.

A close is judged by what the venue says of itself (types, quantities, its notional at its own price), never by what may
be out of date here: flags, counts, and the market's price. The venue has the last word on those, and a position that
cannot be left is worse than an order that comes back.
"""

from __future__ import annotations

from decimal import Decimal

from attrs import frozen

from engine.model import ZERO, Exits, OrderRequest, OrderType, Side, TimeInForce
from engine.risk.grid import EXACT, ceil_to, floor_to, next_above, next_below, off_grid, round_down, round_up, steps_up
from engine.risk.symbols import Fractions, SymbolProperties

__all__ = ["Breach", "forbidden", "lot_for", "out_of_bounds", "plain", "quantities_near"]


@frozen
class Breach:
    """
    A rule that an order breaks.

    Attributes:
        code: Stable, for programs.
        what: The rule, for people, with the value and the bound.
        value, bound: In the rule's unit.
        field: What of the request would have to change, "quantity" or "exits.stop_loss"; None: nothing helps.
        candidates: What it might be changed to; whether the order then passes is not checked yet.
    """

    code: str
    what: str
    value: str | None = None
    bound: str | None = None
    field: str | None = None
    candidates: tuple[Decimal | TimeInForce | None, ...] = ()


def plain(number: Decimal) -> str:
    """Without an exponent, unless that would be long, and without zeros at the end of more than two places."""
    if not -40 < number.adjusted() < 40:
        return str(number)
    whole, _, places = format(number, "f").partition(".")
    places = places[:2] + places[2:].rstrip("0")
    return f"{whole}.{places}" if places else whole


# --- what is forbidden ------------------------------------------------------------------------------------------------


def forbidden(request: OrderRequest, properties: SymbolProperties, closes: bool, open_orders: int) -> Breach | None:
    """The first rule that has nothing to do with numbers."""
    if properties.order_types is not None and (unknown := _type_refused(request, properties.order_types)) is not None:
        allowed = _named(properties.order_types)
        what = f"{properties.symbol} takes no {unknown.value} order, only {allowed}"
        return Breach("ORDER_TYPE", what, unknown.value, allowed)
    times = properties.times_in_force
    if times is not None and request.time_in_force not in times:
        value, allowed = request.time_in_force.value, _named(times)
        what = f"{properties.symbol} takes no {value} order, only {allowed}"
        others = tuple(each for each in TimeInForce if each in times)
        return Breach("TIME_IN_FORCE", what, value, allowed, "time_in_force", others)
    return None if closes else _closed_to_entries(request, properties, open_orders)


def _type_refused(request: OrderRequest, allowed: frozenset[OrderType]) -> OrderType | None:
    if request.type not in allowed:
        return request.type
    exits = request.exits
    if exits is None:
        return None
    if exits.take_profit is not None and OrderType.LIMIT not in allowed:
        return OrderType.LIMIT
    if exits.stop_loss is not None:
        kind = OrderType.STOP if exits.stop_limit is None else OrderType.STOP_LIMIT
        return None if kind in allowed else kind
    return None


def _closed_to_entries(request: OrderRequest, properties: SymbolProperties, open_orders: int) -> Breach | None:
    symbol = properties.symbol
    if not properties.tradable:
        return Breach("NOT_TRADABLE", f"{symbol} is not tradable: a position can only be closed")
    if properties.halted:
        return Breach("HALTED", f"trading in {symbol} is halted: a position can only be closed")
    if request.side is Side.SELL:
        if not properties.shortable:
            return Breach("NOT_SHORTABLE", f"{symbol} cannot be sold short")
        if not properties.easy_to_borrow:
            return Breach("NOT_SHORTABLE", f"{symbol} cannot be sold short: it is hard to borrow")
    most = properties.max_open_orders
    if most is not None and open_orders >= most:
        what = f"{open_orders} orders in {symbol} are open, {most} may be"
        return Breach("MAX_OPEN_ORDERS", what, str(open_orders), str(most))
    return None


def _named(kinds: frozenset[OrderType] | frozenset[TimeInForce]) -> str:
    return ", ".join(sorted(kind.value for kind in kinds))


# --- quantities -------------------------------------------------------------------------------------------------------


def lot_for(request: OrderRequest, properties: SymbolProperties, closes: bool, pair: bool) -> Decimal:
    """What the order's quantity has to be a multiple of."""
    fractions = properties.fractions
    if (
        fractions is not None
        and not pair
        and request.exits is None
        and request.type in fractions.order_types
        and request.time_in_force in fractions.times_in_force
        and (closes or request.side is Side.BUY)
    ):
        return fractions.lot
    if request.type is OrderType.MARKET and properties.market_lot is not None:
        return properties.market_lot
    return properties.lot


def quantities_near(
    request: OrderRequest,
    properties: SymbolProperties,
    step: Decimal,
    reference: Decimal | None,
    closes: bool,
    limit: Decimal | None,
) -> tuple[Decimal, ...]:
    """
    What is nearest to the order's quantity within the bounds of quantities, with and without fractions.

    Args:
        step: What quantities of the order are multiples of.
        limit: What is there to close, or how much the position may still grow; None: any.
    """
    grids = [(step, properties.min_notional)]
    fractions = properties.fractions
    if fractions is not None and step == fractions.lot:
        grids = [(step, _stricter(properties.min_notional, fractions)), (properties.lot, properties.min_notional)]
    price = _measured_at(request, properties, reference, closes)
    unit = None if price is None else EXACT.multiply(price, properties.multiplier)
    near = [] if limit is None else [limit]
    for grid, notional in grids:
        low, highs = grid, [high for high in (_most(request, properties), limit) if high is not None]
        if (least := _least(request, properties)) is not None:
            low = ceil_to(least, grid)
        if unit is not None:
            worth = EXACT.multiply(unit, grid)  # of one step
            if notional is not None:
                low = max(low, EXACT.multiply(steps_up(notional, worth), grid))
            if properties.max_notional is not None:
                highs.append(EXACT.multiply(EXACT.divide_int(properties.max_notional, worth), grid))
        high = floor_to(max(min(highs), ZERO), grid) if highs else None
        for quantity in (floor_to(request.quantity, grid), ceil_to(request.quantity, grid)):
            if high is None:
                near.append(max(quantity, low))
            elif low <= high:
                near.append(min(max(quantity, low), high))
    return tuple(dict.fromkeys(near))


def _stricter(notional: Decimal | None, fractions: Fractions) -> Decimal | None:
    """The least notional of a fraction, quote units."""
    if notional is None or fractions.min_notional is None:
        return notional or fractions.min_notional
    return max(notional, fractions.min_notional)


def _least(request: OrderRequest, properties: SymbolProperties) -> Decimal | None:
    if request.type is OrderType.MARKET and properties.market_min_quantity is not None:
        return properties.market_min_quantity
    return properties.min_quantity


def _most(request: OrderRequest, properties: SymbolProperties) -> Decimal | None:
    if request.type is OrderType.MARKET and properties.market_max_quantity is not None:
        return properties.market_max_quantity
    return properties.max_quantity


def _measured_at(
    request: OrderRequest, properties: SymbolProperties, reference: Decimal | None, closes: bool
) -> Decimal | None:
    """The price that counts for the notional, quote units; None: it does not count, or nobody knows the price."""
    if request.limit_price is not None:
        return request.limit_price
    if request.stop_price is not None:
        return request.stop_price
    return reference if properties.market_notional and not closes else None


# --- what is out of bounds --------------------------------------------------------------------------------------------


def out_of_bounds(
    request: OrderRequest,
    properties: SymbolProperties,
    *,
    reference: Decimal | None,
    closes: bool,
    pair: bool,
    excused: bool,
    size: Decimal,
) -> Breach | None:
    """
    The first bound that an order on the grid breaks.

    Args:
        pair: The exits of the request are the other order of an OCO pair.
        excused: It closes the exact holding, whatever the least quantity and notional are.
        size: What the position may come to without this order, base units without sign; of an order that opens.
    """
    quantity = request.quantity
    least, most = _least(request, properties), _most(request, properties)
    if least is not None and quantity < least and not excused:
        what = f"quantity {plain(quantity)} is below the least, {plain(least)}"
        return Breach("MIN_QUANTITY", what, plain(quantity), plain(least), "quantity")
    if most is not None and quantity > most:
        what = f"quantity {plain(quantity)} is above the most of one order, {plain(most)}"
        return Breach("MAX_QUANTITY", what, plain(quantity), plain(most), "quantity")
    breach = _notional(request, properties, reference, closes, excused)
    if breach is None and request.exits is not None:
        breach = _exits(request, request.exits, properties, reference, closes, pair)
    if breach is not None or closes:
        return breach
    if request.limit_price is not None:
        breach = _band(request, request.limit_price, properties, reference)
    if breach is None and request.stop_price is not None and properties.min_stop_distance is not None:
        breach = _stop_side(request, request.stop_price, properties, reference)
    largest = properties.max_position
    if breach is None and largest is not None and (after := EXACT.add(size, quantity)) > largest:
        what = f"the position may come to {plain(after)}, {plain(largest)} is the largest"
        return Breach("MAX_POSITION", what, plain(after), plain(largest), "quantity")
    return breach


def _notional(
    request: OrderRequest, properties: SymbolProperties, reference: Decimal | None, closes: bool, excused: bool
) -> Breach | None:
    least, most = properties.min_notional, properties.max_notional
    fractions = properties.fractions
    if fractions is not None and fractions.min_notional is not None and off_grid(request.quantity, properties.lot):
        least = _stricter(least, fractions)
    if excused:
        least = None
    if least is None and most is None:
        return None
    price = _measured_at(request, properties, reference, closes)
    if price is None:
        judged = properties.market_notional and not closes
        return _no_price(request, "its notional") if judged else None
    notional = EXACT.multiply(EXACT.multiply(price, request.quantity), properties.multiplier)
    if least is not None and notional < least:
        what = f"{plain(request.quantity)} at {plain(price)} is worth {plain(notional)}, less than {plain(least)}"
        return Breach("MIN_NOTIONAL", what, plain(notional), plain(least), "quantity")
    if most is not None and notional > most:
        what = f"{plain(request.quantity)} at {plain(price)} is worth {plain(notional)}, more than {plain(most)}"
        return Breach("MAX_NOTIONAL", what, plain(notional), plain(most), "quantity")
    return None


def _band(
    request: OrderRequest, price: Decimal, properties: SymbolProperties, reference: Decimal | None
) -> Breach | None:
    band = properties.buy_band if request.side is Side.BUY else properties.sell_band
    if band is None:
        return None
    if reference is None:
        return _no_price(request, "how far its limit is from the market")
    low, high = EXACT.multiply(reference, band.low), EXACT.multiply(reference, band.high)
    if low <= price <= high:
        return None
    what = f"limit_price {plain(price)} is not from {plain(low)} to {plain(high)}, the band round {plain(reference)}"
    near = (round_up(properties.ticks, low), round_down(properties.ticks, high))
    bound = low if price < low else high
    return Breach("PRICE_BAND", what, plain(price), plain(bound), "limit_price", near)


def _stop_side(
    request: OrderRequest, stop: Decimal, properties: SymbolProperties, reference: Decimal | None
) -> Breach | None:
    """A stop that opens, from the side of the market on which it would trigger at once."""
    if reference is None:
        return _no_price(request, "on which side of the market its stop is")
    buying = request.side is Side.BUY
    if stop > reference if buying else stop < reference:
        return None
    where = "above" if buying else "below"
    what = f"stop_price {plain(stop)} of a {request.side.value} is not {where} the market at {plain(reference)}"
    near = (next_above if buying else next_below)(properties.ticks, reference)
    return Breach("STOP_SIDE", what, plain(stop), plain(reference), "stop_price", (near,))


def _exits(
    request: OrderRequest,
    exits: Exits,
    properties: SymbolProperties,
    reference: Decimal | None,
    closes: bool,
    pair: bool,
) -> Breach | None:
    stop = exits.stop_loss
    if stop is None:
        return None
    ticks, selling = properties.ticks, (request.side is Side.SELL) is pair
    side, where = ("sell", "below") if selling else ("buy", "above")
    profit = request.limit_price if pair else exits.take_profit
    if profit is not None and (profit <= stop if selling else profit >= stop):
        what = f"the stop-loss at {plain(stop)}, a {side}, is not {where} the take-profit at {plain(profit)}"
        near = (next_below if selling else next_above)(ticks, profit)
        return Breach("EXITS_CROSSED", what, plain(stop), plain(profit), "exits.stop_loss", (near,))
    distance = properties.min_stop_distance
    if distance is None:
        return None
    bases = [] if request.limit_price is None else [request.limit_price]
    if reference is not None and not closes:
        bases.append(reference)
    if not bases:
        return None if closes else _no_price(request, "how far its stop-loss is from the market")
    if selling:
        base = min(bases)
        bound = EXACT.subtract(base, distance)
        passes, wrong, near = stop <= bound, stop >= base, round_down(ticks, max(bound, ZERO))
    else:
        base = max(bases)
        bound = EXACT.add(base, distance)
        passes, wrong, near = stop >= bound, stop <= base, round_up(ticks, bound)
    if passes:
        return None
    code = "STOP_SIDE" if wrong else "STOP_DISTANCE"
    what = f"the stop-loss at {plain(stop)}, a {side}, is not {plain(distance)} {where} {plain(base)}"
    return Breach(code, what, plain(stop), plain(bound), "exits.stop_loss", (near,))


def _no_price(request: OrderRequest, what: str) -> Breach:
    return Breach("NO_PRICE", f"no price of {request.symbol} is known yet, so nobody can tell {what}", request.symbol)
