"""
Bars, and the files they are read from.

A bar is checked where it is read, not where it is made: making one has to be cheap. What a file says wrongly is an
error that names file, line and column; nothing is skipped, mended or guessed.
"""

from __future__ import annotations

import hashlib
import heapq
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import chain, islice, pairwise
from operator import attrgetter, itemgetter
from os import PathLike, fspath

from attrs import frozen

from engine.clock import utc
from engine.errors import InvalidInput, InvalidRequest
from engine.market.tables import (
    ABOVE_ZERO,
    FROM_ZERO,
    TIMESTAMP,
    Cells,
    columns_of,
    epoch,
    places,
    rows_of,
    unreadable,
)
from engine.model import ZERO

__all__ = ["Bar", "digest", "read_bars", "slices"]

_ALIASES = {
    "timestamp": TIMESTAMP,
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "v"),
}
_KNOWN = frozenset(chain.from_iterable(_ALIASES.values()))
_NUMBERS = ("open", "high", "low", "close", "volume")
_INFINITY = Decimal("Infinity")
_SAMPLE = 64  # bars whose gaps tell the width
_MINUTE = timedelta(minutes=1)
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)
_EPOCH_TEXT = re.compile(r"[0-9]{9,}(\.[0-9]+)?")  # eight digits are a day, and a day has no zone

_Values = tuple[datetime, Decimal, Decimal, Decimal, Decimal, Decimal]


@frozen  # and not keyword-only: a file has a million of these, and keywords would cost half as much again
class Bar:
    """
    What a symbol traded at between two moments.

    Attributes:
        start: The first moment, UTC.
        end: The first moment after it, UTC; all of the bar is known from here on.
        open, high, low, close: Quote units per base unit, > 0; low <= open, close <= high.
        volume: Base units, >= 0.

    Nothing of this is checked here: `read_bars` does.
    """

    symbol: str
    start: datetime
    end: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


def read_bars(path: str | PathLike[str], symbol: str, *, every: timedelta | None = None) -> Iterator[Bar]:
    """
    The bars of a file, one symbol's, read as they are asked for.

    The name's end says what the file is: ``.parquet`` (needs the extra ``tradebridge[data]``), ``.gz`` (compressed
    CSV), anything else CSV in UTF-8. Columns are found by the header, in any order and case: timestamp (or time,
    datetime, date, t), open, high, low, close, volume (or their first letters); others are ignored, and so are blank
    lines. Timestamps are the starts of the bars: ISO 8601 with a zone, or all of them seconds or milliseconds since
    1970.

    Args:
        every: The bars' width, > 0. None: the smallest gap between the first 64 bars, one minute if there is only one.
            A bar ends early where the next one starts before that (the day on which summer time begins).

    Returns:
        n >= 0 bars in the order of the file, which is that of time; a file that is only a header has none.

    Raises:
        InvalidRequest: ``every`` is not positive; at the first bar asked for, as all errors.
        InvalidInput: The file cannot be read, or says something impossible; names line, column and value.
    """
    if every is not None and every <= timedelta(0):
        raise InvalidRequest("every", every, "a width of more than nothing")
    name = fspath(path)
    values = _values(name)
    head = list(islice(values, _SAMPLE))
    if not head:
        return
    if every is None:
        every = min((after[0] - before[0] for before, after in pairwise(head)), default=_MINUTE)
    values = chain(head, values)
    start, opening, high, low, close, volume = next(values)
    for following in values:
        end = start + every
        if end > following[0]:
            end = following[0]
        yield Bar(symbol, start, end, opening, high, low, close, volume)
        start, opening, high, low, close, volume = following
    end = start + every
    yield Bar(symbol, start, end, opening, high, low, close, volume)


def slices(*streams: Iterable[Bar]) -> Iterator[tuple[Bar, ...]]:
    """
    Several streams of bars as one stream of moments.

    Args:
        streams: Bars in order of their start; a stream may hold several symbols.

    Returns:
        All bars that start at the same moment, ordered by symbol; moment after moment.

    Raises:
        InvalidInput: A stream goes back in time, or a symbol has two bars at one moment.
    """
    # A merge of unordered streams is unordered too, so one check behind it sees them all.
    bars = iter(streams[0]) if len(streams) == 1 else heapq.merge(*streams, key=attrgetter("start", "symbol"))
    first = next(bars, None)
    if first is None:
        return
    start, group = first.start, [first]
    for bar in bars:
        if bar.start == start:
            group.append(bar)
            continue
        if bar.start < start:
            expected = f"a start not before {start.isoformat()}"
            raise InvalidInput(f"bars of {bar.symbol}", bar.start.isoformat(), expected)
        yield _slice(group)
        start, group = bar.start, [bar]
    yield _slice(group)


def digest(path: str | PathLike[str]) -> str:
    """The SHA-256 of a file's bytes, hex; raise `InvalidInput` if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(fspath(path), error) from error


def _slice(group: list[Bar]) -> tuple[Bar, ...]:
    if len(group) > 1:
        group.sort(key=attrgetter("symbol"))
        for before, after in pairwise(group):
            if before.symbol == after.symbol:
                raise InvalidInput(f"bars of {after.symbol}", after.start.isoformat(), "one bar at a moment")
    return tuple(group)


# --- values -----------------------------------------------------------------------------------------------------------


def _values(name: str) -> Iterator[_Values]:
    top, place = places(name)
    with rows_of(name, _KNOWN) as rows:
        header = next(rows, None)
        if not header:
            raise InvalidInput(top, "nothing", f"a header with the columns {', '.join(_ALIASES)}")
        columns = columns_of(top, header, _ALIASES)
        pick = itemgetter(*columns)
        width = len(header)
        moment: Callable[[str], datetime] | None = None
        previous: datetime | None = None
        for row in rows:
            if not row:
                continue
            try:
                if len(row) != width:
                    raise ValueError
                when, o, h, l, c, v = pick(row)  # noqa: E741
                if moment is None or previous is None:
                    moment = epoch if _EPOCH_TEXT.fullmatch(when) else datetime.fromisoformat
                    previous = _BEFORE_ALL
                start = moment(when)
                if start.tzinfo is not UTC:
                    start = utc(start)
                opening, high, low, close, volume = Decimal(o), Decimal(h), Decimal(l), Decimal(c), Decimal(v)
                # NaN fails every comparison, or raises: either way the row is looked at again, by _fault.
                sound = (
                    ZERO < low <= opening <= high < _INFINITY
                    and low <= close <= high
                    and ZERO <= volume < _INFINITY
                    and previous < start
                )
            except (ValueError, TypeError, OverflowError, ArithmeticError):
                sound = False
            if not sound:
                raise _fault(f"{place} {rows.line_num}", header, columns, row, moment, previous)
            previous = start
            yield start, opening, high, low, close, volume


def _fault(
    where: str,
    header: Sequence[str],
    columns: Sequence[int],
    row: Sequence[str],
    moment: Callable[[str], datetime] | None,
    previous: datetime | None,
) -> InvalidInput:
    """What is wrong with a row that is not sound, the first thing from left to right."""
    cells = Cells(where, header, columns, row)
    found = cells.fault(moment, after=previous or _BEFORE_ALL, what="bar", bounds=[ABOVE_ZERO] * 4 + [FROM_ZERO])
    if found is not None:
        return found
    opening, high, low, close = map(Decimal, (row[index] for index in columns[1:5]))
    if high < max(opening, close, low):
        return cells.wrong(2, f"at least open, low and close, {max(opening, close, low)}")
    return cells.wrong(3, f"at most open, high and close, {min(opening, close)}")
