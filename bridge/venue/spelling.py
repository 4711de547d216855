"""
Numbers and moments as Alpaca writes them.

Moments are kept as whole nanoseconds since 1970: the wire has nine digits and a `datetime` six, and a listing that is
read on from the last moment seen must not lose what lies between them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from zoneinfo import ZoneInfo

__all__ = ["NEW_YORK", "instant", "local", "moment", "nanos", "parsed", "plain", "ratio", "zulu"]

NEW_YORK = ZoneInfo("America/New_York")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PATTERN = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?)?", re.ASCII)
_SIXTEEN = Decimal("0.0000000000000001")


def plain(number: Decimal) -> str:
    """The number in full: no exponent, no zeros at the end."""
    text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def ratio(part: Decimal, whole: Decimal) -> str:
    """One number in terms of another, to 16 decimals (0.01 = 1 %); of nothing it is "0"."""
    if not whole:
        return "0"
    try:
        return plain((part / whole).quantize(_SIXTEEN))
    except InvalidOperation:  # too large for so many decimals
        return plain(part / whole)


def nanos(at: datetime) -> int:
    """Nanoseconds since 1970 of an aware moment."""
    return (at - _EPOCH) // _MICROSECOND * 1000


def moment(at: int) -> datetime:
    """The moment in UTC, cut to microseconds."""
    return _EPOCH + timedelta(microseconds=at // 1000)


def zulu(at: int | None) -> str | None:
    """RFC 3339 in UTC, up to nine digits, zeros at the end dropped."""
    if at is None:
        return None
    seconds, rest = divmod(at, 10**9)
    fraction = f"{rest:09}".rstrip("0")
    return f"{_to_the_second(seconds)}.{fraction}Z" if fraction else f"{_to_the_second(seconds)}Z"


@lru_cache(maxsize=1024)  # an order has many moments, and most of them are in few seconds
def _to_the_second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()[:19]


def local(at: datetime) -> str:
    """RFC 3339 with New York's offset, as the clock of the market has it."""
    return at.astimezone(NEW_YORK).isoformat()


def instant(at: datetime) -> str:
    """RFC 3339 in UTC of a `datetime`."""
    return zulu(nanos(at)) or ""


def parsed(text: str) -> int | None:
    """
    Nanoseconds since 1970; a date alone is its midnight, a time without an offset UTC.

    Returns:
        None: it is no moment, or one before 1900 or after 2199.
    """
    found = _PATTERN.fullmatch(text.strip())
    if found is None:
        return None
    day, time, fraction, offset = found.groups()
    if not "1900" <= day[:4] < "2200":
        return None
    try:
        at = datetime.fromisoformat(f"{day}T{time or '00:00:00'}{(offset or 'Z').replace('Z', '+00:00')}")
        return nanos(at) + int((fraction or "0").ljust(9, "0"))
    except (ValueError, OverflowError):
        return None
