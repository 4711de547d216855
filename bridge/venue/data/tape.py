"""
What was seen of each asset: trades, quotes and bars, the newest of each kept.

Rows stand in columns of machine numbers, 33 to 64 bytes a row, so that a hundred thousand of them are a few megabytes;
prices are floats here and nowhere else, for they only go out again as JSON numbers.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from bridge.venue.assets import Asset, Assets
from engine.errors import InvalidRequest

__all__ = ["MOST_BARS", "MOST_TICKS", "Record", "Series", "Tape"]

MOST_TICKS = 100_000
"""How many trades, and how many quotes, are kept of each asset."""
MOST_BARS = 600_000
"""How many bars are kept of each asset: more than a year of minutes."""


class Series:
    """
    Rows of numbers in order of time.

    Args:
        width: Numbers in a row.
        most: How many rows are kept at least; the oldest go in blocks of an eighth of that, so it may be a little more.

    Attributes:
        at: The moment of each row, nanoseconds since 1970.
        columns: Its numbers, one array for each.
        dropped: How many rows were here and are not kept any more.
    """

    __slots__ = ("_block", "_most", "at", "columns", "dropped")

    def __init__(self, width: int, most: int) -> None:
        self.at = array("q")
        self.columns = tuple(array("d") for _ in range(width))
        self.dropped = 0
        self._most = most
        self._block = max(1, most // 8)

    def __len__(self) -> int:
        return len(self.at)

    def row(self, index: int) -> tuple[float, ...]:
        return tuple(column[index] for column in self.columns)

    def add(self, at: int, *numbers: float) -> int:
        """Put a row behind all that are not later; its index."""
        place = len(self.at)
        if place and at < self.at[-1]:
            place = bisect_right(self.at, at)
        return self._insert(place, at, numbers)

    def put(self, at: int, *numbers: float) -> tuple[int, bool]:
        """Like `add`, but instead of the row that has this moment; its index, and whether there was one."""
        place = bisect_left(self.at, at)
        if place < len(self.at) and self.at[place] == at:
            for column, number in zip(self.columns, numbers, strict=True):
                column[place] = number
            return place, True
        return self._insert(place, at, numbers), False

    def _insert(self, place: int, at: int, numbers: tuple[float, ...]) -> int:
        self.at.insert(place, at)
        for column, number in zip(self.columns, numbers, strict=True):
            column.insert(place, number)
        if len(self.at) < self._most + self._block:
            return place
        del self.at[: self._block]
        for column in self.columns:
            del column[: self._block]
        self.dropped += self._block
        return max(0, place - self._block)

    def between(self, low: int, high: int) -> tuple[int, int]:
        """The indices of the rows from one moment to another, both included: the first, and the first after."""
        return bisect_left(self.at, low), bisect_right(self.at, high)

    def last(self, until: int) -> int | None:
        """The index of the newest row that is not later than a moment."""
        place = bisect_right(self.at, until)
        return place - 1 if place else None


# Where it is listed, and the tape that its trades are reported on.
_PLACES = {"NASDAQ": ("Q", "C"), "NYSE": ("N", "A"), "ARCA": ("P", "B"), "AMEX": ("A", "B"), "BATS": ("Z", "B")}


class Record:
    """
    One asset's.

    Attributes:
        trades: Price, size, and 1 if a buyer took or -1 if a seller did.
        quotes: Bid, its size, ask, its size.
        bars: Open, high, low, close, volume, number of trades, average price by volume.
        exchange, tape: The letters of a share on the wire.
    """

    __slots__ = ("asset", "bars", "exchange", "quotes", "tape", "trades")

    def __init__(self, asset: Asset, most_ticks: int, most_bars: int) -> None:
        self.asset = asset
        self.trades = Series(3, most_ticks)
        self.quotes = Series(4, most_ticks)
        self.bars = Series(7, most_bars)
        self.exchange, self.tape = _PLACES.get(asset.exchange, ("V", "B"))


class Tape:
    """
    A record of each asset.

    Args:
        most_ticks, most_bars: How many rows of a kind are kept of each.
    """

    def __init__(self, assets: Assets, *, most_ticks: int = MOST_TICKS, most_bars: int = MOST_BARS) -> None:
        for name, most in (("most_ticks", most_ticks), ("most_bars", most_bars)):
            if type(most) is not int or most < 1:
                raise InvalidRequest(name, most, "a whole number >= 1")
        self._assets = assets
        self._records = {asset.symbol: Record(asset, most_ticks, most_bars) for asset in assets}

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records.values())

    def find(self, symbol: str) -> Record | None:
        """By the one spelling that market data has: "AAPL", "BTC/USD"."""
        return self._records.get(symbol)

    def record(self, name: str) -> Record:
        """
        By any name of the asset.

        Raises:
            InvalidRequest: No such asset.
        """
        asset = self._assets.find(name)
        if asset is None:
            raise InvalidRequest("symbol", name, "an asset of this venue")
        return self._records[asset.symbol]
