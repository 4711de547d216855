"""
Every error that the venue answers with, as a small value: status, code, words, and what else the body has.

The words are Alpaca's where they are known; `Refused` carries one of them from the rule that says no to the border.

Source: docs.alpaca.markets and recorded answers; the codes' first three digits mostly repeat the status.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from attrs import field, frozen

from bridge.venue.spelling import plain

__all__ = [
    "BAD_KEY",
    "NOT_ALLOWED",
    "NOT_FOUND",
    "NOT_UNDERSTOOD",
    "NOT_VALID",
    "TOO_MANY",
    "Failure",
    "Refused",
    "exit_beyond",
    "forbidden",
    "insufficient_balance",
    "insufficient_buying_power",
    "insufficient_quantity",
    "missing",
    "misunderstood",
    "no_route",
    "sub_penny",
    "stop_beyond",
    "unsuited",
    "wash_trade",
    "wrong_combination",
]

NOT_UNDERSTOOD = 40010001
NOT_ALLOWED = 40310000
NOT_FOUND = 40410000
NOT_VALID = 42210000


@frozen
class Failure:
    """
    Attributes:
        code: Eight digits; None: the body has none.
        extra: What the body has besides code and message.
    """

    status: int
    code: int | None
    message: str
    extra: Mapping[str, Any] = field(factory=dict)

    @property
    def body(self) -> dict[str, Any]:
        code = {} if self.code is None else {"code": self.code}
        # It may repeat what was asked for, and that half of a character.
        return {**code, "message": self.message.encode("utf-8", "replace").decode(), **self.extra}


class Refused(Exception):
    """A request is answered with an error; never seen outside of the core."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


BAD_KEY = Failure(401, 40110000, "access key verification failed : verification failure")
TOO_MANY = Failure(429, 42910000, "rate limit exceeded")


def no_route(method: str, path: str) -> Failure:
    """There is no such thing at this venue; said at length, for it may well exist at Alpaca."""
    return Failure(404, NOT_FOUND, f"this venue has no {method} {path}")


def wrong_combination(message: str) -> Failure:
    return Failure(400, NOT_UNDERSTOOD, message)


def misunderstood(message: str) -> Failure:
    return Failure(422, NOT_UNDERSTOOD, message)


def unsuited(message: str) -> Failure:
    """Understood, and against a rule of the market or the asset."""
    return Failure(422, NOT_VALID, message)


def forbidden(message: str, **extra: Any) -> Failure:
    return Failure(403, NOT_ALLOWED, message, extra)


def missing(message: str) -> Failure:
    return Failure(404, NOT_FOUND, message)


# --- with numbers in them ---------------------------------------------------------------------------------------------


def insufficient_buying_power(available: Decimal, cost: Decimal) -> Failure:
    return forbidden("insufficient buying power", buying_power=plain(available), cost_basis=plain(cost))


def insufficient_quantity(
    symbol: str, *, requested: Decimal, available: Decimal, existing: Decimal, held: Decimal, orders: Sequence[str]
) -> Failure:
    return forbidden(
        f"insufficient qty available for order (requested: {plain(requested)}, available: {plain(available)})",
        available=plain(available),
        existing_qty=plain(existing),
        held_for_orders=plain(held),
        related_orders=list(orders),
        symbol=symbol,
    )


def insufficient_balance(coin: str, requested: Decimal, available: Decimal) -> Failure:
    return forbidden(
        f"insufficient balance for {coin} (requested: {plain(requested)}, available: {plain(available)})",
        available=plain(available),
        symbol=coin,
    )


def sub_penny(name: str, price: Decimal) -> Failure:
    return unsuited(f"invalid {name} {plain(price)}. sub-penny increment does not fulfill minimum pricing criteria")


def exit_beyond(below: bool, base: Decimal, stop: Decimal) -> Failure:
    """
    Args:
        below: The stop protects a long position.
        base: What it has to lie a cent beyond.
    """
    message = f"stop_loss.stop_price must be {'<= base_price - 0.01' if below else '>= base_price + 0.01'}"
    return Failure(422, NOT_VALID, message, {"base_price": plain(base), "stop_price": plain(stop)})


def stop_beyond(word: str, market: Decimal, stop: Decimal) -> Failure:
    """
    Args:
        word: "less" for a sell, "greater" for a buy.
    """
    extra = {"market_price": plain(market), "stop_price": plain(stop)}
    return Failure(422, NOT_VALID, f"stop price must be {word} than current price", extra)


def wash_trade(order_id: str, reason: str, buy_limit: Decimal | None, sell_limit: Decimal | None) -> Failure:
    limits = {"buy_limit_price": buy_limit, "sell_limit_price": sell_limit}
    return forbidden(
        "potential wash trade detected. use complex orders",
        existing_order_id=order_id,
        reject_reason=reason,
        **{name: plain(price) for name, price in limits.items() if price is not None},
    )
