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

__all__ = ["Asked", "Input", "Priced", "Reached"]


class Asked(msgspec.Struct, frozen=True, tag="request", kw_only=True):
    """A request to the trading API that was let in."""

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


class Reached(msgspec.Struct, frozen=True, tag="reached", kw_only=True):
    """
    Time had come so far; nothing else happened.

    Attributes:
        event: Id of the last event that was told by then.
    """

    at: datetime
    event: str


Input = Asked | Priced | Reached
