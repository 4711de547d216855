"""Markets that were recorded: files of bars, quotes or trades, one symbol each, played together."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from operator import itemgetter
from os import PathLike, fspath

from bridge.venue.market.moves import Begun, Closed, Move, Moved, Ticked
from engine.errors import InvalidInput, InvalidRequest
from engine.market.bars import Bar, digest, read_bars
from engine.market.path import corners
from engine.market.ticks import Kind, TickBar, kind_of, read_ticks

__all__ = ["Recorded"]

_MINUTE = timedelta(minutes=1)
# Of the same moment: what ends, then that it has ended, then what begins, then all else.
_ENDS, _CLOSED, _BEGUN, _GOES_ON = range(4)

_Place = tuple[datetime, int, str]


class Recorded:
    """
    The market of some files, which are read as they are played.

    Args:
        files: By the symbol that each is of; CSV, CSV.gz or Parquet, told apart by their headers, see
            `engine.market.bars.read_bars` and `engine.market.ticks.read_ticks`.
        every: How long the bars are that are made of quotes or trades.

    Raises:
        InvalidRequest: No file, a symbol without a name, or a width of nothing.
        InvalidInput: A file cannot be read or has nothing in it; while it is played, also what it says wrongly.
    """

    def __init__(self, files: Mapping[str, str | PathLike[str]], *, every: timedelta = _MINUTE) -> None:
        if not files or not all(symbol.strip() for symbol in files):
            raise InvalidRequest("files", dict(files), "a file for each symbol, e.g. AAPL, at least one")
        if every <= timedelta(0):
            raise InvalidRequest("every", every, "a width of more than nothing")
        self._files = {symbol: fspath(files[symbol]) for symbol in sorted(files)}
        self._every = every
        self._kinds = {symbol: kind_of(path) for symbol, path in self._files.items()}
        self._digests = {symbol: digest(path) for symbol, path in self._files.items()}
        begins = {}
        for symbol, path in self._files.items():
            bar = next(self._bars(symbol), None)
            if bar is None:
                raise InvalidInput(path, "no bars", "at least one")
            begins[symbol] = bar
        # Of quotes and trades the first moment is that of the first one, which its bar began before.
        self.first = min(_first(bar) for bar in begins.values())
        self.prices: Mapping[str, Decimal] = {symbol: bar.open for symbol, bar in begins.items()}
        self.calendar = None

    @property
    def recipe(self) -> Mapping[str, object]:
        files = [[symbol, self._kinds[symbol].value, self._digests[symbol]] for symbol in self._files]
        return {"market": "recorded", "files": files, "every_us": self._every // timedelta.resolution}

    def moves(self) -> Iterator[Move]:
        streams = [_placed(self._bars(symbol)) for symbol in self._files]
        placed = streams[0] if len(streams) == 1 else heapq.merge(*streams, key=itemgetter(0))
        return (move for _, move in placed)

    def _bars(self, symbol: str) -> Iterator[Bar]:
        path = self._files[symbol]
        if self._kinds[symbol] is Kind.BARS:
            return read_bars(path, symbol)
        return read_ticks(path, symbol, every=self._every)


def _first(bar: Bar) -> datetime:
    return bar.ticks[0].at if isinstance(bar, TickBar) else bar.start


def _placed(bars: Iterable[Bar]) -> Iterator[tuple[_Place, Move]]:
    """The moves of one symbol's bars, each with its place among those of other symbols."""
    for bar in bars:
        symbol = bar.symbol
        if isinstance(bar, TickBar):
            for tick in bar.ticks:
                yield (tick.at, _GOES_ON, symbol), Ticked(tick.at, symbol, tick)
        else:
            yield (bar.start, _BEGUN, symbol), Begun(bar.start, symbol, bar.volume)
            for corner, (at, price) in enumerate(corners(bar)):
                place = (at, _GOES_ON if corner < 3 else _ENDS, symbol)
                yield place, Moved(at, symbol, price, corner == 0)
        yield (bar.end, _CLOSED, symbol), Closed(bar.end, bar)
