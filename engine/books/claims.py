"""What the venue says that we hold, told along with its executions."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from attrs import frozen

__all__ = ["Claims"]


@frozen
class _Claim:
    """
    What the venue said the position was after an execution.

    Attributes:
        at: Venue time; what was told of earlier moments is of no interest any more.
        quantity: Signed, base units; None: the position has changed since, and the venue did not say to what.
    """

    at: datetime
    quantity: Decimal | None


class Claims:
    """The venue's latest word on each position."""

    def __init__(self) -> None:
        self._claims: dict[str, _Claim] = {}

    def told(self, symbol: str, at: datetime, quantity: Decimal | None) -> None:
        """Take in a word on the position at the venue's moment ``at``; None: it changed, nobody said to what."""
        claim = self._claims.get(symbol)
        if claim is None or at > claim.at or (at == claim.at and quantity is not None):
            self._claims[symbol] = _Claim(at, quantity)

    def latest(self, symbol: str) -> Decimal | None:
        """What the position is as far as the venue told, signed base units; None: that is not known."""
        claim = self._claims.get(symbol)
        return None if claim is None else claim.quantity

    def settle(self) -> None:
        """The books were found equal to the venue, or made so: what it said before is of no interest any more."""
        self._claims = {symbol: _Claim(claim.at, None) for symbol, claim in self._claims.items()}
