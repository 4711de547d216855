"""Values as people read them: money, prices, shares, moments, lengths of time."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

__all__ = ["NOTHING", "bps", "duration", "money", "moment", "percent", "price", "quantity", "ratio"]

NOTHING = "–"  # what is not defined or not known
_MINUS = "\N{MINUS SIGN}"


def money(value: Decimal | None, *, signed: bool = False) -> str:
    """Two decimals; with ``signed`` a plus before what is more than nothing."""
    if value is None:
        return NOTHING
    return _with_sign(f"{value:,.2f}", signed=signed)


def percent(share: Decimal | float | None, *, decimals: int = 2, signed: bool = False) -> str:
    """0.0123 as 1.23 %."""
    if share is None:
        return NOTHING
    return _with_sign(f"{share * 100:,.{decimals}f}", signed=signed) + " %"


def ratio(value: Decimal | float | None) -> str:
    return NOTHING if value is None else _with_sign(f"{value:,.2f}")


def bps(value: Decimal | None) -> str:
    return NOTHING if value is None else _with_sign(f"{value:,.2f}", signed=True) + " bp"


def price(value: Decimal | None) -> str:
    """At least two decimals, and as many as a price of that size is quoted with."""
    if value is None:
        return NOTHING
    text = f"{value:,.{2 if abs(value) >= 10_000 else 4 if abs(value) >= 1 else 8}f}"
    whole, _, decimals = text.partition(".")
    return _with_sign(f"{whole}.{decimals.rstrip('0').ljust(2, '0')}")


def quantity(value: Decimal | None) -> str:
    """Every digit, no zeros at the end."""
    if value is None:
        return NOTHING
    text = f"{value:,f}"
    return _with_sign(text.rstrip("0").rstrip(".") if "." in text else text)


def moment(at: datetime | None) -> str:
    """UTC, to the second; without seconds where there are none."""
    if at is None:
        return NOTHING
    return f"{at:%Y-%m-%d %H:%M}" if at.second == 0 else f"{at:%Y-%m-%d %H:%M:%S}"


def duration(length: timedelta | None) -> str:
    """Its two largest units: "3 d 4 h", "12 min", "1.5 s"."""
    if length is None:
        return NOTHING
    seconds = length.total_seconds()
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes = round(seconds / 60)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [(days, "d"), (hours, "h"), (minutes, "min")]
    first = next(index for index, (count, _) in enumerate(parts) if count)
    return " ".join(f"{count:,} {unit}" for count, unit in parts[first : first + 2] if count)


def _with_sign(text: str, *, signed: bool = False) -> str:
    if not text.strip("-0.,"):
        return text.removeprefix("-")  # what rounds to nothing has no sign
    if text.startswith("-"):
        return _MINUS + text[1:]
    return f"+{text}" if signed else text
