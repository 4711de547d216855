"""
What came from outside and changed something, as it is written down.

A venue is its recipe and these: played into a house of the same recipe they make the same venue again, ids and all.
Reads change nothing and are not among them. Whose a request was is said by the key; no secret is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

__all__ = ["Asked", "Busted", "Corrected", "Input", "Ordered", "Priced", "Reached"]


class Asked(msgspec.Struct, frozen=True, tag="request", kw_only=True):
    """A request to the trading API that was let in and not refused."""

    at: datetime
    key: str
    method: str
    path: str
    query: Mapping[str, str] = {}
    body: bytes = b""


class Priced(msgspec.Struct, frozen=True, tag="price", kw_only=True):
    """The price of an asset was moved from outside, see `Core.price`."""

    at: datetime
    symbol: str
    price: Decimal
    jump: bool = False


class Busted(msgspec.Struct, frozen=True, tag="bust", kw_only=True):
    """The newest execution of an account and a symbol, or of any, was taken back by a fault."""

    at: datetime
    account: str | None = None
    symbol: str | None = None


class Corrected(msgspec.Struct, frozen=True, tag="correct", kw_only=True):
    """Likewise its numbers were changed."""

    at: datetime
    account: str | None = None
    symbol: str | None = None
    price: Decimal | None = None
    percent: Decimal | None = None
    quantity: Decimal | None = None


class Ordered(msgspec.Struct, frozen=True, tag="order", kw_only=True):
    """Another program placed an order on an account, or on all."""

    at: datetime
    account: str | None = None
    body: Mapping[str, str] = {}


class Reached(msgspec.Struct, frozen=True, tag="reached", kw_only=True):
    """
    Time had come so far; nothing else happened.

    Attributes:
        event: Id of the last event that was told by then.
    """

    at: datetime
    event: str


Input = Asked | Priced | Busted | Corrected | Ordered | Reached
