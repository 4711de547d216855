"""How much a strategy buys: what its money pays for, in whole lots."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

from engine.model import ZERO

__all__ = ["lot_of", "whole_lots"]

_PAIR_LOT = Decimal("0.0001")
_SHARE = Decimal(1)


def lot_of(symbol: str) -> Decimal:
    """What quantities are rounded to if nobody says otherwise: 0.0001 of a pair like BTC/USD, else whole shares."""
    return _PAIR_LOT if "/" in symbol else _SHARE


def whole_lots(quantity: Decimal, lot: Decimal) -> Decimal:
    """A quantity rounded down to lots, base units; 0 where it is less than one, or below nothing."""
    return max((quantity / lot).to_integral_value(ROUND_DOWN) * lot, ZERO)
