"""What the gate says of an order, what it looked at, and the state of trading that it goes by."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from attrs import frozen
from msgspec import Struct

from engine.model import OrderRequest, Word, require_not_negative, require_positive

__all__ = ["Approval", "Refusal", "Seen", "TradingState"]


class TradingState(Word):
    """What may be sent at all; exits and cancels pass in every state."""

    ACTIVE = "active"
    REDUCING = "reducing"  # nothing that opens or grows a position
    HALTED = "halted"  # the same, and live entries are cancelled when it begins


class Seen(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    What a decision was made on; kept with it in the journal. None: not known, or not looked at.

    Not an attrs class like all others: one goes with every order, and a Struct writes only what was looked at.

    Attributes:
        held: Our position in the symbol, signed base units.
        closing: Base units of it that other live exits may close.
        mark, marked: The market's last price, quote units, and its moment.
        available: Cash that nothing keeps back, quote units.
        equity, exposure, gross: Of the account, of the symbol, of all symbols, quote units.
        entries, orders: Entries of the session day so far; orders lately, as the order rate counts them.
        day_trades: As the rule on day trades counts them.
    """

    state: TradingState
    held: Decimal
    closing: Decimal | None = None
    mark: Decimal | None = None
    marked: datetime | None = None
    available: Decimal | None = None
    equity: Decimal | None = None
    exposure: Decimal | None = None
    gross: Decimal | None = None
    entries: int | None = None
    orders: int | None = None
    day_trades: int | None = None


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
        seen: What the decision was made on; None: it needed nothing.
    """

    code: str
    message: str
    value: str | None = None
    bound: str | None = None
    nearest: str | None = None
    seen: Seen | None = None


@frozen(kw_only=True)
class Approval:
    """
    An order may go.

    Attributes:
        reserve_price: The worst price it is expected to trade at, quote units; what it reserves is worked out with it.
        opening: How much of the quantity opens or grows a position; the rest closes one. Base units.
        request: The order as the symbol's rules allow it; None: as it was asked for.
        changes: What had to be changed, for people.
        seen: What the decision was made on; None: it needed nothing.
    """

    reserve_price: Decimal
    opening: Decimal
    request: OrderRequest | None = None
    changes: tuple[str, ...] = ()
    seen: Seen | None = None

    def __attrs_post_init__(self) -> None:
        require_positive("reserve_price", self.reserve_price)
        require_not_negative("opening", self.opening)
