"""
Making an order fit the rules of its symbol, or saying why it cannot.

Prices are rounded first, then the quantity, then every bound is checked. What rounds which way:

    a limit                         away from the market: a buy down, a sell up
    a stop that closes              to trigger sooner: a buy down, a sell up; a trail is shortened
    a stop that opens               to trigger later: a buy up, a sell down; a trail is lengthened
    a quantity                      down

A request that fits is handed back as it is, and solving what was solved changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, DecimalException
from typing import Any, NamedTuple

from attrs import evolve

from engine.decisions import Refusal
from engine.model import ZERO, Exits, OrderRequest, OrderType, Side, TimeInForce
from engine.risk.bounds import Breach, forbidden, lot_for, out_of_bounds, plain, quantities_near
from engine.risk.grid import EXACT, Tick, floor_to, off_grid, off_tick, round_down, round_up, tick_at
from engine.risk.symbols import SymbolProperties

__all__ = ["Solved", "solve"]


class Solved(NamedTuple):
    """
    An order that fits. A tuple, for one is made with every order.

    Attributes:
        request: The very object that was given if nothing had to be changed.
        changes: What was changed and why, for people: "limit_price 11.055 → 11.05: tick 0.01, a buy limit rounds down".
    """

    request: OrderRequest
    changes: tuple[str, ...] = ()


def solve(
    request: OrderRequest,
    properties: SymbolProperties,
    *,
    reference: Decimal | None,
    held: Decimal,
    open_orders: int = 0,
    pending: Decimal = ZERO,
    filled: Decimal = ZERO,
    pair: bool = False,
) -> Solved | Refusal:
    """
    The request as the venue takes it, or the rule that it breaks.

    An order against the position closes: it is cut to what is held and never turns the position round. Any other
    opens.

    Args:
        reference: The market's price, quote units; None: not known, and an entry is refused if a rule needs it.
        held: The position, signed, base units.
        open_orders: How many orders in the symbol are open already.
        pending: What live entries may still add to the position, base units without sign.
        filled: How much of this very order has traded already (a replacement), base units.
        pair: It is one of an OCO pair, and its exits, if it has any, are the other one; else exits close what it opens.
    """
    try:
        outcome = _attempt(request, properties, reference, held, open_orders, pending, filled, pair, True)
        if isinstance(outcome, Solved):
            return outcome
        nearest = None
        for candidate in _candidates(request, outcome):
            asked = _with(request, str(outcome.field), candidate)
            answer = _attempt(asked, properties, reference, held, open_orders, pending, filled, pair, False)
            if isinstance(answer, Solved) and _value(answer.request, str(outcome.field)) == candidate:
                nearest = plain(candidate) if isinstance(candidate, Decimal) else candidate.value
                break
    except DecimalException:
        what = "a price or a quantity has too many digits to be counted exactly"
        return Refusal(code="OUT_OF_RANGE", message=what, value=str(request.quantity))
    what = outcome.what if nearest is None else f"{outcome.what}; {outcome.field} {nearest} would do"
    return Refusal(code=outcome.code, message=what, value=outcome.value, bound=outcome.bound, nearest=nearest)


def _attempt(
    request: OrderRequest,
    properties: SymbolProperties,
    reference: Decimal | None,
    held: Decimal,
    open_orders: int,
    pending: Decimal,
    filled: Decimal,
    pair: bool,
    search: bool,
) -> Solved | Breach:
    """``search``: whether a breach should name quantities that might do."""
    closes = bool(held) and (held > 0) is (request.side is Side.SELL)
    breach = forbidden(request, properties, closes, open_orders)
    if breach is not None:
        return breach
    notes: list[str] = []
    if request.type is not OrderType.MARKET or request.exits is not None:
        rounded = _prices(request, properties.ticks, closes, pair, reference, notes)
        if isinstance(rounded, Breach):
            return rounded
        request = rounded
    step, excused, room = lot_for(request, properties, closes, pair), False, properties.max_position
    size = held.copy_abs()
    if closes:
        room = holding = EXACT.add(size, filled) if filled else size
        if request.quantity > holding:
            what = f"{plain(holding)} is held, and one order does not turn a position round"
            request = _changed(request, "quantity", holding, what, notes)
        # Where fractions are taken at all, an order that does not take them will not take a holding's either.
        if properties.odd_lots and request.quantity == holding:
            excused = properties.fractions is None or step == properties.fractions.lot
    elif room is not None:
        size = EXACT.subtract(EXACT.add(size, pending), filled)
        room = EXACT.subtract(room, size)
    breach = None
    if not excused and off_grid(request.quantity, step):
        quantity = floor_to(request.quantity, step)
        if quantity:
            what = f"lot {plain(step)}, a quantity rounds down"
            if closes and request.quantity == room:
                what += f"; {plain(EXACT.subtract(request.quantity, quantity))} stays"
            request = _changed(request, "quantity", quantity, what, notes)
        else:
            breach = _nothing_left(request, properties, step)
    if breach is None:
        breach = out_of_bounds(
            request, properties, reference=reference, closes=closes, pair=pair, excused=excused, size=size
        )
        if breach is None:
            return Solved(request, tuple(notes))
    if search and breach.field == "quantity":
        breach = evolve(breach, candidates=quantities_near(request, properties, step, reference, closes, room))
    return breach


def _nothing_left(request: OrderRequest, properties: SymbolProperties, step: Decimal) -> Breach:
    value, bound = plain(request.quantity), plain(step)
    if step != 1:
        return Breach("ZERO_QUANTITY", f"quantity {value} is below one lot of {bound}", value, bound, "quantity")
    why = "is not traded in fractions" if properties.fractions is None else "takes no fractions in such an order"
    return Breach("NOT_FRACTIONABLE", f"quantity {value}: {request.symbol} {why}", value, bound, "quantity")


# --- prices -----------------------------------------------------------------------------------------------------------


def _prices(
    request: OrderRequest,
    ticks: tuple[Tick, ...],
    closes: bool,
    pair: bool,
    reference: Decimal | None,
    notes: list[str],
) -> OrderRequest | Breach:
    """The request with every price on its tick."""
    buying = request.side is Side.BUY
    if request.limit_price is not None and off_tick(ticks, request.limit_price):
        price = (round_down if buying else round_up)(ticks, request.limit_price)
        if not price:
            return _no_such_price("limit_price", request.limit_price, ticks[0].size)
        why = _why(ticks, request.limit_price, f"a {request.side.value} limit", not buying)
        request = _changed(request, "limit_price", price, why, notes)
    if request.stop_price is not None and off_tick(ticks, request.stop_price):
        up = buying is not closes
        price = (round_up if up else round_down)(ticks, request.stop_price)
        if not price:
            return _no_such_price("stop_price", request.stop_price, ticks[0].size)
        kind = "closes" if closes else "opens"
        why = _why(ticks, request.stop_price, f"a {request.side.value} stop that {kind}", up)
        request = _changed(request, "stop_price", price, why, notes)
    if request.trail_price is not None and ticks:
        # A distance is worth what a tick is worth where the price is.
        grid = ticks if reference is None else (Tick(size=tick_at(ticks, reference)),)
        if off_tick(grid, request.trail_price):
            trail = (round_down if closes else round_up)(grid, request.trail_price)
            if not trail:
                return _no_such_price("trail_price", request.trail_price, grid[0].size)
            kind = "closes is shortened" if closes else "opens is lengthened"
            what = f"tick {plain(tick_at(grid, request.trail_price))}, a trail that {kind}"
            request = _changed(request, "trail_price", trail, what, notes)
    if request.exits is not None:
        return _exit_prices(request, request.exits, ticks, buying is pair, notes)
    return request


def _exit_prices(
    request: OrderRequest, exits: Exits, ticks: tuple[Tick, ...], buying: bool, notes: list[str]
) -> OrderRequest | Breach:
    """The request with the prices of its exits on their ticks; ``buying`` is their side."""
    side = "buy" if buying else "sell"
    rounded: dict[str, Decimal] = {}
    for name, what in _EXITS:
        price: Decimal | None = getattr(exits, name)
        if price is None or not off_tick(ticks, price):
            continue
        rounded[name] = (round_down if buying else round_up)(ticks, price)
        if not rounded[name]:
            return _no_such_price(f"exits.{name}", price, ticks[0].size)
        why = _why(ticks, price, f"a {side} {what}", not buying)
        notes.append(f"exits.{name} {plain(price)} → {plain(rounded[name])}: {why}")
    return evolve(request, exits=evolve(exits, **rounded)) if rounded else request


# The limits of exits round away from the market, and their stop to trigger sooner: for either side the same way.
_EXITS = (("take_profit", "limit"), ("stop_loss", "stop that closes"), ("stop_limit", "limit"))


def _why(ticks: tuple[Tick, ...], price: Decimal, what: str, up: bool) -> str:
    return f"tick {plain(tick_at(ticks, price))}, {what} rounds {'up' if up else 'down'}"


def _no_such_price(name: str, price: Decimal, lowest: Decimal) -> Breach:
    what = f"{name} {plain(price)} is below the lowest, {plain(lowest)}"
    return Breach("ZERO_PRICE", what, plain(price), plain(lowest), name, (lowest,))


# --- changes ----------------------------------------------------------------------------------------------------------


def _changed(request: OrderRequest, name: str, value: Decimal, why: str, notes: list[str]) -> OrderRequest:
    notes.append(f"{name} {plain(getattr(request, name))} → {plain(value)}: {why}")
    return _with(request, name, value)


def _with(request: OrderRequest, name: str, value: Decimal | TimeInForce) -> OrderRequest:
    """The request with another value; ``name`` may be one of its exits': "exits.stop_loss"."""
    head, _, tail = name.partition(".")
    changes: dict[str, Any] = {head: evolve(request.exits, **{tail: value}) if tail else value}  # type: ignore[misc]
    return evolve(request, **changes)


def _value(request: OrderRequest, name: str) -> object:
    head, _, tail = name.partition(".")
    value: object = getattr(request, head)
    return getattr(value, tail) if tail else value


def _candidates(request: OrderRequest, breach: Breach) -> Sequence[Decimal | TimeInForce]:
    """What might do instead of the value that breaks the rule, nearest first."""
    asked = None if breach.field is None else _value(request, breach.field)
    if not isinstance(asked, Decimal):
        return [each for each in breach.candidates if each is not None]
    numbers = [each for each in breach.candidates if isinstance(each, Decimal) and each > 0]
    return sorted(numbers, key=lambda each: (EXACT.subtract(each, asked).copy_abs(), each))
