"""
Multiples of a step, and prices on a table of ticks, without losing a digit.

Everything here is exact whatever decimal context the caller has: what would need more than 400 digits raises one of
`decimal`'s errors instead of being rounded.
"""

from __future__ import annotations

from decimal import (
    MAX_EMAX,
    MIN_EMIN,
    Context,
    Decimal,
    DecimalException,
    DivisionByZero,
    Inexact,
    InvalidOperation,
)
from itertools import pairwise

from attrs import frozen

from engine.errors import InvalidRequest
from engine.model import ZERO, require_not_negative, require_positive

__all__ = [
    "EXACT",
    "Tick",
    "ceil_to",
    "check_ticks",
    "floor_to",
    "next_above",
    "next_below",
    "off_grid",
    "off_tick",
    "round_down",
    "round_up",
    "steps_up",
    "tick_at",
]

EXACT = Context(prec=400, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[InvalidOperation, DivisionByZero, Inexact])
_ONE = Decimal(1)
_remainder = EXACT.remainder


@frozen(kw_only=True)
class Tick:
    """
    The grid of one band of prices.

    Attributes:
        start: The lowest price of the band, which is one of its prices; it reaches up to the next band's start.
        size: Prices are multiples of it, quote units.
    """

    start: Decimal = ZERO
    size: Decimal

    def __attrs_post_init__(self) -> None:
        require_not_negative("start", self.start)
        require_positive("size", self.size)
        try:
            off = _remainder(self.start, self.size)
        except DecimalException:
            raise InvalidRequest("size", self.size, f"one that {self.start} can be counted in") from None
        if off:
            # So rounding down never leaves a band, and rounding up at most reaches the start of the next one.
            raise InvalidRequest("start", self.start, f"a multiple of the band's own size, {self.size}")


def check_ticks(ticks: tuple[Tick, ...]) -> None:
    """Raise InvalidRequest unless the bands begin at 0 and rise; without any, every price is on the grid."""
    starts = [tick.start for tick in ticks]
    if starts and (starts[0] != 0 or any(low >= high for low, high in pairwise(starts))):
        raise InvalidRequest("ticks", [str(start) for start in starts], "bands whose starts rise from 0")


# --- quantities -------------------------------------------------------------------------------------------------------


def off_grid(value: Decimal, step: Decimal) -> bool:
    """Whether the value is no multiple of the step."""
    return bool(_remainder(value, step))


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of the step that is not above the value; for values >= 0."""
    return EXACT.multiply(EXACT.divide_int(value, step), step)


def steps_up(value: Decimal, step: Decimal) -> Decimal:
    """How many steps it takes to reach the value; for values >= 0."""
    steps = EXACT.divide_int(value, step)
    return EXACT.add(steps, _ONE) if _remainder(value, step) else steps


def ceil_to(value: Decimal, step: Decimal) -> Decimal:
    """The smallest multiple of the step that is not below the value; for values >= 0."""
    return EXACT.multiply(steps_up(value, step), step)


# --- prices -----------------------------------------------------------------------------------------------------------


def _index(ticks: tuple[Tick, ...], price: Decimal) -> int:
    index = len(ticks) - 1
    while index > 0 and price < ticks[index].start:
        index -= 1
    return index


def tick_at(ticks: tuple[Tick, ...], price: Decimal) -> Decimal:
    """The size of the tick at this price, of a table that has any."""
    return ticks[_index(ticks, price)].size


def off_tick(ticks: tuple[Tick, ...], price: Decimal) -> bool:
    """Whether the price has to be rounded."""
    return bool(ticks) and bool(_remainder(price, ticks[_index(ticks, price)].size))


def round_down(ticks: tuple[Tick, ...], price: Decimal) -> Decimal:
    """The highest price of the table that is not above this one; 0 if there is none."""
    if not off_tick(ticks, price):
        return price
    return floor_to(price, ticks[_index(ticks, price)].size)


def round_up(ticks: tuple[Tick, ...], price: Decimal) -> Decimal:
    """The lowest price of the table that is not below this one."""
    if not off_tick(ticks, price):
        return price
    index = _index(ticks, price)
    rounded = ceil_to(price, ticks[index].size)
    if index + 1 < len(ticks):
        return min(rounded, ticks[index + 1].start)
    return rounded


def next_above(ticks: tuple[Tick, ...], price: Decimal) -> Decimal | None:
    """The lowest price of the table that is above this one; None: it has no ticks, so there is no next."""
    if not ticks:
        return None
    index = _index(ticks, price)
    size = ticks[index].size
    following = EXACT.add(floor_to(price, size), size)
    if index + 1 < len(ticks):
        return min(following, ticks[index + 1].start)
    return following


def next_below(ticks: tuple[Tick, ...], price: Decimal) -> Decimal | None:
    """The highest price of the table that is below this one; None: there is none above 0, or no ticks."""
    if not ticks:
        return None
    rounded = round_down(ticks, price)
    if rounded == price:
        index = _index(ticks, price)
        if index and price == ticks[index].start:
            index -= 1
        size = ticks[index].size
        rounded = EXACT.subtract(ceil_to(price, size), size)
    return rounded if rounded > 0 else None
