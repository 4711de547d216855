"""What a venue takes for a trade."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from attrs import Attribute, field, frozen

from engine.errors import InvalidRequest
from engine.model import ZERO, Side

__all__ = ["BasisPoints", "FeeModel", "NoFees"]

_WHOLE = Decimal(10_000)


class FeeModel(Protocol):
    """The fee of one execution; pure."""

    def fee(self, symbol: str, side: Side, quantity: Decimal, price: Decimal) -> Decimal:
        """Quote units, >= 0, for ``quantity`` > 0 base units at ``price`` > 0 quote units each; not rounded."""


@frozen
class NoFees:
    """A venue that takes nothing."""

    def fee(self, symbol: str, side: Side, quantity: Decimal, price: Decimal) -> Decimal:
        return ZERO


def _rate(instance: object, attribute: Attribute[Decimal], value: object) -> None:
    if not isinstance(value, Decimal) or not value.is_finite() or not ZERO <= value < _WHOLE:
        raise InvalidRequest(attribute.name, value, "a Decimal from 0 to below 10000 basis points")


@frozen
class BasisPoints:
    """
    A part of what is traded, the same on both sides.

    Attributes:
        rate: Basis points of the cost, 0 <= rate < 10000; 1 is 0.01 %.

    Raises:
        InvalidRequest: ``rate`` is not a Decimal within these bounds.
    """

    rate: Decimal = field(validator=_rate)

    def fee(self, symbol: str, side: Side, quantity: Decimal, price: Decimal) -> Decimal:
        return quantity * price * self.rate / _WHOLE
