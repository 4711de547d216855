"""
What an order pays beyond the price that the market shows: half the spread, slippage, and its own weight.

Only who takes pays: an order that rested trades at its limit, and an auction has one price for all. No limit order
trades beyond its limit.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_UP, Decimal

from attrs import Attribute, field, frozen

from engine.errors import InvalidRequest
from engine.model import ZERO, Cost, require_positive

__all__ = ["TakerCosts"]

_WHOLE = Decimal(10_000)
_ONE = Decimal(1)
_FINEST = Decimal("0.000000001")


def _basis_points(instance: object, attribute: Attribute[Decimal], value: object) -> None:
    if not isinstance(value, Decimal) or not value.is_finite() or not ZERO <= value < _WHOLE:
        raise InvalidRequest(attribute.name, value, "a Decimal from 0 to below 10000 basis points")


def _tick(instance: object, attribute: Attribute[Decimal | None], value: object) -> None:
    if value is not None:
        require_positive(attribute.name, value)


@frozen(kw_only=True)
class TakerCosts:
    """
    How much worse than the market's price an order trades that takes.

    Attributes:
        spread: Between bid and ask, basis points of the price; half of it is paid.
        slippage: What the price moves until the order is there, basis points.
        impact: What an order moves the price by that is as large as the bar's volume, or larger, basis points; a
            smaller one moves it in proportion.
        tick: Grid of the prices, quote units: what is paid is rounded up to it, what is received down. None: no grid.

    Raises:
        InvalidRequest: A value is out of bounds, or together they come to 10000 basis points.
    """

    spread: Decimal = field(default=ZERO, validator=_basis_points)
    slippage: Decimal = field(default=ZERO, validator=_basis_points)
    impact: Decimal = field(default=ZERO, validator=_basis_points)
    tick: Decimal | None = field(default=None, validator=_tick)

    def __attrs_post_init__(self) -> None:
        total = self.spread / 2 + self.slippage + self.impact
        if total >= _WHOLE:
            raise InvalidRequest("spread / 2 + slippage + impact", total, "less than 10000 basis points")

    def paid(
        self, price: Decimal, quantity: Decimal, volume: Decimal, *, buying: bool, limit: Decimal | None
    ) -> tuple[Decimal, tuple[Cost, ...]]:
        """
        What the order trades at where the market shows ``price``, and what each model made it dearer by.

        Args:
            quantity: Of this execution, base units, > 0.
            volume: What the bar trades, base units, >= 0.
            limit: Not beyond this, quote units; None: at any price.
        """
        steps = []
        if self.spread:
            steps.append(("spread", price * self.spread / (2 * _WHOLE)))
        if self.slippage:
            steps.append(("slippage", price * self.slippage / _WHOLE))
        if self.impact:
            part = quantity / volume if volume > quantity else _ONE
            steps.append(("impact", (price * self.impact * part / _WHOLE).quantize(_FINEST, ROUND_UP)))
        costs = []
        reached = price
        for model, step in steps:
            reached, before = _within(reached + step if buying else reached - step, limit, buying), reached
            if reached != before:
                costs.append(Cost(model, abs(reached - before) * quantity))
        if self.tick is not None:
            ticks = (reached / self.tick).to_integral_value(ROUND_CEILING if buying else ROUND_FLOOR)
            reached, before = _within(max(ticks, _ONE) * self.tick, limit, buying), reached
            if reached > before if buying else reached < before:
                costs.append(Cost("tick", abs(reached - before) * quantity))
            else:
                reached = before
        return reached, tuple(costs)


def _within(price: Decimal, limit: Decimal | None, buying: bool) -> Decimal:
    if limit is None:
        return price
    return min(price, limit) if buying else max(price, limit)
