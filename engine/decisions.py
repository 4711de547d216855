"""What the gate says of an order, and the state of trading that it goes by."""

from __future__ import annotations

from decimal import Decimal

from attrs import frozen

from engine.model import Word, require_not_negative, require_positive

__all__ = ["Approval", "Refusal", "TradingState"]


class TradingState(Word):
    """What may be sent at all; exits and cancels pass in every state."""

    ACTIVE = "active"
    REDUCING = "reducing"  # nothing that opens or grows a position
    HALTED = "halted"  # the same, and live entries are cancelled when it begins


@frozen(kw_only=True)
class Refusal:
    """
    Why an order was not let through.

    Attributes:
        code: Stable, for programs: "INSUFFICIENT_CASH".
        message: For people: names the rule, the value and the bound.
        value, bound: What was looked at and what it was held against, in the rule's unit.
        nearest: What the field at fault (a quantity, a price; the message names it) would have to be, as near as can be
            to what was asked; None: no value of it would pass, or it cannot be told.
    """

    code: str
    message: str
    value: str | None = None
    bound: str | None = None
    nearest: str | None = None


@frozen(kw_only=True)
class Approval:
    """
    An order may go.

    Attributes:
        reserve_price: The worst price it is expected to trade at, quote units; what it reserves is worked out with it.
        opening: How much of the quantity opens or grows a position; the rest closes one. Base units.
    """

    reserve_price: Decimal
    opening: Decimal

    def __attrs_post_init__(self) -> None:
        require_positive("reserve_price", self.reserve_price)
        require_not_negative("opening", self.opening)
