"""
Bars of any width, made of those that were seen.

Minutes and hours are counted from midnight, days, weeks (from Monday) and months are those of the market: New York's
for shares, UTC for coins. A bar that is wider than what is asked for stands at its own start.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from math import isfinite
from operator import mul
from typing import Literal

from attrs import frozen

from bridge.venue.data.tape import Series
from bridge.venue.spelling import NEW_YORK, moment, nanos

__all__ = ["DAY", "Stretch", "TimeFrame", "bars", "merged", "stretch", "timeframe", "zone"]

Unit = Literal["Min", "Hour", "Day", "Week", "Month"]
Numbers = tuple[float, ...]
Stretch = tuple[int, int]
"""A first moment, and the first one after: nanoseconds since 1970."""

_PATTERN = re.compile(r"([1-9][0-9]?)(Min|min|T|Hour|H|Day|D|Week|W|Month|M)")
_UNITS: dict[str, tuple[Unit, frozenset[int]]] = {
    "Min": ("Min", frozenset(range(1, 60))),
    "Hour": ("Hour", frozenset(range(1, 24))),
    "Day": ("Day", frozenset({1})),
    "Week": ("Week", frozenset({1})),
    "Month": ("Month", frozenset({1, 2, 3, 4, 6, 12})),
}
# ccxt spells minutes "min".
_UNITS |= {
    "min": _UNITS["Min"],
    "T": _UNITS["Min"],
    "H": _UNITS["Hour"],
    "D": _UNITS["Day"],
    "W": _UNITS["Week"],
    "M": _UNITS["Month"],
}
_HOUR = 3600 * 10**9
_WIDTHS = {"Min": _HOUR // 60, "Hour": _HOUR}
_ONE_DAY = timedelta(days=1)


@frozen
class TimeFrame:
    amount: int
    unit: Unit


DAY = TimeFrame(1, "Day")


def timeframe(text: str) -> TimeFrame | None:
    """What "5Min", "5T", "1Day" mean; None: nothing."""
    found = _PATTERN.fullmatch(text)
    if found is None:
        return None
    unit, amounts = _UNITS[found[2]]
    amount = int(found[1])
    return TimeFrame(amount, unit) if amount in amounts else None


def zone(*, crypto: bool) -> tzinfo:
    """Whose midnight begins a day."""
    return UTC if crypto else NEW_YORK


def stretch(frame: TimeFrame, at: int, where: tzinfo) -> Stretch:
    """The stretch of this width in which a moment lies."""
    width = _width(frame)
    if width and _HOUR % width == 0:  # no zone shifts its hours by less
        start = at - at % width
        return start, start + width
    today = moment(at).astimezone(where).date()
    if width:
        midnight = _midnight(today, where)
        start = midnight + (at - midnight) // width * width
        return start, min(start + width, _midnight(today + _ONE_DAY, where))
    if frame.unit == "Day":
        first, after = today, today + _ONE_DAY
    elif frame.unit == "Week":
        first = today - today.weekday() * _ONE_DAY
        after = first + 7 * _ONE_DAY
    else:
        months = today.year * 12 + (today.month - 1) // frame.amount * frame.amount
        first, after = (date(each // 12, each % 12 + 1, 1) for each in (months, months + frame.amount))
    return _midnight(first, where), _midnight(after, where)


def _width(frame: TimeFrame) -> int:
    """0: it is that of a day or more, which differs."""
    return _WIDTHS.get(frame.unit, 0) * frame.amount


def _midnight(day: date, where: tzinfo) -> int:
    return nanos(datetime.combine(day, time(), where))


def bars(
    seen: Series, frame: TimeFrame, low: int, high: int, *, where: tzinfo, backwards: bool = False
) -> Iterator[tuple[int, Numbers]]:
    """
    The bars that begin between two moments, both included: their starts and their numbers.

    Each is whole even where the stretch goes on after ``high``; those without a bar in them are not there.
    """
    at = seen.at
    if backwards:
        index = bisect_left(at, stretch(frame, high, where)[1])
        while index:
            start, _ = stretch(frame, at[index - 1], where)
            if start < low:
                return
            first = bisect_left(at, start, 0, index)
            yield start, merged(seen, first, index)
            index = first
        return
    index = bisect_left(at, low)
    while index < len(at):
        start, end = stretch(frame, at[index], where)
        if start > high:
            return
        after = index + 1
        if after < len(at) and at[after] < end:
            after = bisect_left(at, end, after)
        if start >= low:
            yield start, merged(seen, index, after)
        index = after


def merged(seen: Series, first: int, after: int) -> Numbers:
    """The numbers of one bar made of several."""
    if after - first == 1:
        return seen.row(first)
    opens, highs, lows, closes, volumes, counts, averages = seen.columns
    high, low, close = max(highs[first:after]), min(lows[first:after]), closes[after - 1]
    amounts = volumes[first:after]
    volume = sum(amounts)
    average = sum(map(mul, amounts, averages[first:after])) / volume if volume else close
    # Numbers near the end of what a float holds.
    average = round(min(max(average, low), high), 9) if isfinite(average) else close
    return opens[first], high, low, close, volume, sum(counts[first:after]), average
