"""Settings of a venue as people write them: on a command line, in a marker of a test."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Literal, cast

from bridge.venue.limits import RateLimit
from engine.errors import InvalidRequest

__all__ = ["amount", "latency", "rate_limit"]

_LATENCY = re.compile(r"(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))?", re.ASCII)
_RATE = re.compile(r"(\d{1,9})/(\d{1,9}(?:\.\d+)?)(?::(clock|first|sliding))?", re.ASCII)


def amount(field: str, written: Decimal | float | str) -> Decimal:
    """
    Money or a price, > 0; a float is what it shows, 0.1 and not a little more.

    Raises:
        InvalidRequest: It is none; the field is named.
    """
    try:
        exact = Decimal(str(written))
    except InvalidOperation:
        exact = Decimal(0)
    if not exact.is_finite() or exact <= 0:
        raise InvalidRequest(field, written, "a number > 0")
    return exact


def latency(text: str) -> tuple[float, float]:
    """
    Seconds until an order takes effect, at least and at most: "0.05-0.4", or one number for both.

    Raises:
        InvalidRequest: It is written in another way.
    """
    found = _LATENCY.fullmatch(text.strip())
    if found is None:
        raise InvalidRequest("latency", text, "seconds as 0.05-0.4, at least and at most, or one number for both")
    least, most = found.groups()
    return float(least), float(most or least)


def rate_limit(text: str) -> RateLimit:
    """
    Requests and the seconds in which they may come: "200/60", "200/60:sliding".

    Raises:
        InvalidRequest: It is written in another way, or there is no such limit.
    """
    found = _RATE.fullmatch(text.strip())
    if found is None:
        expected = "requests and seconds as 200/60, and :clock, :first or :sliding behind it for the kind of window"
        raise InvalidRequest("rate_limit", text, expected)
    requests, seconds, kind = found.groups()
    window = cast(Literal["clock", "first", "sliding"], kind or "clock")
    return RateLimit(requests=int(requests), window=timedelta(seconds=float(seconds)), kind=window)
