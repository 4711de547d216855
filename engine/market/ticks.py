"""
Quotes and trades, the files they are read from, and the bars that are made of them.

A bar that was made of ticks carries them, so that matching can go along what happened instead of an assumed path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from itertools import chain
from operator import itemgetter
from os import PathLike, fspath

from attrs import frozen

from engine.clock import EPOCH, utc
from engine.errors import InvalidInput, InvalidRequest
from engine.market.bars import Bar
from engine.market.tables import ABOVE_ZERO, FROM_ZERO, TIMESTAMP, Cells, columns_of, epoch, header_of, places, rows_of
from engine.model import ZERO

__all__ = ["Kind", "Quote", "Tick", "TickBar", "TradeTick", "kind_of", "read_ticks"]

_QUOTES = {
    "timestamp": TIMESTAMP,
    "bid": ("bid", "bid_price", "bp"),
    "ask": ("ask", "ask_price", "ap"),
    "bid_size": ("bid_size", "bs"),
    "ask_size": ("ask_size", "as"),
}
_TRADES = {"timestamp": TIMESTAMP, "price": ("price", "p"), "size": ("size", "s")}
_BARS = frozenset({"open", "o", "high", "h", "low", "l", "close", "c"})
_KNOWN = frozenset(chain.from_iterable([*_QUOTES.values(), *_TRADES.values()]))
_INFINITY = Decimal("Infinity")
_EPOCH_TEXT = re.compile(r"[0-9]{9,}(\.[0-9]+)?")
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


class Kind(Enum):
    """What a file of market data holds."""

    BARS = "bars"
    QUOTES = "quotes"
    TRADES = "trades"


@frozen
class Quote:
    """
    What could be traded at from a moment on.

    Attributes:
        bid, ask: Quote units per base unit, 0 < bid <= ask.
        bid_size, ask_size: Base units, >= 0.
    """

    at: datetime
    bid: Decimal
    ask: Decimal
    bid_size: Decimal
    ask_size: Decimal

    @property
    def price(self) -> Decimal:
        """The middle between bid and ask."""
        return (self.bid + self.ask) / 2


@frozen
class TradeTick:
    """
    What others traded.

    Attributes:
        price: Quote units per base unit, > 0.
        size: Base units, > 0.
    """

    at: datetime
    price: Decimal
    size: Decimal


Tick = Quote | TradeTick


@frozen
class TickBar(Bar):
    """A bar that was made of ticks, and those: in order of time, at least one, none before its start or at its end."""

    ticks: tuple[Tick, ...]


def kind_of(path: str | PathLike[str]) -> Kind:
    """
    What a file holds, by its header: quotes have a bid and an ask, trades a price; anything else is for bars.

    Raises:
        InvalidInput: The file cannot be read.
    """
    return _kind(header_of(fspath(path)))


def _kind(header: Sequence[str]) -> Kind:
    found = {cell.strip().lower() for cell in header}
    if not found.isdisjoint(_QUOTES["bid"]) and not found.isdisjoint(_QUOTES["ask"]):
        return Kind.QUOTES
    if "price" in found or ("p" in found and found.isdisjoint(_BARS)):
        return Kind.TRADES
    return Kind.BARS


def read_ticks(path: str | PathLike[str], symbol: str, *, every: timedelta = timedelta(minutes=1)) -> Iterator[TickBar]:
    """
    The bars made of a file of quotes or trades, one symbol's, read as they are asked for.

    Files are what `engine.market.bars.read_bars` says, with the columns timestamp, bid, ask, bid_size, ask_size or
    timestamp, price, size, or what Alpaca calls them. Ticks stand in the order of time; several may have one moment.

    Args:
        every: The bars' width, > 0; they begin at multiples of it, counted from 1970, UTC.

    Returns:
        A bar for each stretch with a tick in it: of trades their prices and sizes, of quotes the middle between bid
        and ask and no volume, for nobody is known to have traded.

    Raises:
        InvalidRequest: ``every`` is not positive; at the first bar asked for, as all errors.
        InvalidInput: The file cannot be read, or says something impossible; names line, column and value.
    """
    if every <= timedelta(0):
        raise InvalidRequest("every", every, "a width of more than nothing")
    gathered: list[Tick] = []
    end = _BEFORE_ALL
    for tick in _ticks(fspath(path)):
        if tick.at >= end:
            if gathered:
                yield _bar(symbol, end - every, end, gathered)
                gathered = []
            end = EPOCH + ((tick.at - EPOCH) // every + 1) * every
        gathered.append(tick)
    if gathered:
        yield _bar(symbol, end - every, end, gathered)


def _bar(symbol: str, start: datetime, end: datetime, ticks: Sequence[Tick]) -> TickBar:
    prices = [tick.price for tick in ticks]
    volume = sum((tick.size for tick in ticks if isinstance(tick, TradeTick)), ZERO)
    return TickBar(symbol, start, end, prices[0], max(prices), min(prices), prices[-1], volume, tuple(ticks))


# --- values -----------------------------------------------------------------------------------------------------------


def _ticks(name: str) -> Iterator[Tick]:
    top, place = places(name)
    with rows_of(name, _KNOWN) as rows:
        header = next(rows, None)
        if not header:
            expected = f"a header with the columns {', '.join(_QUOTES)} or {', '.join(_TRADES)}"
            raise InvalidInput(top, "nothing", expected)
        quotes = _kind(header) is Kind.QUOTES
        wanted = _QUOTES if quotes else _TRADES
        columns = columns_of(top, header, wanted)
        pick = itemgetter(*columns)
        width = len(header)
        moment: Callable[[str], datetime] | None = None
        previous = _BEFORE_ALL
        for row in rows:
            if not row:
                continue
            try:
                if len(row) != width:
                    raise ValueError
                when, *cells = pick(row)
                if moment is None:
                    moment = epoch if _EPOCH_TEXT.fullmatch(when) else datetime.fromisoformat
                at = moment(when)
                if at.tzinfo is not UTC:
                    at = utc(at)
                numbers = [Decimal(cell) for cell in cells]
                # NaN fails every comparison, or raises: either way the row is looked at again, by _fault.
                sound = previous <= at and (_sound_quote(*numbers) if quotes else _sound_trade(*numbers))
            except (ValueError, TypeError, OverflowError, ArithmeticError):
                sound = False
            if not sound:
                raise _fault(f"{place} {rows.line_num}", header, columns, list(wanted), row, moment, previous)
            previous = at
            yield Quote(at, *numbers) if quotes else TradeTick(at, *numbers)


def _sound_quote(bid: Decimal, ask: Decimal, bid_size: Decimal, ask_size: Decimal) -> bool:
    return ZERO < bid <= ask < _INFINITY and ZERO <= bid_size < _INFINITY and ZERO <= ask_size < _INFINITY


def _sound_trade(price: Decimal, size: Decimal) -> bool:
    return ZERO < price < _INFINITY and ZERO < size < _INFINITY


def _fault(
    where: str,
    header: Sequence[str],
    columns: Sequence[int],
    names: Sequence[str],
    row: Sequence[str],
    moment: Callable[[str], datetime] | None,
    previous: datetime,
) -> InvalidInput:
    """What is wrong with a row that is not sound, the first thing from left to right."""
    cells = Cells(where, header, columns, row)
    own = {"bid_size": FROM_ZERO, "ask_size": FROM_ZERO, "size": (True, "a size > 0")}
    bounds = [own.get(name, ABOVE_ZERO) for name in names[1:]]
    found = cells.fault(moment, after=previous, what="tick", bounds=bounds, together=True)
    return cells.wrong(2, f"at least the bid, {row[columns[1]]}") if found is None else found
